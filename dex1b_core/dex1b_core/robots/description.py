"""Robots by name: what config/robots/NAME.yaml says about an arm with a hand."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from dex1b_core.assets import asset_path
from dex1b_core.config import StrictModel, config_folder, load_yaml
from dex1b_core.errors import ErrorCode, UnknownNameError

Vector3 = tuple[float, float, float]


class JointGroup(StrictModel):
    """Joints that one controller drives; limits in the order of `joints`."""

    joints: tuple[str, ...]
    velocity_limits: tuple[float, ...]
    acceleration_limits: tuple[float, ...]
    controller: str = Field(description='serves <controller>/follow_joint_trajectory')

    @model_validator(mode='after')
    def _lengths_match(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            is_per_joint = name in {
                'velocity_limits',
                'acceleration_limits',
                'effort_limits',
                'home',
                'open',
            }
            if is_per_joint and len(value) != len(self.joints):
                raise ValueError(f'{name} has {len(value)} values for {len(self.joints)} joints')
        return self


class ArmDescription(JointGroup):
    """An arm: `home` [rad], limits [rad/s, rad/s^2], `joint_margin` [rad] kept to every limit."""

    home: tuple[float, ...]
    joint_margin: float = Field(ge=0)


class FingerDescription(StrictModel):
    """One finger: links from the palm outwards, tip frame, driven joints."""

    links: tuple[str, ...]
    tip: str
    joints: tuple[str, ...]


class PalmDescription(StrictModel):
    """Palm frame: unit directions in the palm link."""

    link: str
    normal: Vector3
    fingers: Vector3


class HandDescription(JointGroup):
    """A hand: `open` posture [rad], `effort_limits` [N m], `squeeze_offset` [rad]."""

    key: str
    root_link: str
    open: tuple[float, ...]
    effort_limits: tuple[float, ...]
    squeeze_offset: float = Field(ge=0)
    palm: PalmDescription
    fingers: dict[str, FingerDescription]


class DriveSettings(StrictModel):
    """Simulated position drives [N m/rad, N m s/rad, N m, kg m^2]."""

    stiffness: float = Field(gt=0)
    damping: float = Field(ge=0)
    effort_limits: tuple[float, ...]
    armature: float = Field(ge=0)


class SimulatedRobotSettings(StrictModel):
    """How the robot is simulated."""

    arm: DriveSettings
    hand: DriveSettings
    correct_inertias: bool = False


class CollisionSettings(StrictModel):
    """Links of one group never collide with each other, beside neighbours in the tree."""

    disabled_groups: tuple[tuple[str, ...], ...] = ()

    def disabled(self, link_a: str, link_b: str) -> bool:
        """Whether the pair is exempt."""
        return any(link_a in group and link_b in group for group in self.disabled_groups)


class WorkspaceBox(StrictModel):
    """The hand's root link stays inside, planning frame [m]."""

    lower: Vector3
    upper: Vector3


class RobotDescription(StrictModel):
    """An arm with a hand."""

    name: str
    urdf: str = Field(description='path in the asset cache, or absolute')
    licence: str
    base_link: str
    arm: ArmDescription
    hand: HandDescription
    simulation: SimulatedRobotSettings
    collision: CollisionSettings = CollisionSettings()
    workspace: WorkspaceBox

    @property
    def urdf_path(self) -> Path:
        """The URDF on this machine.

        Raises:
            AssetError: it has not been fetched.
        """
        return asset_path(self.urdf)


def robot_names() -> list[str]:
    """Names that `load_robot` takes."""
    return sorted(path.stem for path in (config_folder() / 'robots').glob('*.yaml'))


def load_robot(name: str) -> RobotDescription:
    """Read config/robots/NAME.yaml.

    Raises:
        UnknownNameError: no such robot; the message lists those known.
        ConfigurationError: the file is malformed.
    """
    if name not in robot_names():
        raise UnknownNameError(ErrorCode.UNKNOWN_ROBOT, 'robot', name, robot_names())
    return load_yaml(config_folder() / 'robots' / f'{name}.yaml', RobotDescription)
