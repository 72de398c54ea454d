"""Who finds the arm's way through free space: our own search, or another's, which is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.planner import densify, plan_path
from dex1b_core.motion.settings import MotionSettings

Array = NDArray[np.float64]

AT_END = 1e-3  # [rad] from start and goal that another's path may be


@dataclass(frozen=True, eq=False)
class PathProblem:
    """A way of the arm that is asked for.

    Attributes:
        start: (A,) free arm positions [rad].
        goals: (A,) free arm positions each; reaching any is success.
        hand: (J,) its posture on the way, in the description's order [rad].
        bodies: Shapes by name, planning frame, that the robot may not touch.
        margins: What all of the robot keeps from each body [m].
        fixed_links: Links that no joint moves; where they stand they may touch the bodies.
        is_free: Whether (A,) positions touch nothing.
        lower, upper: (A,) limits.
        seed: Of everything random.
    """

    start: Array
    goals: tuple[Array, ...]
    hand: Array
    bodies: Mapping[str, Any]
    margins: Mapping[str, float]
    fixed_links: tuple[str, ...]
    is_free: Callable[[Array], bool]
    lower: Array
    upper: Array
    seed: int


class PathSearch(Protocol):
    """Finds paths; one call at a time."""

    def path(self, problem: PathProblem) -> Array:
        """Collision-free path (K, A) from the start to one of the goals, in small steps.

        Raises:
            Dex1bError: NO_PATH when there is none; NODE_UNAVAILABLE or DEADLINE of one that asks
                somebody else.
        """


class OmplSearch:
    """See `PathSearch`: RRT-Connect in this process.

    Args:
        settings: Resolution and time limit.
    """

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings

    def path(self, problem: PathProblem) -> Array:
        """See `PathSearch`."""
        return plan_path(
            problem.start, list(problem.goals), is_free=problem.is_free, lower=problem.lower,
            upper=problem.upper, settings=self._settings, seed=problem.seed,
        )  # fmt: skip


def checked_path(corners: Array, problem: PathProblem, settings: MotionSettings) -> Array:
    """What another planner found, in small steps and from the exact start to the exact goal.

    Its collision model is not ours, and neither are its margins: nothing is taken on trust.

    Args:
        corners: (C, A) arm positions [rad].
        problem: What was asked for.
        settings: Resolution.

    Raises:
        Dex1bError: NO_PATH for a path of another shape, with values that are no numbers or beyond
            the limits, that begins or ends elsewhere, or that touches something.
    """
    size = len(problem.start)
    if corners.ndim != 2 or corners.shape[1] != size or len(corners) == 0:
        raise _refused(f'has shape {corners.shape}; expected points of {size} joints')
    if not np.isfinite(corners).all():
        raise _refused('holds values that are no finite numbers')
    away = float(np.abs(corners[0] - problem.start).max())
    if away > AT_END:
        raise _refused(f'begins {away:.4f} rad from where the arm is; {AT_END} are allowed')
    ends = [float(np.abs(corners[-1] - goal).max()) for goal in problem.goals]
    goal = problem.goals[int(np.argmin(ends))]
    if min(ends) > AT_END:
        raise _refused(f'ends {min(ends):.4f} rad from every goal; {AT_END} are allowed')
    beyond = np.maximum(problem.lower - corners, corners - problem.upper).max()
    if beyond > AT_END:
        raise _refused(f'goes {beyond:.4f} rad beyond a joint limit')
    exact = np.vstack([problem.start, *corners[1:-1], goal])
    for positions in densify(exact, settings.check_step)[1:-1]:
        if not problem.is_free(positions):
            raise _refused(
                f'touches something at {positions.round(3).tolist()} by our own check: are its '
                'robot model and scene those of this robot?'
            )
    return densify(exact, settings.path_step)


def _refused(what: str) -> Dex1bError:
    return Dex1bError(ErrorCode.NO_PATH, f'the path of another planner {what}')
