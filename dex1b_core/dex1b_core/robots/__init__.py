"""Arms and hands."""

from dex1b_core.robots.description import (
    ArmDescription,
    RobotDescription,
    load_robot,
    robot_names,
)
from dex1b_core.robots.hand_description import (
    FingerDescription,
    HandDescription,
    PalmDescription,
    hand_names,
    load_hand,
)
from dex1b_core.robots.joint_group import JointGroup

__all__ = [
    'ArmDescription',
    'FingerDescription',
    'HandDescription',
    'JointGroup',
    'PalmDescription',
    'RobotDescription',
    'hand_names',
    'load_hand',
    'load_robot',
    'robot_names',
]
