"""Inverse kinematics, collision-free planning, time parameterisation, trajectory validation.

Importing this package is light; `ArmMotion` loads pinocchio and coal when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dex1b_core.motion.plan import PickPlan, PickStage, Stage
from dex1b_core.motion.planned_motion import PlannedMotion
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.motion.trajectory import (
    JointTrajectory,
    braking_trajectory,
    stopping_trajectory,
)
from dex1b_core.motion.validate import JointLimits, validate_trajectory

if TYPE_CHECKING:
    from dex1b_core.motion.arm_motion import ArmMotion

__all__ = [
    'ArmMotion',
    'JointLimits',
    'JointTrajectory',
    'MotionSettings',
    'PickPlan',
    'PickStage',
    'PlannedMotion',
    'Stage',
    'braking_trajectory',
    'stopping_trajectory',
    'validate_trajectory',
]


def __getattr__(name: str) -> Any:
    if name == 'ArmMotion':
        from dex1b_core.motion.arm_motion import ArmMotion

        return ArmMotion
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
