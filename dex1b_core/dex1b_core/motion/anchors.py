"""Arm postures at a grasp that can be approached and lifted: what a pick hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.grasp_lines import GraspLines, PhaseCheckers
from dex1b_core.motion.ik import ArmIk, IkSolution
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.planning.candidate import GraspCandidate

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Anchor:
    """A grasp posture of the arm with the straight lines that lead to and from it.

    Attributes:
        grasp: At the grasp.
        approach: (K, A) from the stand-off to the grasp.
        lift: (L, A) from the grasp upwards.
        lift_height: Of the last point of `lift` [m].
    """

    grasp: IkSolution
    approach: Array
    lift: Array
    lift_height: float


class IsAnchor(Protocol):
    """What ways hang on: a posture of the arm at the grasp, and the line to it."""

    @property
    def grasp(self) -> IkSolution:
        """At the grasp."""

    @property
    def approach(self) -> Array:
        """(K, A) from the stand-off to the grasp."""


Anchored = TypeVar('Anchored', bound=IsAnchor)


class AnchorSearch:
    """Finds anchors of grasps for one robot."""

    def __init__(self, model: RobotModel, ik: ArmIk, settings: MotionSettings) -> None:
        self._robot, self._settings = model.description, settings
        self._model, self._ik = model, ik
        self._lines = GraspLines(model, ik, settings)

    def find(
        self,
        candidate: GraspCandidate,
        checkers: PhaseCheckers,
        start: Array,
        *,
        lift_height: float,
        count: int,
        seed: int,
    ) -> list[Anchor]:
        """At least one anchor, those nearest to `start` first.

        Args:
            candidate: The grasp.
            checkers: Of its scene.
            start: (A,) arm positions to search from [rad].
            lift_height: [m].
            count: At most so many.
            seed: Of the random restarts.

        Raises:
            Dex1bError: OUT_OF_WORKSPACE, NO_IK, JOINT_MARGIN; NO_PATH or the code of a collision
                where a posture was found but no line; INVALID_REQUEST for wrong hand joints.
        """

        def build(solution: IkSolution) -> Anchor:
            return self._anchor(candidate, checkers, solution, lift_height)

        return self.search(candidate, build, start, count=count, seed=seed)

    def search(
        self,
        candidate: GraspCandidate,
        build: Callable[[IkSolution], Anchored],
        start: Array,
        *,
        count: int,
        seed: int,
    ) -> list[Anchored]:
        """As `find`, of whatever `build` makes of an arm posture at the grasp, or refuses."""
        rng = np.random.default_rng(seed)
        self._check_target(candidate)
        known = candidate.reachability.positions
        home = np.array(self._robot.arm.home)
        seeds = [start, home, *([known] if len(known) == len(start) else [])]
        anchors: list[Anchored] = []
        errors: list[Dex1bError] = []
        for solution in self._ik.solutions(
            candidate.planning_T_wrist, seeds=seeds, restarts=self._settings.ik_restarts, rng=rng
        ):
            try:
                anchors.append(build(solution))
            except Dex1bError as error:
                errors.append(error)
            if len(anchors) >= count or len(errors) >= self._settings.ik_solutions:
                break
        if not anchors and not errors:
            raise self._no_ik(candidate, seeds, rng)
        if not anchors:
            # a collision says more about the grasp than a line the arm cannot follow
            errors.sort(key=lambda error: error.error_code is ErrorCode.NO_PATH)
            raise errors[0]
        anchors.sort(key=lambda item: float(np.abs(item.grasp.positions - start).sum()))
        return anchors

    def _check_target(self, candidate: GraspCandidate) -> None:
        for posture in (candidate.pregrasp, candidate.grasp, candidate.squeeze):
            self._model.hand_vector(candidate.joint_names, posture)
        box, point = self._robot.workspace, candidate.planning_T_wrist[:3, 3]
        if (point < np.array(box.lower)).any() or (point > np.array(box.upper)).any():
            raise Dex1bError(
                ErrorCode.OUT_OF_WORKSPACE,
                f"'{self._robot.hand.root_link}' would be at {point.round(3).tolist()} m; allowed "
                f'is {list(box.lower)} to {list(box.upper)} m',
            )

    def _anchor(
        self,
        candidate: GraspCandidate,
        checkers: PhaseCheckers,
        solution: IkSolution,
        lift_height: float,
    ) -> Anchor:
        self._lines.check_closing(candidate, checkers, solution.positions)
        approach = self._lines.approach(candidate, checkers, solution.positions)
        lift, height = self._lines.lift(candidate, checkers, solution.positions, lift_height)
        return Anchor(solution, approach, lift, height)

    def _no_ik(
        self, candidate: GraspCandidate, seeds: list[Array], rng: np.random.Generator
    ) -> Dex1bError:
        pose = candidate.planning_T_wrist
        point, distance = pose[:3, 3].round(3).tolist(), np.linalg.norm(pose[:3, 3])
        beyond = next(
            self._ik.solutions(pose, seeds=seeds, restarts=2, rng=rng, margin=False), None
        )
        if beyond is not None:
            return Dex1bError(
                ErrorCode.JOINT_MARGIN,
                f'the only arm posture found keeps {beyond.margin:.3f} rad to the '
                f'joint limits; {self._robot.arm.joint_margin:.3f} is required',
            )
        return Dex1bError(
            ErrorCode.NO_IK,
            f'no arm posture puts the hand at {point} m ({distance:.2f} m from the base) in this '
            f'orientation; {len(seeds) + self._settings.ik_restarts} starts tried',
        )
