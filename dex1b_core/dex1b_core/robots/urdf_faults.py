"""What makes a URDF unusable: numbers, tree and mimic joints that make no sense."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.urdf_joints import mimics

Element = ElementTree.Element

JOINT_KINDS = ('fixed', 'revolute', 'continuous', 'prismatic')

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


def refuse_faults(robot: Element, source: Path) -> None:
    """Accept a <robot> whose links form one tree of complete joints with finite numbers.

    Raises:
        ConfigurationError: what is wrong and where.
    """
    _check_numbers(robot, source)
    _check_tree(robot, source)
    _check_mimics(robot, source)


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
    leaders = {name: leader for name, leader, _ in mimics(robot)}
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


def _end(joint: Element, side: str) -> str:
    element = joint.find(side)
    return '' if element is None else str(element.get('link'))


def _vector(text: str) -> list[float]:
    return [float(word) for word in text.split()]
