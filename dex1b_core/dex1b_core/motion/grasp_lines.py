"""Straight lines of the hand to a grasp and up from it, tested for what they may not touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.motion.cartesian import straight_line
from dex1b_core.motion.collision import Allow, Collision, CollisionChecker, environment
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import GraspCandidate

Array = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])
_STAND_OFF_FACTORS = (1.0, 1.5, 2.0)  # farther away where the hand would touch at the first
_LIFT_FACTORS = (1.0, 0.85, 0.7, 0.55)  # lower where the arm cannot follow the whole lift


@dataclass(frozen=True)
class PhaseCheckers:
    """Collision tests of one scene, by phase.

    Attributes:
        transit: Nothing may be touched.
        approach: The hand may touch the object.
        contact: Hand and arm may touch the object.
    """

    transit: CollisionChecker
    approach: CollisionChecker
    contact: CollisionChecker

    @classmethod
    def of_scene(
        cls, model: RobotModel, observation: ObjectObservation, settings: MotionSettings
    ) -> PhaseCheckers:
        """For the object, plane and obstacles of an observation."""
        bodies = environment(observation, settings)

        def make(allow: Allow) -> CollisionChecker:
            return CollisionChecker(model, bodies, settings=settings, allow=allow)

        return cls(make(Allow.NOTHING), make(Allow.HAND_OBJECT), make(Allow.OBJECT))


class GraspLines:
    """Lines from and to arm postures (A,) at the wrist pose of a candidate.

    All methods raise `Dex1bError`: NO_PATH where the arm cannot follow, or the code of a collision.
    """

    def __init__(self, model: RobotModel, ik: ArmIk, settings: MotionSettings) -> None:
        self._model, self._ik, self._settings = model, ik, settings

    def check_closing(
        self, candidate: GraspCandidate, checkers: PhaseCheckers, positions: Array
    ) -> None:
        """The hand may touch the object, but nothing else while it closes."""
        pregrasp = self._hand(candidate, candidate.pregrasp)
        grasp = self._hand(candidate, candidate.grasp)
        for share in (0.0, 0.5, 1.0):
            posture = pregrasp + share * (grasp - pregrasp)
            collision = checkers.approach.first_collision(
                self._model.configuration(positions, posture)
            )
            if collision is not None:
                raise collision.error(f'at the grasp with the hand {100 * share:.0f} % closed')

    def approach(
        self, candidate: GraspCandidate, checkers: PhaseCheckers, positions: Array
    ) -> Array:
        """Path (K, A) from a free stand-off to the grasp."""
        pregrasp = self._hand(candidate, candidate.pregrasp)
        collision: Collision | None = None
        for factor in _STAND_OFF_FACTORS:
            distance = factor * candidate.approach_distance
            path = self._line(candidate, positions, -distance * candidate.approach)
            self._check_path(
                path, pregrasp, checkers.approach, f'within {1e3 * distance:.0f} mm of the grasp'
            )
            collision = checkers.transit.first_collision(
                self._model.configuration(path[-1], pregrasp)
            )
            if collision is None:
                return path[::-1]
        assert collision is not None
        raise collision.error(f'at the stand-off, {1e3 * distance:.0f} mm before the grasp')

    def lift(
        self, candidate: GraspCandidate, checkers: PhaseCheckers, positions: Array, height: float
    ) -> tuple[Array, float]:
        """Path (L, A) upwards and the height that it reaches [m]."""
        grasp = self._hand(candidate, candidate.grasp)
        least = max(self._settings.min_lift_fraction * height, self._settings.verify_height)
        last: Dex1bError | None = None
        for share in _LIFT_FACTORS:
            if share * height < least and share < 1:
                break
            try:
                path = self._line(candidate, positions, share * height * _UP)
                self._check_path(path, grasp, checkers.contact, 'while lifting')
            except Dex1bError as error:
                last = error
            else:
                return path, share * height
        assert last is not None
        raise last

    def _hand(self, candidate: GraspCandidate, posture: Array) -> Array:
        return self._model.hand_vector(candidate.joint_names, posture)

    def _line(self, candidate: GraspCandidate, positions: Array, shift: Array) -> Array:
        return straight_line(
            self._ik, positions, candidate.planning_T_wrist, shift,
            step=self._settings.cartesian_step, joint_jump=self._settings.joint_jump,
        )  # fmt: skip

    def _check_path(self, path: Array, hand: Array, checker: CollisionChecker, where: str) -> None:
        hit = checker.first_on_path(self._model.configuration(q, hand) for q in path)
        if hit is not None:
            raise hit[1].error(where)
