"""One URDF of an arm and a hand, joined by a mount transform."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from dex1b_core.assets import cache_folder
from dex1b_core.config import StrictModel
from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import from_rpy
from dex1b_core.robots.hand_description import Vector3
from dex1b_core.robots.mesh_path import find_mesh
from dex1b_core.robots.urdf_origin import write_origin

Element = ElementTree.Element

PREFIX = 'arm_'  # of names of the arm that the hand uses too
MOUNT = 'hand_mount'


class MountDescription(StrictModel):
    """Where a hand sits on an arm.

    Attributes:
        link: Of the arm; what hangs below it in the arm's file, such as a gripper, is left out.
        xyz: Of the hand file's first link in that link's frame [m].
        rpy: Of the same [rad].
    """

    link: str
    xyz: Vector3 = Field(default=(0.0, 0.0, 0.0))
    rpy: Vector3 = Field(default=(0.0, 0.0, 0.0))


def combined_urdf(
    name: str, arm: Path, hand: Path, hand_root: str, mount: MountDescription
) -> Path:
    """Write the URDF of a hand on an arm into the cache; the same input gives the same file.

    The hand keeps its names; names of the arm that collide with them get the prefix 'arm_'. What
    lies above the hand's root link in its file (forearm, wrist) comes along, its joints fixed at 0.

    Args:
        name: Of the robot.
        arm: Checked URDF.
        hand: Checked URDF.
        hand_root: The hand's root link.
        mount: Where the hand sits.

    Raises:
        ConfigurationError: the mount link is not in the arm's URDF.
    """
    changed = (arm.stat().st_mtime_ns, hand.stat().st_mtime_ns)
    return _combined(name, arm, hand, hand_root, mount, changed, cache_folder())


@lru_cache(maxsize=32)
def _combined(
    name: str,
    arm: Path,
    hand: Path,
    hand_root: str,
    mount: MountDescription,
    changed: tuple[int, int],
    cache: Path,
) -> Path:
    arm_parts, hand_parts = _parts(arm), _parts(hand)
    links = [str(part.get('name')) for part in arm_parts if part.tag == 'link']
    if mount.link not in links:
        raise ConfigurationError(
            f"robot '{name}': mount link '{mount.link}' is not in {arm}; links are: "
            f'{", ".join(links)}'
        )
    arm_parts = _without_below(arm_parts, mount.link)
    taken = {(part.tag, part.get('name')) for part in hand_parts}
    link = _prefix(arm_parts, taken, mount.link)
    _fix_above(hand_parts, hand_root)
    robot = ElementTree.Element('robot', name=name)
    robot.extend(arm_parts)
    joint = ElementTree.SubElement(robot, 'joint', name=MOUNT, type='fixed')
    joint.append(write_origin(from_rpy(mount.xyz, mount.rpy)))
    ElementTree.SubElement(joint, 'parent', link=link)
    ElementTree.SubElement(joint, 'child', link=_root(hand_parts))
    robot.extend(hand_parts)
    text = ElementTree.tostring(robot)
    target = cache / 'urdf' / f'{name}-{hashlib.sha256(text).hexdigest()[:16]}.urdf'
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f'.{changed[0] ^ changed[1]}.tmp')
        partial.write_bytes(text)
        partial.replace(target)
    return target


def _parts(path: Path) -> list[Element]:
    """Links, joints and materials of a URDF, mesh paths absolute."""
    robot = ElementTree.parse(path).getroot()
    for mesh in robot.iter('mesh'):
        found = find_mesh(str(mesh.get('filename')), path)
        if found is not None:
            mesh.set('filename', str(found.resolve()))
    return [part for part in robot if part.tag in {'link', 'joint', 'material'}]


def _ends(joint: Element) -> tuple[str, str]:
    parent, child = (joint.find(side) for side in ('parent', 'child'))
    assert parent is not None
    assert child is not None
    return str(parent.get('link')), str(child.get('link'))


def _without_below(parts: list[Element], link: str) -> list[Element]:
    """The parts without links and joints below a link."""
    joints = [part for part in parts if part.tag == 'joint']
    below: set[str] = set()
    for _ in joints:
        below |= {_ends(joint)[1] for joint in joints if _ends(joint)[0] in {link, *below}}
    return [
        part for part in parts
        if not (part.tag == 'link' and part.get('name') in below)
        and not (part.tag == 'joint' and _ends(part)[1] in below)
    ]  # fmt: skip


def _prefix(parts: list[Element], taken: set[tuple[str, str | None]], link: str) -> str:
    """Rename parts whose names are taken; the new name of a link."""

    def renamed(tag: str, name: str | None) -> str:
        return f'{PREFIX}{name}' if (tag, name) in taken else str(name)

    for part in parts:
        if part.tag == 'joint':
            for side in ('parent', 'child'):
                end = part.find(side)
                if end is not None:
                    end.set('link', renamed('link', end.get('link')))
            mimic = part.find('mimic')
            if mimic is not None:
                mimic.set('joint', renamed('joint', mimic.get('joint')))
        if part.tag != 'material':
            part.set('name', renamed(part.tag, part.get('name')))
    return renamed('link', link)


def _fix_above(parts: list[Element], root: str) -> None:
    """Fix the joints above a link at 0."""
    above = {_ends(part)[1]: part for part in parts if part.tag == 'joint'}
    while root in above:
        joint = above[root]
        joint.set('type', 'fixed')
        for tag in ('axis', 'limit', 'mimic', 'dynamics'):
            for element in joint.findall(tag):
                joint.remove(element)
        root = _ends(joint)[0]


def _root(parts: list[Element]) -> str:
    children = {_ends(part)[1] for part in parts if part.tag == 'joint'}
    return next(
        str(part.get('name'))
        for part in parts
        if part.tag == 'link' and part.get('name') not in children
    )
