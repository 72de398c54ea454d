"""Frames that a robot model lacks, such as fingertips, added to it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from dex1b_core.errors import ConfigurationError


@dataclass(frozen=True)
class ExtraFrame:
    """A frame that a URDF lacks, to be added.

    Attributes:
        name: Of the new link.
        parent: Link that carries it.
        offset: Where it lies in the parent's frame [m].
    """

    name: str
    parent: str
    offset: tuple[float, float, float]


def add_frames(robot: ElementTree.Element, frames: tuple[ExtraFrame, ...], source: Path) -> bool:
    """Add those that a robot has no link for; whether there were any.

    Raises:
        ConfigurationError: it lacks the link that should carry one.
    """
    links = {str(link.get('name')) for link in robot.findall('link')}
    new = [frame for frame in frames if frame.name not in links]
    for frame in new:
        if frame.parent not in links:
            raise ConfigurationError(
                f"{source}: frame '{frame.name}' should be fixed to link '{frame.parent}', which "
                f'is not in the file; links are: {", ".join(sorted(links))}'
            )
        ElementTree.SubElement(robot, 'link', name=frame.name)
        joint = ElementTree.SubElement(robot, 'joint', name=f'{frame.name}_frame', type='fixed')
        ElementTree.SubElement(joint, 'parent', link=frame.parent)
        ElementTree.SubElement(joint, 'child', link=frame.name)
        ElementTree.SubElement(joint, 'origin', xyz=' '.join(map(repr, frame.offset)), rpy='0 0 0')
    return bool(new)
