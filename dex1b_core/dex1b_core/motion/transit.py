"""Collision-free paths of the arm while the hand keeps its posture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.collision import CollisionChecker
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.path_search import OmplSearch, PathProblem, PathSearch
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings

Array = NDArray[np.float64]


class Transit:
    """Paths for one robot.

    Args:
        model: Of the robot.
        ik: For its limits.
        settings: Resolution and time limit.
        search: Finds them; our own without.
    """

    def __init__(
        self,
        model: RobotModel,
        ik: ArmIk,
        settings: MotionSettings,
        search: PathSearch | None = None,
    ) -> None:
        self._model, self._ik = model, ik
        self._search = search or OmplSearch(settings)

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
            Dex1bError: NO_PATH, a collision of start or goal, or the search's own.
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
        return self._search.path(
            PathProblem(
                start, tuple(goals), hand, checker.bodies, checker.margins, checker.fixed_links,
                is_free, self._ik.lower, self._ik.upper, seed,
            )
        )  # fmt: skip
