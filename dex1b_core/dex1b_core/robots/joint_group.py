"""Joints that one controller drives."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from dex1b_core.config import StrictModel

PER_JOINT = {
    'velocity_limits', 'acceleration_limits', 'jerk_limits', 'effort_limits', 'home', 'open',
    'ready',
}  # fmt: skip


class Interface(StrEnum):
    """How a controller takes its commands.

    The first two are trajectories that a controller times itself; the others are positions, one
    message for each instant, timed by whoever sends them.
    """

    FOLLOW_JOINT_TRAJECTORY = 'follow_joint_trajectory'
    """Action control_msgs/FollowJointTrajectory of a joint trajectory controller."""
    JOINT_TRAJECTORY = 'joint_trajectory'
    """Topic of trajectory_msgs/JointTrajectory."""
    POSITION_STREAM = 'position_stream'
    """Topic of std_msgs/Float64MultiArray: forward command and position controllers."""
    JOINT_STATE_STREAM = 'joint_state_stream'
    """Topic of sensor_msgs/JointState: drivers of hands that take that."""

    @property
    def streamed(self) -> bool:
        """Whether positions are sent at a rate, instead of a trajectory once."""
        return self in (Interface.POSITION_STREAM, Interface.JOINT_STATE_STREAM)


_NAMES = {
    Interface.FOLLOW_JOINT_TRAJECTORY: 'follow_joint_trajectory',
    Interface.JOINT_TRAJECTORY: 'joint_trajectory',
    Interface.POSITION_STREAM: 'commands',
}


class JointGroup(StrictModel):
    """Joints that one controller drives; limits in the order of `joints`.

    Attributes:
        joints: Names in the URDF.
        velocity_limits: [rad/s].
        acceleration_limits: [rad/s^2].
        jerk_limits: [rad/s^3], where stated.
        controller: Its name.
        interface: How it takes commands.
        topic: Of commands, or the action's name; empty = the usual one under the controller's name.
        rate: Of streamed commands [Hz].
        command_joints: Order in which a message without names carries the joints; empty = `joints`.
    """

    joints: tuple[str, ...]
    velocity_limits: tuple[float, ...]
    acceleration_limits: tuple[float, ...]
    jerk_limits: tuple[float, ...] | None = None
    controller: str = Field(min_length=1)
    interface: Interface = Interface.FOLLOW_JOINT_TRAJECTORY
    topic: str = ''
    rate: float = Field(default=250.0, ge=10.0, le=500.0)
    command_joints: tuple[str, ...] = ()

    @model_validator(mode='after')
    def _lengths_match(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in PER_JOINT and value is not None and len(value) != len(self.joints):
                raise ValueError(f'{name} has {len(value)} values for {len(self.joints)} joints')
        return self

    @model_validator(mode='after')
    def _commands_have_a_way(self) -> Self:
        if len(set(self.joints)) != len(self.joints):
            raise ValueError(f'joints {list(self.joints)} name one twice')
        if self.command_joints and sorted(self.command_joints) != sorted(self.joints):
            raise ValueError(
                f'command_joints {list(self.command_joints)} are not the joints '
                f'{list(self.joints)} in another order'
            )
        if not self.topic and self.interface not in _NAMES:
            raise ValueError(f"interface {self.interface} needs the driver's topic")
        return self

    @property
    def command_name(self) -> str:
        """Topic of the commands, or the action's name."""
        return self.name_of(self.interface)

    def name_of(self, interface: Interface) -> str:
        """Topic or action by which the controller offers an interface, used or not."""
        if self.topic and interface is self.interface:
            return self.topic
        return f'{self.controller}/{_NAMES[interface]}'

    @property
    def command_order(self) -> tuple[str, ...]:
        """Joints as a message without names carries them."""
        return self.command_joints or self.joints
