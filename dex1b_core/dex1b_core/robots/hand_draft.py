"""What a hand's URDF tells without being moved: root link, fingers with tips, limits of joints."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.hand_description import (
    FingerDescription,
    HandDescription,
    PalmDescription,
    Vector3,
)
from dex1b_core.robots.hand_structure import FingerChain, HandStructure

Array = NDArray[np.float64]
Hulls = dict[str, list[Any]]

TIP_FRAME_DISTANCE = 0.02  # [m] a link so near to the end of the distal link is the tip
DEFAULT_EFFORT = 2.0  # [N m] where the URDF gives none that makes sense
HIGHEST_EFFORT = 50.0  # [N m] above this it does not
HIGHEST_VELOCITY = 4.0  # [rad/s]


def draft_hand(
    structure: HandStructure,
    hulls: Hulls,
    checked: Path,
    *,
    urdf: str,
    name: str,
    root: str | None,
    licence: str,
) -> HandDescription:
    """Everything that needs no motion; directions, postures and names of fingers are placeholders.

    Args:
        structure: Palm and fingers.
        hulls: Collision hulls of every link, see `collision_hulls`.
        checked: The file to read limits from.
        urdf: What the description calls its model.
        name: Of the hand.
        root: Link where the hand was asked to begin.
        licence: Of the model.

    Raises:
        ConfigurationError: a finger has no joint of its own, or ends without geometry.
    """
    root_link = _root_link(structure, root, hulls)
    names = _driven_joints(structure, root_link)
    fingers = {}
    for number, chain in enumerate(structure.fingers):
        tip, offset = _tip(structure, chain, hulls)
        joints = tuple(joint.name for joint in chain.joints if joint.name in names)
        if not joints:
            raise ConfigurationError(
                f"{urdf}: the finger to link '{chain.links[-1]}' has no driven joint of its own; "
                'grippers whose fingers share one joint are not supported'
            )
        fingers[f'finger_{number}'] = FingerDescription(
            links=tuple(link for link in chain.links if hulls[link] or link in chain.distal[:1]),
            tip=tip, joints=joints, tip_offset=offset,
        )  # fmt: skip
    limits = _joint_limits(checked, names)
    count = len(names)
    return HandDescription(
        key=name,
        urdf=urdf,
        licence=licence,
        root_link=root_link,
        joints=tuple(names),
        open=(0.0,) * count,
        velocity_limits=tuple(v for _, v in limits),
        acceleration_limits=tuple(round(5.0 * v, 2) for _, v in limits),
        effort_limits=tuple(e for e, _ in limits),
        squeeze_offset=0.35 if count <= 1.5 * len(fingers) else 0.15,
        controller=f'{name}_controller',
        palm=PalmDescription(link=root_link, normal=(1.0, 0.0, 0.0), fingers=(0.0, 0.0, 1.0)),
        fingers=fingers,
    )


def palm_centre(root_link: str, structure: HandStructure, hulls: Hulls) -> Array:
    """(3,) middle of the palm's collision geometry in the root link [m]; 0 if it has none."""
    poses = structure.tree.link_poses(structure.tree.complete({}))
    rigid = {root_link}
    for joint in structure.tree.joints:
        if joint.parent in rigid and joint.kind == 'fixed':
            rigid.add(joint.child)
    cloud = _corners(rigid, root_link, poses, hulls)
    return np.zeros(3) if len(cloud) == 0 else _box_centre(cloud)


def _root_link(structure: HandStructure, root: str | None, hulls: Hulls) -> str:
    """The first link of the palm's rigid body that belongs to the hand and has geometry."""
    way = [structure.palm]
    above = {joint.child: joint for joint in structure.tree.joints}
    while way[-1] != root and way[-1] in above and above[way[-1]].kind == 'fixed':
        way.append(above[way[-1]].parent)
    if way[-1] in above and way[-1] != root:
        return structure.palm  # it hangs on an arm or a wrist, whose parts are not the hand's
    while len(way) > 1 and not hulls[way[-1]]:
        way.pop()
    return way[-1]


def _driven_joints(structure: HandStructure, root_link: str) -> list[str]:
    """Moving joints below the root link that follow no other, in the order of the tree."""
    below = {root_link}
    for joint in structure.tree.joints:
        if joint.parent in below:
            below.add(joint.child)
    return [
        joint.name
        for joint in structure.tree.joints
        if joint.kind != 'fixed' and joint.mimic is None and joint.parent in below
    ]


def _tip(structure: HandStructure, chain: FingerChain, hulls: Hulls) -> tuple[str, Vector3 | None]:
    """The link at the end of a finger, or its name and place in the distal link if none is."""
    body = chain.distal[0]
    poses = structure.tree.link_poses(structure.tree.complete({}))
    cloud = _corners(chain.distal, body, poses, hulls)
    if len(cloud) == 0:
        raise ConfigurationError(f"link '{body}' ends a finger but has no collision geometry")
    outwards = cloud.mean(axis=0) / max(float(np.linalg.norm(cloud.mean(axis=0))), 1e-9)
    along = cloud @ outwards
    end = _box_centre(cloud[along > along.max() - 0.003])
    body_T = {link: np.linalg.inv(poses[body]) @ poses[link] for link in chain.distal}
    near = {
        link: float(np.linalg.norm(pose[:3, 3] - end))
        for link, pose in body_T.items()
        if pose[:3, 3] @ outwards > 0.4 * along.max()
    }
    if near and min(near.values()) < TIP_FRAME_DISTANCE:
        return min(near, key=lambda link: near[link]), None
    last = [link for link in chain.links if hulls[link]][-1]
    offset = np.linalg.inv(body_T[last])[:3] @ [*end, 1.0]
    x, y, z = (round(float(value), 4) for value in offset)
    return f'{last}_tip', (x, y, z)


def _corners(links: Iterable[str], frame: str, poses: dict[str, Array], hulls: Hulls) -> Array:
    """(N, 3) corners of the links' hulls in the frame of one of the links [m]."""
    corners = [np.zeros((0, 3))]
    for link in links:
        frame_T_link = np.linalg.inv(poses[frame]) @ poses[link]
        corners += [
            np.asarray(hull.vertices) @ frame_T_link[:3, :3].T + frame_T_link[:3, 3]
            for hull in hulls[link]
        ]
    return np.concatenate(corners)


def _box_centre(points: Array) -> Array:
    """(3,) centre of the axis-aligned box around (N, 3) points."""
    centre: Array = 0.5 * (points.min(axis=0) + points.max(axis=0))
    return centre


def _joint_limits(path: Path, names: list[str]) -> list[tuple[float, float]]:
    """Effort [N m] and velocity [rad/s] of joints."""
    limits = {j.get('name'): j.find('limit') for j in ElementTree.parse(path).findall('joint')}
    found = []
    for name in names:
        limit = limits[name]
        effort, velocity = (
            0.0 if limit is None else float(limit.get(key, '0')) for key in ('effort', 'velocity')
        )
        found.append((
            round(effort, 3) if 0.0 < effort <= HIGHEST_EFFORT else DEFAULT_EFFORT,
            round(min(velocity, HIGHEST_VELOCITY), 3) if velocity > 0.0 else HIGHEST_VELOCITY,
        ))  # fmt: skip
    return found
