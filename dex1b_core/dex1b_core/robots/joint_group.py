"""Joints that one controller drives."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from dex1b_core.config import StrictModel

PER_JOINT = {
    'velocity_limits', 'acceleration_limits', 'jerk_limits', 'effort_limits', 'home', 'open',
    'ready',
}  # fmt: skip


class JointGroup(StrictModel):
    """Joints that one controller drives; limits in the order of `joints`."""

    joints: tuple[str, ...]
    velocity_limits: tuple[float, ...]
    acceleration_limits: tuple[float, ...]
    jerk_limits: tuple[float, ...] | None = Field(None, description='[rad/s^3], where stated')
    controller: str = Field(description='serves <controller>/follow_joint_trajectory')

    @model_validator(mode='after')
    def _lengths_match(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in PER_JOINT and value is not None and len(value) != len(self.joints):
                raise ValueError(f'{name} has {len(value)} values for {len(self.joints)} joints')
        return self
