"""Collision-free paths of the arm while the hand keeps its posture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.collision import CollisionChecker
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.planner import plan_path
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings

Array = NDArray[np.float64]


class Transit:
    """Searches paths for one robot."""

    def __init__(self, model: RobotModel, ik: ArmIk, settings: MotionSettings) -> None:
        self._model, self._ik, self._settings = model, ik, settings

    def path(
        self, start: Array, goals: list[Array], hand: Array, checker: CollisionChecker, seed: int
    ) -> Array:
        """Path (K, A) from `start` to one of the goals.

        Args:
            start: (A,) arm positions [rad].
            goals: (A,) each; reaching any is success.
            hand: (J,) posture on the way [rad].
            checker: What may not be touched.
            seed: Of the search.

        Raises:
            Dex1bError: NO_PATH, or a collision of start or goal.
        """

        def is_free(positions: Array) -> bool:
            return checker.is_free(self._model.configuration(positions, hand))

        collision = checker.first_collision(self._model.configuration(start, hand))
        if collision is not None:
            raise collision.error('where the arm is now; move it away by hand or clear the scene')
        for goal in goals:
            collision = checker.first_collision(self._model.configuration(goal, hand))
            if collision is not None:
                raise collision.error('at the goal of the arm')
        return plan_path(
            start, goals, is_free=is_free, lower=self._ik.lower, upper=self._ik.upper,
            settings=self._settings, seed=seed,
        )  # fmt: skip
