"""A robot's links and joints as a tree of transforms, read from its URDF with nothing but numpy."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.urdf_origin import read_origin

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TreeJoint:
    """A joint between two links.

    Attributes:
        name: Joint name.
        kind: 'fixed', 'revolute' or 'prismatic'.
        parent: Link name.
        child: Link name.
        parent_T_joint: (4, 4) `parent_T_child` at position 0.
        axis: (3,) unit, joint frame.
        limits: Lowest and highest position [rad or m].
        mimic: Leader, multiplier, offset; None for a driven joint.
    """

    name: str
    kind: str
    parent: str
    child: str
    parent_T_joint: Array
    axis: Array
    limits: tuple[float, float]
    mimic: tuple[str, float, float] | None

    def transform(self, position: float) -> Array:
        """`parent_T_child` (4, 4) at a joint position [rad or m]."""
        motion = np.eye(4)
        if self.kind == 'revolute':
            x, y, z = self.axis
            cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
            motion[:3, :3] += np.sin(position) * cross + (1 - np.cos(position)) * cross @ cross
        elif self.kind == 'prismatic':
            motion[:3, 3] = position * self.axis
        return self.parent_T_joint @ motion


@dataclass(frozen=True)
class LinkTree:
    """All joints of a robot, parents before children."""

    joints: tuple[TreeJoint, ...]

    @classmethod
    def from_urdf(cls, path: Path) -> Self:
        """Read a URDF.

        Raises:
            ConfigurationError: the file cannot be read, or is not one tree of known joints.
        """
        try:
            root = ElementTree.parse(path).getroot()
            joints = [read_joint(element) for element in root.findall('joint')]
        except (OSError, ElementTree.ParseError, KeyError, ValueError, AttributeError) as error:
            raise ConfigurationError(f'{path}: not a readable URDF: {error}') from error
        return cls(tuple(_sorted(joints, path)))

    @property
    def root(self) -> str:
        """The link that is nobody's child."""
        return self.joints[0].parent

    @property
    def links(self) -> tuple[str, ...]:
        """All links, parents before children."""
        return (self.root, *(joint.child for joint in self.joints))

    @property
    def movable(self) -> tuple[str, ...]:
        """Joints that move, mimic joints included."""
        return tuple(joint.name for joint in self.joints if joint.kind != 'fixed')

    def complete(self, positions: Mapping[str, float]) -> dict[str, float]:
        """All joint positions from those of the driven joints; those not given are 0."""
        mimics = {joint.name: joint.mimic for joint in self.joints}
        full: dict[str, float] = {}

        def position(name: str) -> float:
            if name not in full:
                mimic = mimics[name]
                full[name] = (
                    float(positions.get(name, 0.0))
                    if mimic is None
                    else mimic[1] * position(mimic[0]) + mimic[2]
                )
            return full[name]

        return {name: position(name) for name in self.movable}

    def link_poses(self, positions: Mapping[str, float]) -> dict[str, Array]:
        """`root_T_link` (4, 4) of every link at positions of all movable joints [rad or m]."""
        poses = {self.root: np.eye(4)}
        for joint in self.joints:
            position = positions.get(joint.name, 0.0)
            poses[joint.child] = poses[joint.parent] @ joint.transform(position)
        return poses


def read_joint(element: ElementTree.Element) -> TreeJoint:
    """A URDF's <joint>.

    Raises:
        ValueError, KeyError: it is malformed.
    """
    kind = element.attrib['type'].replace('continuous', 'revolute')
    if kind not in {'fixed', 'revolute', 'prismatic'}:
        raise ValueError(f"joint '{element.attrib['name']}' of type '{kind}' is not supported")
    ends = {end: element.find(end) for end in ('parent', 'child', 'axis', 'mimic', 'limit')}
    values = {end: {} if found is None else found.attrib for end, found in ends.items()}
    axis = np.array(_vector(values['axis'].get('xyz', '1 0 0')))
    mimic = None
    if ends['mimic'] is not None:
        own = values['mimic']
        mimic = (own['joint'], float(own.get('multiplier', 1)), float(own.get('offset', 0)))
    limits = tuple(
        float(values['limit'].get(k, d)) for k, d in (('lower', '-inf'), ('upper', 'inf'))
    )
    return TreeJoint(
        element.attrib['name'],
        kind,
        values['parent']['link'],
        values['child']['link'],
        read_origin(element),
        axis / max(float(np.linalg.norm(axis)), 1e-9),
        (limits[0], limits[1]),
        mimic,
    )


def _vector(text: str) -> list[float]:
    return [float(value) for value in text.split()]


def _sorted(joints: list[TreeJoint], path: Path) -> list[TreeJoint]:
    if not joints:
        raise ConfigurationError(f'{path}: it has no movable joints, nor any other')
    children = {joint.child for joint in joints}
    roots = {joint.parent for joint in joints} - children
    if len(roots) != 1 or len(children) != len(joints):
        raise ConfigurationError(f'{path}: links do not form one tree; roots: {sorted(roots)}')
    known, ordered, waiting = set(roots), [], list(joints)
    while waiting:
        ready = [joint for joint in waiting if joint.parent in known]
        if not ready:
            names = [joint.name for joint in waiting]
            raise ConfigurationError(f'{path}: joints {names} form a loop')
        ordered += ready
        known |= {joint.child for joint in ready}
        waiting = [joint for joint in waiting if joint.child not in known]
    return ordered
