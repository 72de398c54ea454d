"""Hands by name: what config/hands/NAME.yaml says about a hand, without any arm."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from dex1b_core.assets import asset_path
from dex1b_core.config import StrictModel, config_folder, load_yaml
from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.robots.extra_frame import ExtraFrame
from dex1b_core.robots.joint_group import JointGroup
from dex1b_core.robots.urdf_file import check_urdf

Vector3 = tuple[float, float, float]


class FingerDescription(StrictModel):
    """One finger: links from the palm outwards, tip frame, driven joints.

    Attributes:
        links: The last is the distal link.
        tip: Link at the fingertip.
        joints: Driven joints, from the palm outwards.
        tip_offset: Where the tip lies in the distal link [m]; for models without a link there.
        contacts: How many contact candidates; None takes the hand's `contacts_per_finger`.
    """

    links: tuple[str, ...] = Field(min_length=1)
    tip: str
    joints: tuple[str, ...] = Field(min_length=1)
    tip_offset: Vector3 | None = None
    contacts: int | None = Field(default=None, ge=1)


class PalmDescription(StrictModel):
    """Palm frame: unit directions in the palm link."""

    link: str
    normal: Vector3
    fingers: Vector3


class HandDescription(JointGroup):
    """A hand; what lies above `root_link` in its URDF (an arm, a wrist) is no part of it.

    Attributes:
        key: Its name.
        licence: Of the model.
        root_link: Grasps place this link.
        open: Posture before contact [rad].
        ready: Half-closed posture with opposed thumb [rad], where synthesis starts; None takes
            `open`.
        closing: +1, -1 or 0 by joint: the direction in which it closes its finger; joints left out
            are judged by how they move the fingertip.
        effort_limits: [N m].
        squeeze_offset: Command past contact [rad].
        palm: Its frame.
        fingers: The thumb first.
        contacts_per_finger: Contact candidates on each fingertip.
        contact_margin: They keep so far from edges [m].
        spheres_per_link: Collision spheres, at most.
    """

    key: str
    urdf: str = Field(description='path in the asset cache, or absolute; URDF, xacro or MJCF')
    licence: str
    root_link: str
    open: tuple[float, ...]
    ready: tuple[float, ...] | None = None
    closing: dict[str, Literal[-1, 0, 1]] = Field(default_factory=dict)
    effort_limits: tuple[float, ...]
    squeeze_offset: float = Field(ge=0)
    palm: PalmDescription
    fingers: dict[str, FingerDescription] = Field(min_length=1)
    contacts_per_finger: int = Field(default=24, ge=1)
    contact_margin: float = Field(default=0.002, ge=0)
    spheres_per_link: int = Field(default=10, ge=1)

    @model_validator(mode='after')
    def _joints_are_known(self) -> Self:
        used = {joint for finger in self.fingers.values() for joint in finger.joints}
        unknown = sorted((used | set(self.closing)) - set(self.joints))
        if unknown:
            raise ValueError(f'fingers or closing name joints {unknown}, not among joints')
        return self

    @property
    def urdf_path(self) -> Path:
        """The URDF on this machine.

        Raises:
            AssetError: it has not been fetched.
            ConfigurationError: it is malformed.
        """
        frames = tuple(
            ExtraFrame(finger.tip, finger.links[-1], finger.tip_offset)
            for finger in self.fingers.values()
            if finger.tip_offset is not None
        )
        return check_urdf(asset_path(self.urdf), frames).path


def hand_names() -> list[str]:
    """Names that `load_hand` takes."""
    return sorted(path.stem for path in (config_folder() / 'hands').glob('*.yaml'))


def load_hand(name: str) -> HandDescription:
    """Read config/hands/NAME.yaml, or the .yaml file that `name` is the path of.

    Raises:
        UnknownNameError: no such hand; the message lists those known.
        ConfigurationError: the file is malformed.
    """
    if Path(name).suffix in {'.yaml', '.yml'}:
        return load_yaml(Path(name), HandDescription)
    if name not in hand_names():
        raise UnknownNameError(ErrorCode.INVALID_REQUEST, 'hand', name, hand_names())
    return load_yaml(config_folder() / 'hands' / f'{name}.yaml', HandDescription)
