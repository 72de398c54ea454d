"""The way back of a pick that found its hand empty."""

from __future__ import annotations

import numpy as np

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.port import RobotPort
from dex1b_core.execution.settings import ExecutionSettings
from dex1b_core.motion.plan import PickPlan, PickStage, Stage
from dex1b_core.motion.timing import rest_to_rest
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.robots import RobotDescription


def way_back(
    plan: PickPlan, port: RobotPort, robot: RobotDescription, settings: ExecutionSettings
) -> list[PickStage]:
    """Reversed motions from wherever on the plan the arm rests: down, open, back to the start.

    Raises:
        Dex1bError: START_STATE_MISMATCH when the arm rests at the end of no stage.
    """
    arm = port.measure(robot.arm.joints).positions
    motions = [stage.arm for stage in plan.stages if stage.arm is not None]
    ends = [float(np.abs(motion.positions[-1] - arm).max()) for motion in motions]
    last = int(np.argmin(ends))
    if ends[last] > settings.contact_tolerance:
        raise Dex1bError(
            ErrorCode.START_STATE_MISMATCH,
            f'the arm rests {ends[last]:.3f} rad from the end of every stage; no known way back',
        )
    opening = plan.stage(Stage.CLOSE).hand
    assert opening is not None
    stages = [
        PickStage(Stage.RETREAT, arm=motion.reversed()) for motion in reversed(motions[: last + 1])
    ]
    approached = min(2, last + 1)
    hand = PickStage(Stage.RETREAT, hand=_opening(port, robot, opening))
    return [*stages[: len(stages) - approached], hand, *stages[len(stages) - approached :]]


def _opening(port: RobotPort, robot: RobotDescription, closing: JointTrajectory) -> JointTrajectory:
    """From the measured posture back to where closing began, slower than closing was."""
    start = port.measure(robot.hand.joints).positions
    return rest_to_rest(robot.hand.joints, start, closing.positions[0], 1.5 * closing.duration)
