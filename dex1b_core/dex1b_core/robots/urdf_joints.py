"""Joints of a URDF as planners need them: bounded, or fixed."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.link_tree import read_joint
from dex1b_core.robots.urdf_origin import write_origin

Element = ElementTree.Element

ZERO_RANGE = 1e-6  # [rad or m] a joint that moves less is fixed

_MIMIC_DEFAULTS = (('multiplier', '1'), ('offset', '0'))


def mimics(robot: Element) -> Iterator[tuple[str, str, Element]]:
    """Moving joints that follow another: name, name of the leader, <mimic>."""
    for joint in robot.findall('joint'):
        mimic = joint.find('mimic')
        if mimic is not None and joint.get('type') != 'fixed':
            yield str(joint.get('name')), str(mimic.get('joint')), mimic


def repair_joints(robot: Element, source: Path) -> Iterator[str]:
    """Bound continuous joints and fix those without range, with those that follow them.

    Raises:
        ConfigurationError: a prismatic joint has no limits, or limits are the wrong way round.
    """
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
    yield from _take_followers(robot, fixed)
    for joint in robot.findall('joint'):
        if str(joint.get('name')) in fixed:
            _fix(joint, fixed[str(joint.get('name'))])


def _take_followers(robot: Element, fixed: dict[str, float]) -> Iterator[str]:
    """Add to `fixed` where joints stand that mimic one in it."""
    pending = list(mimics(robot))
    while found := [entry for entry in pending if entry[1] in fixed and entry[0] not in fixed]:
        for name, leader, mimic in found:
            multiplier, offset = (float(mimic.get(k, d)) for k, d in _MIMIC_DEFAULTS)
            fixed[name] = multiplier * fixed[leader] + offset
            yield f"joint '{name}' mimics the fixed joint '{leader}': taken as fixed"


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
