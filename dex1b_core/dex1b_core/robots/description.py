"""Robots by name: what config/robots/NAME.yaml says about an arm with a hand."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from dex1b_core.assets import asset_path
from dex1b_core.config import StrictModel, config_folder, load_yaml
from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.robots.combined_urdf import MountDescription, combined_urdf
from dex1b_core.robots.hand_description import HandDescription, Vector3, load_hand
from dex1b_core.robots.joint_group import JointGroup
from dex1b_core.robots.urdf_file import check_urdf


class ArmDescription(JointGroup):
    """An arm: `home` [rad], limits [rad/s, rad/s^2], `joint_margin` [rad] kept to every limit."""

    home: tuple[float, ...]
    joint_margin: float = Field(ge=0)


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
    """An arm with a hand.

    Attributes:
        urdf: Model of both together: a path in the asset cache, or absolute.
        arm_urdf: Model of the arm alone, on which the hand's own model is mounted at `mount`.
        mount: Where; its joints and links keep the hand's names, the arm's get the prefix 'arm_'
            where the hand uses the same.
        hand: A name under config/hands, or written out.
    """

    name: str
    urdf: str = ''
    arm_urdf: str = ''
    mount: MountDescription | None = None
    licence: str
    base_link: str
    arm: ArmDescription
    hand: HandDescription
    simulation: SimulatedRobotSettings
    collision: CollisionSettings = CollisionSettings()
    workspace: WorkspaceBox

    @field_validator('hand', mode='before')
    @classmethod
    def _hand_by_name(cls, value: object) -> object:
        return load_hand(value) if isinstance(value, str) else value

    @model_validator(mode='after')
    def _one_model(self) -> Self:
        if bool(self.urdf) == bool(self.arm_urdf) or bool(self.arm_urdf) != bool(self.mount):
            raise ValueError('give either urdf, or arm_urdf and mount')
        return self

    @property
    def urdf_path(self) -> Path:
        """The URDF on this machine.

        Raises:
            AssetError: it has not been fetched.
            ConfigurationError: it is malformed.
        """
        if self.mount is None:
            return check_urdf(asset_path(self.urdf), visuals_needed=True).path
        arm = check_urdf(asset_path(self.arm_urdf), visuals_needed=True).path
        return combined_urdf(self.name, arm, self.hand.urdf_path, self.hand.root_link, self.mount)


def robot_names() -> list[str]:
    """Names that `load_robot` takes."""
    return sorted(path.stem for path in (config_folder() / 'robots').glob('*.yaml'))


def load_robot(name: str) -> RobotDescription:
    """Read config/robots/NAME.yaml, or the .yaml file that `name` is the path of.

    Raises:
        UnknownNameError: no such robot; the message lists those known.
        ConfigurationError: the file is malformed.
    """
    if Path(name).suffix in {'.yaml', '.yml'}:
        return load_yaml(Path(name), RobotDescription)
    if name not in robot_names():
        raise UnknownNameError(ErrorCode.UNKNOWN_ROBOT, 'robot', name, robot_names())
    return load_yaml(config_folder() / 'robots' / f'{name}.yaml', RobotDescription)
