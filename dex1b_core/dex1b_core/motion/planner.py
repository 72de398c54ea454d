"""Collision-free joint paths: RRT-Connect, shortcuts, rounded corners."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.settings import MotionSettings

Array = NDArray[np.float64]
IsFree = Callable[[Array], bool]

_ATTEMPTS = 3
_OMPL_LOCK = threading.Lock()  # its random generator is global


def plan_path(
    start: Array,
    goals: list[Array],
    *,
    is_free: IsFree,
    lower: Array,
    upper: Array,
    settings: MotionSettings,
    seed: int,
) -> Array:
    """Smooth path (K, A) from `start` to one of the goals.

    Args:
        start: (A,) free arm positions.
        goals: (A,) free arm positions; reaching any is success.
        is_free: Whether (A,) positions touch nothing.
        lower, upper: (A,) limits.
        settings: Resolution and time limit.
        seed: Of the search and the shortcuts.

    Raises:
        Dex1bError: NO_PATH when the time limit passes without a path.
    """
    for goal in goals:
        if _segment_free(start, goal, is_free, settings.check_step):
            return densify(np.stack([start, goal]), settings.path_step)
    for attempt in range(_ATTEMPTS):
        corners = _search(start, goals, is_free, lower, upper, settings, seed + attempt)
        corners = _shortcut(corners, is_free, settings, np.random.default_rng(seed))
        path = _rounded(corners, is_free, settings)
        if path is not None:
            return path
    raise Dex1bError(
        ErrorCode.NO_PATH,
        f'{_ATTEMPTS} arm paths touched something when checked every {settings.check_step} rad',
    )


def _search(
    start: Array,
    goals: list[Array],
    is_free: IsFree,
    lower: Array,
    upper: Array,
    settings: MotionSettings,
    seed: int,
) -> Array:
    """Corners (K, A) of the path that RRT-Connect finds."""
    from ompl import base, geometric, util

    size = len(start)
    # Joints with several turns: full spins are never needed beyond what start and goals ask for.
    low = np.maximum(lower, np.minimum(-np.pi, np.min([start, *goals], axis=0) - 1e-6))
    high = np.minimum(upper, np.maximum(np.pi, np.max([start, *goals], axis=0) + 1e-6))
    with _OMPL_LOCK:
        util.setLogLevel(util.LogLevel.LOG_NONE)
        util.RNG(1).setSeed(seed % (2**31) + 1)
        space = base.RealVectorStateSpace(0)
        for joint in range(size):
            space.addDimension(float(low[joint]), float(high[joint]))
        information = base.SpaceInformation(space)
        information.setStateValidityChecker(
            lambda state: bool(is_free(np.array([state[joint] for joint in range(size)])))
        )
        extent = float(np.linalg.norm(high - low))
        information.setStateValidityCheckingResolution(settings.check_step / extent)
        information.setup()
        problem = base.ProblemDefinition(information)
        problem.addStartState(_state(information, start))
        targets = base.GoalStates(information)
        for goal in goals:
            targets.addState(_state(information, goal))
        problem.setGoal(targets)
        planner = geometric.RRTConnect(information)
        planner.setRange(0.8)
        planner.setProblemDefinition(problem)
        planner.setup()
        begin = time.monotonic()
        planner.solve(settings.planning_time)
        if not problem.hasExactSolution():
            raise Dex1bError(
                ErrorCode.NO_PATH,
                f'no collision-free arm path found in {time.monotonic() - begin:.1f} s; move '
                'obstacles, choose another grasp or allow more planning_time',
            )
        states = problem.getSolutionPath().getStates()
        return np.array([[state[joint] for joint in range(size)] for state in states])


def _state(information: object, positions: Array) -> object:
    state = information.allocState()  # type: ignore[attr-defined]
    for joint, value in enumerate(positions):
        state[joint] = float(value)
    return state


def _segment_free(a: Array, b: Array, is_free: IsFree, step: float) -> bool:
    """Whether the straight joint motion is free, coarse points first; ends are not tested."""
    count = int(np.ceil(np.abs(b - a).max() / step))
    order = np.arange(1, count)
    # bit-reversed order finds a collision in the middle early
    stride = [order[(order % 8) == k] for k in (4, 2, 6, 1, 5, 3, 7, 0)]
    return all(is_free(a + (b - a) * (k / count)) for part in stride for k in part.tolist())


def _shortcut(
    corners: Array, is_free: IsFree, settings: MotionSettings, rng: np.random.Generator
) -> Array:
    """Replace detours by straight pieces between random points of the path."""
    path = [*corners]
    for _ in range(settings.shortcut_rounds):
        if len(path) <= 2:
            break
        lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
        ends = np.concatenate([[0.0], np.cumsum(lengths)])
        first, last = np.sort(rng.uniform(0.0, ends[-1], 2))
        i, j = (int(np.searchsorted(ends, s, side='right')) - 1 for s in (first, last))
        if i == j or j >= len(lengths):
            continue
        a = path[i] + (path[i + 1] - path[i]) * ((first - ends[i]) / lengths[i])
        b = path[j] + (path[j + 1] - path[j]) * ((last - ends[j]) / lengths[j])
        if _segment_free(a, b, is_free, settings.check_step):
            path = [*path[: i + 1], a, b, *path[j + 1 :]]
    return np.array(path)


def _rounded(corners: Array, is_free: IsFree, settings: MotionSettings) -> Array | None:
    """Dense path with corners rounded as far as that stays free; None when nothing is."""
    for share in (1.0, 0.3, 0.1, 0.0):
        points = _round_corners(corners, share * settings.corner_radius)
        if all(is_free(point) for point in densify(points, settings.check_step)[1:-1]):
            return densify(points, settings.path_step)
    return None


def _round_corners(corners: Array, radius: float) -> Array:
    points = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        first, last = corner - before, after - corner
        reach_a = min(radius, 0.45 * float(np.linalg.norm(first)))
        reach_b = min(radius, 0.45 * float(np.linalg.norm(last)))
        a = corner - first / max(np.linalg.norm(first), 1e-9) * reach_a
        b = corner + last / max(np.linalg.norm(last), 1e-9) * reach_b
        u = np.linspace(0.0, 1.0, 6)[:, None]
        points.extend((1 - u) ** 2 * a + 2 * u * (1 - u) * corner + u**2 * b)
    points.append(corners[-1])
    return np.array(points)


def densify(points: Array, step: float) -> Array:
    """Points (K, A) along corners (C, A), no joint further than `step` from one to the next."""
    dense = [points[:1]]
    for a, b in itertools.pairwise(points):
        count = max(1, int(np.ceil(np.abs(b - a).max() / step)))
        dense.append(a + (b - a) * (np.arange(1, count + 1) / count)[:, None])
    return np.vstack(dense)
