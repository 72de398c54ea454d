"""Reads the bodies of a robot from its URDF."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.simulation import collision_shape as shapes
from dex1b_core.simulation.body_tree import MARKER_INERTIA, Body, BodyTree, Joint
from dex1b_core.simulation.collision_shape import CollisionShape

Array = NDArray[np.float64]
Element = ElementTree.Element

DENSITY = 1000.0  # [kg/m^3] of links whose published inertia no body of their size can have


@dataclass(frozen=True)
class TreeSource:
    """Which part of which URDF is the robot.

    Attributes:
        urdf_path: The file.
        root_link: Its subtree is the robot; what lies above is left out.
        joint_names: Driven joints. Others that mimic follow; the rest is locked.
    """

    urdf_path: Path
    root_link: str
    joint_names: tuple[str, ...]

    @classmethod
    def of_hand(cls, hand: HandDescription) -> Self:
        """A hand without the arm that its URDF may have."""
        return cls(hand.urdf_path, hand.root_link, tuple(hand.joints))


@lru_cache(maxsize=8)
def read_body_tree(spec: TreeSource) -> BodyTree:
    """Read a URDF.

    Raises:
        ConfigurationError: the file, a mesh, the root link or a driven joint is not there.
    """
    try:
        robot = ElementTree.parse(spec.urdf_path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise ConfigurationError(f'{spec.urdf_path}: not a readable URDF: {error}') from error
    links = {link.attrib['name']: link for link in robot.findall('link')}
    below: dict[str, list[Element]] = {}
    for joint in robot.findall('joint'):
        below.setdefault(_link(joint, 'parent'), []).append(joint)
    if spec.root_link not in links:
        known = ', '.join(sorted(links))
        raise ConfigurationError(
            f"{spec.urdf_path}: no link '{spec.root_link}'; its links are: {known}"
        )
    bodies: list[Body] = []
    _grow(bodies, spec, links, below, spec.root_link, -1, np.eye(4), None)
    found = {body.joint.name for body in bodies if body.joint is not None}
    if not set(spec.joint_names) <= found:
        missing = ', '.join(sorted(set(spec.joint_names) - found))
        raise ConfigurationError(
            f"{spec.urdf_path}: no movable joint {missing} below '{spec.root_link}'; there are: "
            f'{", ".join(sorted(found))}'
        )
    return BodyTree(tuple(bodies), spec.joint_names)


def _grow(
    bodies: list[Body],
    spec: TreeSource,
    links: dict[str, Element],
    below: dict[str, list[Element]],
    first: str,
    parent: int,
    parent_T_body: Array,
    joint: Joint | None,
) -> None:
    """Append the body that begins with a link, then those below it."""
    found: list[CollisionShape] = []
    inertias = []
    outwards = []
    names = []
    waiting = [(first, np.eye(4))]
    while waiting:
        name, body_T_link = waiting.pop(0)
        names.append(name)
        own = [
            _shape(collision, body_T_link, spec.urdf_path)
            for collision in links[name].findall('collision')
        ]
        if own:
            inertias.append(_link_inertia(links[name], own, body_T_link))
        found += own
        for element in below.get(name, []):
            child = _link(element, 'child')
            child_joint = _joint(element, spec.joint_names)
            body_T_child = body_T_link @ _origin(element)
            if child_joint is None:
                waiting.append((child, body_T_child @ _locked(element)))
            else:
                outwards.append((child, body_T_child, child_joint))
    index = len(bodies)
    bodies.append(
        Body(first, parent, parent_T_body, joint, tuple(found), _sum(inertias), tuple(names))
    )
    for child, body_T_child, child_joint in outwards:
        _grow(bodies, spec, links, below, child, index, body_T_child, child_joint)


def _link(joint: Element, end: str) -> str:
    element = joint.find(end)
    if element is None:
        raise ConfigurationError(f"joint '{joint.attrib.get('name')}' has no {end} link")
    return element.attrib['link']


def _joint(element: Element, driven: tuple[str, ...]) -> Joint | None:
    """None when it does not move: fixed, or neither driven nor mimicking."""
    mimic, name = element.find('mimic'), element.attrib['name']
    kind = element.attrib['type']
    if kind == 'fixed' or (mimic is None and name not in driven):
        return None
    if kind not in {'revolute', 'continuous', 'prismatic'}:
        raise ConfigurationError(f"joint '{name}' of type '{kind}' is not supported")
    leader = None
    if mimic is not None and name not in driven:
        values = mimic.attrib
        leader = values['joint'], float(values.get('multiplier', 1)), float(values.get('offset', 0))
    axis = _axis(element)
    return Joint(name, kind == 'prismatic', axis, _limits(element), leader)


def _axis(element: Element) -> Array:
    axis = element.find('axis')
    values = np.array([float(v) for v in ('1 0 0' if axis is None else axis.attrib['xyz']).split()])
    unit: Array = values / np.linalg.norm(values)
    return unit


def _limits(element: Element) -> tuple[float, float]:
    limit = element.find('limit')
    if element.attrib['type'] == 'continuous' or limit is None:
        return -np.inf, np.inf
    return float(limit.attrib.get('lower', 0)), float(limit.attrib.get('upper', 0))


def _locked(element: Element) -> Array:
    """Motion of a joint that stays at 0, or at its limit closest to 0."""
    motion = np.eye(4)
    if element.attrib['type'] != 'fixed':
        position = float(np.clip(0.0, *_limits(element)))
        if element.attrib['type'] == 'prismatic':
            motion[:3, 3] = position * _axis(element)
        else:
            motion[:3, :3] = Rotation.from_rotvec(position * _axis(element)).as_matrix()
    return motion


def _origin(element: Element) -> Array:
    origin, transform = element.find('origin'), np.eye(4)
    if origin is not None:
        xyz, rpy = ([float(v) for v in origin.attrib.get(k, '0 0 0').split()]
                    for k in ('xyz', 'rpy'))  # fmt: skip
        transform[:3, :3] = Rotation.from_euler('xyz', rpy).as_matrix()
        transform[:3, 3] = xyz
    return transform


def _shape(collision: Element, body_T_link: Array, urdf_path: Path) -> CollisionShape:
    geometry = collision.find('geometry')
    element = None if geometry is None else next(iter(geometry), None)
    kind, values = ('', {}) if element is None else (element.tag, element.attrib)
    placed = body_T_link @ _origin(collision)
    if kind == 'box':
        return shapes.box(np.array([float(v) for v in values['size'].split()]), placed)
    if kind == 'sphere':
        return shapes.sphere(float(values['radius']), placed)
    if kind in {'cylinder', 'capsule'}:
        make = shapes.cylinder if kind == 'cylinder' else shapes.capsule
        return make(float(values['radius']), float(values['length']), placed)
    if kind != 'mesh':
        raise ConfigurationError(
            f"{urdf_path}: collision geometry '{kind}' is not supported; use mesh, box, sphere, "
            'cylinder or capsule'
        )
    path = _mesh_path(values['filename'], urdf_path)
    try:
        mesh = trimesh.load(path, force='mesh')
    except (OSError, ValueError) as error:
        raise ConfigurationError(f'collision mesh {path} cannot be read: {error}') from error
    scale = np.array([float(v) for v in values.get('scale', '1 1 1').split()])
    return shapes.hull(mesh.vertices * scale @ placed[:3, :3].T + placed[:3, 3])


def _mesh_path(name: str, urdf_path: Path) -> Path:
    """Relative to the URDF, absolute, or in a package that is one of the URDF's folders."""
    if not name.startswith('package://'):
        return urdf_path.parent / name.removeprefix('file://')
    inside = Path(name.removeprefix('package://'))
    for folder in urdf_path.parents:
        for path in (folder / inside, folder / Path(*inside.parts[1:])):
            if path.is_file():
                return path
    raise ConfigurationError(f'{urdf_path}: {name} is in none of the folders above it')


def _link_inertia(
    link: Element, own: list[CollisionShape], body_T_link: Array
) -> tuple[float, Array, Array]:
    """Published if a body that fills the link's shapes can have it, else of water in its hulls."""
    solids = [shape.solid() for shape in own]
    inertial = link.find('inertial')
    if inertial is not None:
        mass, centre, inertia = _published(inertial, body_T_link)
        corners = np.concatenate([solid.vertices for solid in solids])
        if _is_possible(mass, centre, inertia, corners):
            return mass, centre, inertia
    for solid in solids:
        solid.density = DENSITY
    return _sum([(solid.mass, solid.center_mass, solid.moment_inertia) for solid in solids])


def _published(inertial: Element, body_T_link: Array) -> tuple[float, Array, Array]:
    mass, values = inertial.find('mass'), inertial.find('inertia')
    if mass is None or values is None:
        return 0.0, np.zeros(3), np.zeros((3, 3))
    xx, xy, xz, yy, yz, zz = (
        float(values.attrib.get(key, 0)) for key in ('ixx', 'ixy', 'ixz', 'iyy', 'iyz', 'izz')
    )
    placed = body_T_link @ _origin(inertial)
    turn = placed[:3, :3]
    inertia = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
    return float(mass.attrib['value']), placed[:3, 3], inertia


def _is_possible(mass: float, centre: Array, inertia: Array, corners: Array) -> bool:
    moments = np.linalg.eigvalsh(inertia)
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    reach = 0.5 * float(np.linalg.norm(upper - lower))
    return bool(
        mass > 0.0
        and moments[0] > 0.0
        and moments[0] + moments[1] >= moments[2]
        and moments[2] <= mass * reach**2
        and np.linalg.norm(centre - 0.5 * (lower + upper)) <= reach
    )


def _sum(inertias: list[tuple[float, Array, Array]]) -> tuple[float, Array, Array]:
    """Of bodies that move together."""
    if not inertias:
        return MARKER_INERTIA
    masses = np.array([m for m, _, _ in inertias])
    mass = float(masses.sum())
    centre = masses @ np.array([c for _, c, _ in inertias]) / mass
    total = np.zeros((3, 3))
    for m, c, inertia in inertias:
        arm = c - centre
        total += inertia + m * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    return mass, centre, total
