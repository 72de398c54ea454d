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
from dex1b_core.robots.joint_group import Interface, JointGroup

__all__ = [
    'ArmDescription',
    'FingerDescription',
    'HandDescription',
    'Interface',
    'JointGroup',
    'PalmDescription',
    'RobotDescription',
    'hand_names',
    'load_hand',
    'load_robot',
    'robot_names',
]
