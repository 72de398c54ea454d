"""Hands by name: what config/hands/NAME.yaml says about a hand, without any arm."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from dex1b_core.assets import asset_path
from dex1b_core.config import StrictModel, config_folder, load_yaml
from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.robots.joint_group import JointGroup

Vector3 = tuple[float, float, float]


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
    """A hand: `open` posture [rad], `effort_limits` [N m], `squeeze_offset` [rad].

    What lies above `root_link` in the URDF (an arm, a wrist) is no part of the hand.
    """

    key: str
    urdf: str = Field(description='path in the asset cache, or absolute')
    licence: str
    root_link: str
    open: tuple[float, ...]
    effort_limits: tuple[float, ...]
    squeeze_offset: float = Field(ge=0)
    palm: PalmDescription
    fingers: dict[str, FingerDescription]

    @property
    def urdf_path(self) -> Path:
        """The URDF on this machine.

        Raises:
            AssetError: it has not been fetched.
        """
        return asset_path(self.urdf)


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
