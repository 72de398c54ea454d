"""URDF files as they are found: checked, repaired where that is safe, and said so.

Everything that reads a robot model (kinematics, simulators, planners, pictures) reads the file
that `check_urdf` returns, so that all of them see the same joints and find the same meshes.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from dex1b_core.assets import cache_folder
from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.link_tree import read_joint
from dex1b_core.robots.mesh_path import find_mesh
from dex1b_core.robots.urdf_origin import write_origin

Element = ElementTree.Element

JOINT_KINDS = ('fixed', 'revolute', 'continuous', 'prismatic')
ZERO_RANGE = 1e-6  # [rad or m] a joint that moves less is fixed

# numbers by element and attribute: how many, and whether infinity means 'no limit'
_NUMBERS = {
    'origin': {'xyz': 3, 'rpy': 3},
    'axis': {'xyz': 3},
    'limit': {'lower': 1, 'upper': 1, 'effort': 1, 'velocity': 1},
    'mimic': {'multiplier': 1, 'offset': 1},
    'box': {'size': 3},
    'sphere': {'radius': 1},
    'cylinder': {'radius': 1, 'length': 1},
    'capsule': {'radius': 1, 'length': 1},
    'mesh': {'scale': 3},
    'mass': {'value': 1},
    'inertia': dict.fromkeys(('ixx', 'ixy', 'ixz', 'iyy', 'iyz', 'izz'), 1),
}
_UNBOUNDED = {'effort', 'velocity'}


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


@dataclass(frozen=True)
class CheckedUrdf:
    """A URDF that can be relied on.

    Attributes:
        path: The file itself, or its repaired copy in the cache.
        repairs: What was changed in that copy, in words.
    """

    path: Path
    repairs: tuple[str, ...]


def check_urdf(
    source: Path, frames: tuple[ExtraFrame, ...] = (), *, visuals_needed: bool = False
) -> CheckedUrdf:
    """Check a robot model and repair what can be.

    Repaired and reported: joints without range become fixed, continuous joints get the range
    [-pi, pi], missing visual meshes are left out, visual meshes serve for collision where a model
    has none. Also written into the copy, without being a repair: absolute mesh paths in place of
    package:// and file://, the URDF that a .xacro or MJCF file stands for, extra frames.

    Args:
        source: .urdf, .xacro (where the tool xacro is installed) or MJCF .xml.
        frames: To add; a link of that name in the model wins.
        visuals_needed: Do not leave out visual meshes that are missing: whoever draws complains.

    Raises:
        ConfigurationError: what is wrong and where: unreadable file, malformed or non-finite
            number, joint of an unknown kind, zero axis, limits the wrong way round, several roots,
            a loop, a mimic joint that follows itself or nobody, a mesh that is missing.
    """
    try:
        changed = source.stat().st_mtime_ns
    except OSError as error:
        raise ConfigurationError(f'{source}: cannot be read: {error.strerror}') from error
    return _check(source.resolve(), changed, frames, visuals_needed, cache_folder())


@lru_cache(maxsize=64)
def _check(
    source: Path, changed: int, frames: tuple[ExtraFrame, ...], visuals_needed: bool, cache: Path
) -> CheckedUrdf:
    robot = _read(source)
    is_converted = source.suffix != '.urdf' and robot.get('converted') is not None
    robot.attrib.pop('converted', None)
    _check_numbers(robot, source)
    _check_tree(robot, source)
    _check_mimics(robot, source)
    repairs = [*_repair_joints(robot, source), *_repair_meshes(robot, source, visuals_needed)]
    moved = _resolve_meshes(robot, source)
    added = _add_frames(robot, frames, source)
    if not (repairs or moved or added or is_converted):
        return CheckedUrdf(source, ())
    _make_absolute(robot, source)
    text = ElementTree.tostring(robot)
    name = f'{source.stem}-{hashlib.sha256(text).hexdigest()[:16]}.urdf'
    target = cache / 'urdf' / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f'.{changed}.tmp')
        partial.write_bytes(text)
        partial.replace(target)
    return CheckedUrdf(target, tuple(repairs))


def _read(source: Path) -> Element:
    try:
        text = _expanded(source) if source.suffix == '.xacro' else source.read_bytes()
        root = ElementTree.fromstring(text)
    except OSError as error:
        raise ConfigurationError(f'{source}: cannot be read: {error.strerror}') from error
    except ElementTree.ParseError as error:
        raise ConfigurationError(f'{source}: not a readable URDF: {error}') from error
    if root.tag == 'mujoco':
        from dex1b_core.robots.mjcf import urdf_of_mjcf

        root = urdf_of_mjcf(root, source)
        root.set('converted', 'mjcf')
    elif source.suffix == '.xacro':
        root.set('converted', 'xacro')
    if root.tag != 'robot':
        raise ConfigurationError(
            f"{source}: not a readable URDF: its top element is '{root.tag}'; expected 'robot'"
        )
    return root


def _expanded(source: Path) -> bytes:
    tool = shutil.which('xacro')
    if tool is None:
        raise ConfigurationError(
            f"{source}: needs the tool 'xacro', which is not installed; install it "
            '(apt-get install ros-jazzy-xacro, or pip install xacro) or give the expanded URDF'
        )
    answer = subprocess.run([tool, str(source)], capture_output=True)
    if answer.returncode != 0:
        last = answer.stderr.decode(errors='replace').strip().splitlines()[-3:]
        raise ConfigurationError(f'{source}: xacro failed: {"; ".join(last)}')
    return answer.stdout


def _parts(robot: Element) -> Iterator[tuple[str, Element]]:
    """Links and joints with how messages name them."""
    for element in robot:
        if element.tag in {'link', 'joint'}:
            yield f"{element.tag} '{element.get('name')}'", element


def _check_numbers(robot: Element, source: Path) -> None:
    for owner, part in _parts(robot):
        for element in part.iter():
            for name, count in _NUMBERS.get(element.tag, {}).items():
                text = element.get(name)
                if text is not None and not _is_numeric(text, count, name in _UNBOUNDED):
                    raise ConfigurationError(
                        f'{source}: {owner}: {element.tag} {name}="{text}" is not '
                        f'{"a finite number" if count == 1 else f"{count} finite numbers"}'
                    )


def _is_numeric(text: str, count: int, unbounded: bool) -> bool:
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        return False
    fine = (lambda v: not math.isnan(v)) if unbounded else math.isfinite
    return len(values) == count and all(fine(value) for value in values)


def _check_tree(robot: Element, source: Path) -> None:
    """One root, every link reached once, every joint complete."""
    links = [str(link.get('name')) for link in robot.findall('link')]
    joints = robot.findall('joint')
    for tag, names in (('link', links), ('joint', [str(j.get('name')) for j in joints])):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigurationError(f'{source}: {tag} names used twice: {twice}')
    if not links:
        raise ConfigurationError(f'{source}: it has no links')
    parents: dict[str, str] = {}
    for joint in joints:
        name, kind = str(joint.get('name')), joint.get('type')
        if kind not in JOINT_KINDS:
            raise ConfigurationError(
                f"{source}: joint '{name}' of type '{kind}' is not supported; known are: "
                f'{", ".join(JOINT_KINDS)}'
            )
        parent, child = _end(joint, 'parent'), _end(joint, 'child')
        for side, end in (('parent', parent), ('child', child)):
            if end not in links:
                raise ConfigurationError(
                    f"{source}: joint '{name}': its {side} link '{end}' is not in the file"
                )
        if child in parents:
            raise ConfigurationError(
                f"{source}: links do not form one tree: link '{child}' has two parents, "
                f"'{parents[child]}' and '{parent}'; loops must be cut into a tree"
            )
        parents[child] = parent
        axis = joint.find('axis')
        if kind != 'fixed' and axis is not None and not np.any(_vector(axis.get('xyz', '1 0 0'))):
            raise ConfigurationError(f"{source}: joint '{name}': its axis is zero")
    roots = [link for link in links if link not in parents]
    if len(roots) != 1:
        what = f'roots: {roots}' if roots else 'no root: joints form a loop'
        raise ConfigurationError(f'{source}: links do not form one tree; {what}')
    for link in links:
        way = [link]
        while way[-1] in parents:
            way.append(parents[way[-1]])
            if way[-1] in way[:-1]:
                raise ConfigurationError(f"{source}: joints form a loop through link '{way[-1]}'")


def _check_mimics(robot: Element, source: Path) -> None:
    kinds = {str(joint.get('name')): joint.get('type') for joint in robot.findall('joint')}
    leaders = {name: leader for name, leader, _ in _mimics(robot)}
    for name, leader in leaders.items():
        if leader not in kinds:
            raise ConfigurationError(
                f"{source}: joint '{name}' mimics '{leader}', which is not in the file; joints "
                f'are: {", ".join(sorted(kinds))}'
            )
        chain = [name]
        while chain[-1] in leaders:
            chain.append(leaders[chain[-1]])
            if chain[-1] in chain[:-1]:
                raise ConfigurationError(
                    f'{source}: mimic joints follow each other in a circle: {" -> ".join(chain)}; '
                    'one of them must be driven'
                )


def _mimics(robot: Element) -> Iterator[tuple[str, str, Element]]:
    for joint in robot.findall('joint'):
        mimic = joint.find('mimic')
        if mimic is not None and joint.get('type') != 'fixed':
            yield str(joint.get('name')), str(mimic.get('joint')), mimic


def _repair_joints(robot: Element, source: Path) -> Iterator[str]:
    """Bound continuous joints and fix those without range, with those that follow them."""
    fixed: dict[str, float] = {}
    for joint in robot.findall('joint'):
        name, kind = str(joint.get('name')), joint.get('type')
        limit = joint.find('limit')
        if kind == 'continuous' or (kind == 'revolute' and limit is None):
            was = 'is continuous' if kind == 'continuous' else 'has no limits'
            joint.set('type', 'revolute')
            limit = ElementTree.SubElement(joint, 'limit') if limit is None else limit
            limit.set('lower', str(-math.pi))
            limit.set('upper', str(math.pi))
            for key, default in (('effort', '10.0'), ('velocity', '4.0')):
                limit.set(key, limit.get(key, default))
            yield f"joint '{name}' {was}: given the range [-pi, pi]"
        elif kind == 'prismatic' and limit is None:
            raise ConfigurationError(
                f"{source}: prismatic joint '{name}' has no limits; add <limit lower upper>"
            )
        elif kind in {'revolute', 'prismatic'} and limit is not None:
            lower, upper = (float(limit.get(key, '0')) for key in ('lower', 'upper'))
            if lower > upper + ZERO_RANGE:
                raise ConfigurationError(
                    f"{source}: joint '{name}': its lower limit {lower:g} is above the upper "
                    f'limit {upper:g}'
                )
            if upper - lower <= ZERO_RANGE:
                fixed[name] = lower
                yield f"joint '{name}' has no range ({lower:g} to {upper:g}): taken as fixed"
    pending = list(_mimics(robot))
    while found := [entry for entry in pending if entry[1] in fixed and entry[0] not in fixed]:
        for name, leader, mimic in found:
            multiplier, offset = (float(mimic.get(k, d)) for k, d in _MIMIC_DEFAULTS)
            fixed[name] = multiplier * fixed[leader] + offset
            yield f"joint '{name}' mimics the fixed joint '{leader}': taken as fixed"
    for joint in robot.findall('joint'):
        if str(joint.get('name')) in fixed:
            _fix(joint, fixed[str(joint.get('name'))])


_MIMIC_DEFAULTS = (('multiplier', '1'), ('offset', '0'))


def _fix(joint: Element, position: float) -> None:
    """Make a joint fixed at a position [rad or m]."""
    if position != 0.0:
        pose = read_joint(joint).transform(position)
        for origin in joint.findall('origin'):
            joint.remove(origin)
        joint.append(write_origin(pose))
    joint.set('type', 'fixed')
    for tag in ('axis', 'limit', 'mimic', 'dynamics'):
        for element in joint.findall(tag):
            joint.remove(element)


def _repair_meshes(robot: Element, source: Path, visuals_needed: bool) -> Iterator[str]:
    """Require collision meshes, drop missing visual ones, and use these where there are no others.

    Raises:
        ConfigurationError: collision meshes are missing; all are listed.
    """
    missing: list[str] = []
    dropped: list[str] = []
    for link in robot.findall('link'):
        for kind in ('visual', 'collision'):
            for body in link.findall(kind):
                mesh = body.find('geometry/mesh')
                if mesh is None or find_mesh(str(mesh.get('filename')), source) is not None:
                    continue
                where = f"'{mesh.get('filename')}' (link '{link.get('name')}')"
                if kind == 'collision':
                    missing.append(where)
                elif not visuals_needed:
                    link.remove(body)
                    dropped.append(where)
    if missing:
        raise ConfigurationError(
            f'{source}: {len(missing)} collision meshes are missing: {", ".join(missing)}; '
            'package:// is sought in ROS_PACKAGE_PATH, in share/ of AMENT_PREFIX_PATH and in the '
            'folders above the file'
        )
    if dropped:
        yield f'{len(dropped)} visual meshes are missing and left out: {", ".join(dropped)}'
    if robot.find('link/collision') is None:
        bodies = [(link, body) for link in robot.findall('link') for body in link.findall('visual')]
        for link, body in bodies:
            copy = ElementTree.SubElement(link, 'collision')
            copy.extend(part for part in body if part.tag in {'origin', 'geometry'})
        if bodies:
            yield 'it has no collision geometry: the visual geometry is used'


def _resolve_meshes(robot: Element, source: Path) -> bool:
    """Replace paths that only ROS understands; whether there were any."""
    found = False
    for mesh in robot.iter('mesh'):
        name = str(mesh.get('filename'))
        path = find_mesh(name, source)
        if '://' in name and path is not None:
            mesh.set('filename', str(path))
            found = True
    return found


def _make_absolute(robot: Element, source: Path) -> None:
    for mesh in robot.iter('mesh'):
        path = find_mesh(str(mesh.get('filename')), source)
        if path is not None:
            mesh.set('filename', str(path))


def _add_frames(robot: Element, frames: tuple[ExtraFrame, ...], source: Path) -> bool:
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


def _end(joint: Element, side: str) -> str:
    element = joint.find(side)
    return '' if element is None else str(element.get('link'))


def _vector(text: str) -> list[float]:
    return [float(word) for word in text.split()]
