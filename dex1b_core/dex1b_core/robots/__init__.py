"""Arms and hands."""

from dex1b_core.robots.description import (
    ArmDescription,
    FingerDescription,
    HandDescription,
    JointGroup,
    RobotDescription,
    load_robot,
    robot_names,
)

__all__ = [
    'ArmDescription',
    'FingerDescription',
    'HandDescription',
    'JointGroup',
    'RobotDescription',
    'load_robot',
    'robot_names',
]
