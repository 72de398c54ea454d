"""Reads an articulated object from a URDF: one moving link on one revolute or prismatic joint."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.articulation.urdf_writer import EXTENSION, HANDLE
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import transform_points
from dex1b_core.geometry.convex import ConvexPart, convex_part, convex_parts
from dex1b_core.geometry.convex_points import box, cylinder, ellipsoid
from dex1b_core.geometry.mesh_file import read_mesh_file
from dex1b_core.geometry.mesh_repair import repair
from dex1b_core.geometry.solids import fuse
from dex1b_core.robots.mesh_path import find_mesh
from dex1b_core.robots.urdf_origin import read_origin
from dex1b_core.simulation.object_joint import ObjectJoint

Element = ElementTree.Element

MOVABLE = ('revolute', 'prismatic')
DENSITY = 400.0  # [kg/m^3] of a moving part without a mass
_CONVEX = 0.999  # part of its hull that a mesh fills to count as convex


@dataclass(frozen=True)
class _Tree:
    path: Path
    links: dict[str, Element]
    joints: list[Element]
    chosen: str = ''

    @property
    def moving(self) -> list[Element]:
        """Joints that move; with one chosen, the others stay where they are."""
        if self.chosen:
            return [joint for joint in self.joints if joint.get('name') == self.chosen]
        return [joint for joint in self.joints if joint.get('type') != 'fixed']

    def fail(self, words: str, code: ErrorCode = ErrorCode.INVALID_CONFIGURATION) -> NoReturn:
        raise Dex1bError(code, f'{self.path}: {words}')


def read_articulated(path: Path, joint_name: str = '') -> ArticulatedObject:
    """Read an object; links that fixed joints hold together are one part.

    The object frame is that of the root link. A joint whose range lies below 0 is turned around,
    so that positive motion opens; the object stands where the file has it: at 0, or at the limit
    closest to it.

    Args:
        path: The file.
        joint_name: Which joint moves; the others are taken as fixed. '' where there is only one.

    Raises:
        Dex1bError: UNKNOWN_OBJECT when there is no such file; INVALID_CONFIGURATION when it is no
            URDF of a base and one moving part with a limited joint; SHAPE_INVALID for a mesh that
            is missing or no body.
    """
    tree = _parsed(path, joint_name)
    joint = _only_joint(tree)
    above, below = _names(tree, joint)
    root = _root(tree)
    base_T_link = _group(tree, root)
    if above not in base_T_link:
        tree.fail(f"the joint '{joint.get('name')}' does not hang on the root link '{root}'")
    base_T_joint = base_T_link[above] @ read_origin(joint)
    moving_T_link = _group(tree, below)
    fixed, _ = _parts(tree, base_T_link, np.eye(4))
    moving, handle = _parts(tree, moving_T_link, base_T_joint)
    if not moving:
        tree.fail(f"the moving link '{below}' has no collision or visual geometry")
    extension = _extension(path)
    placed, start = _object_joint(tree, joint, base_T_joint)
    placed = replace(placed, stiffness=float(extension.get('stiffness', 0.0)))
    mass = sum(_mass(tree.links[name]) for name in moving_T_link)
    return ArticulatedObject(
        path.stem,
        extension.get('category', ''),
        moving,
        fixed,
        placed,
        float(extension.get('start', start)),
        mass or DENSITY * fuse(moving).volume,
        handle,
    )


def _extension(path: Path) -> dict[str, str]:
    """What `write_articulated` adds to a URDF: category, start, spring; {} in other files."""
    element = ElementTree.parse(path).getroot().find(EXTENSION)
    return {} if element is None else dict(element.attrib)


def _parsed(path: Path, chosen: str) -> _Tree:
    if not path.is_file():
        raise Dex1bError(ErrorCode.UNKNOWN_OBJECT, f'{path}: no such file; expected a URDF')
    try:
        robot = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise Dex1bError(
            ErrorCode.INVALID_CONFIGURATION, f'{path}: not a readable URDF: {error}'
        ) from error
    links = {link.get('name', ''): link for link in robot.findall('link')}
    return _Tree(path, links, robot.findall('joint'), chosen)


def _only_joint(tree: _Tree) -> Element:
    moving = tree.moving
    if len(moving) != 1:
        movable = [joint for joint in tree.joints if joint.get('type') != 'fixed']
        names = ', '.join(f'{joint.get("name")} ({joint.get("type")})' for joint in movable)
        if tree.chosen:
            tree.fail(f"no joint '{tree.chosen}'; there are: {names or 'none'}")
        tree.fail(
            f'{len(moving)} joints that move{f": {names}" if names else ""}; expected exactly one: '
            f'make the others fixed, or name it as in {tree.path.name}#NAME'
        )
    if moving[0].get('type') not in MOVABLE:
        tree.fail(
            f"joint '{moving[0].get('name')}' is {moving[0].get('type')}; expected "
            f'{" or ".join(MOVABLE)} with limits'
        )
    return moving[0]


def _names(tree: _Tree, joint: Element) -> tuple[str, str]:
    """Parent and child link."""
    found = []
    for end in ('parent', 'child'):
        element = joint.find(end)
        name = '' if element is None else element.get('link', '')
        if name not in tree.links:
            tree.fail(f"joint '{joint.get('name')}': {end} link '{name}' is not in the file")
        found.append(name)
    return found[0], found[1]


def _root(tree: _Tree) -> str:
    children = {_names(tree, joint)[1] for joint in tree.joints}
    roots = [name for name in tree.links if name not in children]
    if len(roots) != 1:
        tree.fail(f'root links {roots}; expected one link that is no child of a joint')
    return roots[0]


def _group(tree: _Tree, first: str) -> dict[str, Array]:
    """Pose of every link that fixed joints hold to the first, in its frame."""
    placed = {first: np.eye(4)}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        for joint in tree.joints:
            above, below = _names(tree, joint)
            if above == name and joint not in tree.moving and below not in placed:
                placed[below] = placed[name] @ read_origin(joint)
                waiting.append(below)
    return placed


def _object_joint(tree: _Tree, joint: Element, base_T_joint: Array) -> tuple[ObjectJoint, float]:
    """The joint in the object frame, and where it stands."""
    axis, limit, dynamics = (joint.find(name) for name in ('axis', 'limit', 'dynamics'))
    if limit is None:
        tree.fail(f"joint '{joint.get('name')}' has no <limit>; expected lower and upper")
    words = '1 0 0' if axis is None else axis.get('xyz', '1 0 0')
    direction = base_T_joint[:3, :3] @ [float(word) for word in words.split()]
    length = float(np.linalg.norm(direction))
    if not length > 0.0:
        tree.fail(f"joint '{joint.get('name')}' has axis '{words}'; expected a direction")
    lower, upper = (float(limit.get(key, 'nan')) for key in ('lower', 'upper'))
    if not (math.isfinite(lower) and math.isfinite(upper)):
        tree.fail(f"joint '{joint.get('name')}': limits {lower} and {upper}; expected finite ones")
    sign = -1.0 if -lower > upper else 1.0
    if sign < 0.0:
        lower, upper = -upper, -lower
    values = {} if dynamics is None else dynamics.attrib
    made = ObjectJoint(
        'prismatic' if joint.get('type') == 'prismatic' else 'revolute',
        sign * direction / length,
        base_T_joint[:3, 3],
        lower,
        upper,
        float(values.get('friction', 0.0)),
        float(values.get('damping', 0.0)),
    )
    return made, min(max(0.0, lower), upper)


def _mass(link: Element) -> float:
    mass = link.find('inertial/mass')
    return 0.0 if mass is None else float(mass.get('value', 0.0))


def _parts(
    tree: _Tree, placed: dict[str, Array], object_T_group: Array
) -> tuple[tuple[ConvexPart, ...], tuple[int, ...]]:
    """Convex parts of links in the object frame, and which of them are handles."""
    parts: list[ConvexPart] = []
    handle: list[int] = []
    for name, pose in placed.items():
        link = tree.links[name]
        for element in link.findall('collision') or link.findall('visual'):
            own = _convex(tree, name, element)
            if element.get('name') == HANDLE:
                handle += range(len(parts), len(parts) + len(own))
            object_T_shape = object_T_group @ pose @ read_origin(element)
            parts += [convex_part(transform_points(object_T_shape, part)) for part in own]
    return tuple(parts), tuple(handle)


def _convex(tree: _Tree, link: str, element: Element) -> list[Array]:
    """Corners of the convex parts of one shape, in its frame."""
    geometry = element.find('geometry')
    shape = None if geometry is None else next(iter(geometry), None)
    if shape is None:
        tree.fail(f"link '{link}' has a {element.tag} without geometry")
    if shape.tag == 'box':
        return [box([float(word) for word in shape.get('size', '').split()])]
    if shape.tag == 'sphere':
        return [ellipsoid([float(shape.get('radius', 'nan'))] * 3)]
    if shape.tag == 'cylinder':
        return [cylinder(*(float(shape.get(key, 'nan')) for key in ('radius', 'length')))]
    if shape.tag != 'mesh':
        tree.fail(f"link '{link}': geometry '{shape.tag}'; expected mesh, box, sphere or cylinder")
    name = shape.get('filename', '')
    path = find_mesh(name, tree.path)
    if path is None:
        tree.fail(f"link '{link}': mesh '{name}' is not there", ErrorCode.SHAPE_INVALID)
    scale = np.array([float(word) for word in shape.get('scale', '1 1 1').split()])
    mesh = read_mesh_file(path)
    hull = convex_part(mesh.vertices)
    if abs(mesh.volume) >= _CONVEX * hull.volume:
        return [hull.vertices * scale]
    closed = repair(mesh, name=str(path)).solid
    return [part.vertices * scale for part in convex_parts(closed)]
