"""Carrying out a planned pick on a robot, without ROS."""

from dex1b_core.execution.grip import Grip, GripJudge
from dex1b_core.execution.pick_execution import PickExecution, Progress
from dex1b_core.execution.port import Measured, Motion, RobotPort
from dex1b_core.execution.settings import ExecutionSettings

__all__ = [
    'ExecutionSettings',
    'Grip',
    'GripJudge',
    'Measured',
    'Motion',
    'PickExecution',
    'Progress',
    'RobotPort',
]
