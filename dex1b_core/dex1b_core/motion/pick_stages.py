"""The stages of a pick, timed: from paths of the arm and postures of the hand to trajectories."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.anchors import Anchor
from dex1b_core.motion.plan import PickStage, Stage
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.motion.timing import point_to_point, time_path
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.motion.validate import JointLimits, validate_trajectory
from dex1b_core.planning.candidate import GraspCandidate

Array = NDArray[np.float64]


class PickTiming:
    """Times picks of one robot within the limits of arm and hand."""

    def __init__(
        self,
        model: RobotModel,
        arm_limits: JointLimits,
        hand_limits: JointLimits,
        settings: MotionSettings,
    ) -> None:
        self._model, self.settings = model, settings
        self._arm_limits, self._hand_limits = arm_limits, hand_limits

    def stages(
        self,
        candidate: GraspCandidate,
        path: Array,
        anchor: Anchor,
        hand_start: Array,
        scaling: float,
    ) -> tuple[PickStage, ...]:
        """PREGRASP to LIFT; VERIFY is the first piece of the lift.

        Args:
            candidate: The grasp.
            path: (K, A) to the anchor's stand-off [rad].
            anchor: Where the grasp takes place.
            hand_start: (J,) posture of the hand before [rad].
            scaling: Fraction of the arm's limits.

        Raises:
            Dex1bError: LIMITS, a stage breaks a limit in spite of its timing.
        """
        settings = self.settings
        pregrasp, grasp, squeeze = self.postures(candidate)
        small = max(2, round(len(anchor.lift) * settings.verify_height / anchor.lift_height) + 1)
        small = min(small, len(anchor.lift))
        opening = self.hand(hand_start, pregrasp, settings.close_duration)
        stages = [
            PickStage(Stage.PREGRASP, self.arm(path, scaling), opening),
            PickStage(Stage.APPROACH, self.arm(anchor.approach, scaling)),
            PickStage(Stage.CLOSE, hand=self.hand(pregrasp, grasp, settings.close_duration)),
            PickStage(
                Stage.SQUEEZE,
                hand=self.hand(grasp, squeeze, settings.squeeze_duration),
                settle=settings.settle_duration,
            ),
            PickStage(Stage.VERIFY, self.arm(anchor.lift[:small], scaling)),
        ]
        if small < len(anchor.lift):
            stages.append(PickStage(Stage.LIFT, self.arm(anchor.lift[small - 1 :], scaling)))
        self.validate(stages, scaling)
        return tuple(stages)

    def validate(self, stages: Iterable[PickStage], scaling: float) -> None:
        """Refuse stages that break a limit.

        Raises:
            Dex1bError: LIMITS.
        """
        for stage in stages:
            if stage.arm is not None:
                validate_trajectory(stage.arm, self._arm_limits, scaling=scaling)
            if stage.hand is not None:
                validate_trajectory(stage.hand, self._hand_limits)

    def arm(self, path: Array, scaling: float) -> JointTrajectory:
        """An arm path (K, A) timed at a fraction of the limits."""
        return time_path(
            path, self._arm_limits, scaling=scaling, period=self.settings.sample_period
        )

    def hand(self, start: Array, goal: Array, duration: float) -> JointTrajectory:
        """Straight from one (J,) posture to another in no less than `duration` [s]."""
        return point_to_point(
            start, goal, self._hand_limits, min_duration=duration,
            period=self.settings.sample_period,
        )  # fmt: skip

    def postures(self, candidate: GraspCandidate) -> tuple[Array, Array, Array]:
        """(J,) pregrasp, grasp and squeeze, the last within the limits."""
        pregrasp, grasp, squeeze = (
            self._model.hand_vector(candidate.joint_names, posture)
            for posture in (candidate.pregrasp, candidate.grasp, candidate.squeeze)
        )
        limits = self._hand_limits
        return pregrasp, grasp, np.clip(squeeze, limits.lower, limits.upper)
