"""Writes an articulated object as a URDF with a mesh for each convex part."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.geometry.convex import ConvexPart

EXTENSION = 'dex1b'  # element of what URDF has no words for; other readers skip it
HANDLE = 'handle'  # name of the collision elements that are meant to be grasped
MOVING, BASE = 'moving_part', 'base'
BASE_MASS = 5.0  # [kg]; it is fixed


def write_articulated(folder: Path, target: ArticulatedObject) -> Path:
    """Write `NAME.urdf` and `meshes/` into a folder; returns the URDF's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'meshes').mkdir(exist_ok=True)
    robot = ElementTree.Element('robot', name=target.name)
    ElementTree.SubElement(
        robot, EXTENSION, category=target.category, start=repr(float(target.start)),
        stiffness=repr(float(target.joint.stiffness)),
    )  # fmt: skip
    joint = target.joint
    _link(robot, folder, target.name, BASE, target.fixed, np.zeros(3), (), None)
    unit = target.description().unit
    centre = unit.centre - joint.origin
    inertia = (target.mass, centre, unit.inertia * target.mass)
    _link(
        robot, folder, target.name, MOVING, target.moving, -joint.origin, target.handle, inertia
    )  # fmt: skip
    element = ElementTree.SubElement(robot, 'joint', name='joint', type=joint.kind)
    ElementTree.SubElement(element, 'origin', xyz=_words(joint.origin))
    ElementTree.SubElement(element, 'parent', link=BASE)
    ElementTree.SubElement(element, 'child', link=MOVING)
    ElementTree.SubElement(element, 'axis', xyz=_words(joint.axis))
    limits = {'lower': repr(float(joint.lower)), 'upper': repr(float(joint.upper))}
    ElementTree.SubElement(element, 'limit', limits, effort='100', velocity='10')
    ElementTree.SubElement(
        element, 'dynamics', damping=repr(float(joint.damping)), friction=repr(joint.friction)
    )
    ElementTree.indent(robot)
    path = folder / f'{target.name}.urdf'
    ElementTree.ElementTree(robot).write(path, encoding='unicode')
    return path


def _link(
    robot: ElementTree.Element,
    folder: Path,
    owner: str,
    name: str,
    parts: tuple[ConvexPart, ...],
    shift: Array,
    handle: tuple[int, ...],
    inertia: tuple[float, Array, Array] | None,
) -> None:
    link = ElementTree.SubElement(robot, 'link', name=name)
    if inertia is not None:
        _inertial(link, *inertia)
    for number, part in enumerate(parts):
        file = f'meshes/{owner}.{name}.{number}.obj'
        trimesh.Trimesh(part.vertices + shift, part.faces, process=False).export(folder / file)
        for kind in ('visual', 'collision'):
            label = HANDLE if number in handle else f'part{number}'
            element = ElementTree.SubElement(link, kind, name=label)
            geometry = ElementTree.SubElement(element, 'geometry')
            ElementTree.SubElement(geometry, 'mesh', filename=file)


def _inertial(link: ElementTree.Element, mass: float, centre: Array, inertia: Array) -> None:
    element = ElementTree.SubElement(link, 'inertial')
    ElementTree.SubElement(element, 'origin', xyz=_words(centre))
    ElementTree.SubElement(element, 'mass', value=repr(float(mass)))
    values = {
        f'i{a}{b}': repr(float(inertia['xyz'.index(a), 'xyz'.index(b)]))
        for a, b in ('xx', 'xy', 'xz', 'yy', 'yz', 'zz')
    }
    ElementTree.SubElement(element, 'inertia', values)


def _words(values: ArrayLike) -> str:
    return ' '.join(repr(float(value)) for value in np.asarray(values))
