"""A robot's URDF as the physics engine should get it: no visuals, sane inertias."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import from_rpy
from dex1b_core.robots.description import RobotDescription

Array = NDArray[np.float64]
Element = ElementTree.Element

_MARKER_MASS = 1e-3  # [kg] of links without a body, such as fingertip frames


def physics_urdf(description: RobotDescription) -> str:
    """URDF text with absolute mesh paths.

    Args:
        description: The robot; `simulation.correct_inertias` repairs inertias that no body of
            the link's size can have.
    """
    path = description.urdf_path
    robot = _parse(path)
    _make_paths_absolute(robot, path.parent)
    for link in robot.findall('link'):
        for tag in ('visual', 'material'):
            for element in link.findall(tag):
                link.remove(element)
        _repair_inertia(link, correct=description.simulation.correct_inertias)
    return ElementTree.tostring(robot, encoding='unicode')


def collision_mesh(link: Element) -> Any:
    """Convex hulls of a link's collision shapes as one `trimesh.Trimesh`; None when it has none."""
    import trimesh

    parts = []
    for collision in link.findall('collision'):
        part = _shape(collision.find('geometry'))
        part.apply_transform(_origin(collision))
        parts.append(part)
    return trimesh.util.concatenate(parts) if parts else None


def _parse(path: Path) -> Element:
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ConfigurationError(f'{path}: not a valid URDF: {error}') from error


def _make_paths_absolute(robot: Element, folder: Path) -> None:
    for mesh in robot.iter('mesh'):
        filename = mesh.attrib['filename'].removeprefix('file://')
        mesh.set('filename', str((folder / filename).resolve()))


def _origin(element: Element) -> Array:
    origin = element.find('origin')
    if origin is None:
        return np.eye(4)
    xyz, rpy = (
        [float(v) for v in origin.attrib.get(key, '0 0 0').split()] for key in ('xyz', 'rpy')
    )
    return from_rpy(xyz, rpy)


def _shape(geometry: Element | None) -> Any:
    import trimesh

    shape = None if geometry is None else next(iter(geometry), None)
    values = {} if shape is None else shape.attrib
    tag = '' if shape is None else shape.tag
    if tag == 'mesh':
        mesh = trimesh.load(values['filename'], force='mesh')
        mesh.apply_scale([float(v) for v in values.get('scale', '1 1 1').split()])
        return mesh.convex_hull
    if tag == 'box':
        return trimesh.creation.box([float(v) for v in values['size'].split()])
    if tag == 'sphere':
        return trimesh.creation.icosphere(radius=float(values['radius']))
    if tag == 'cylinder':
        return trimesh.creation.cylinder(float(values['radius']), float(values['length']))
    raise ConfigurationError(
        f"collision geometry '{tag}' is not supported; use mesh, box, sphere or cylinder"
    )


def _repair_inertia(link: Element, *, correct: bool) -> None:
    inertial = link.find('inertial')
    mesh = collision_mesh(link)
    if mesh is None:
        if inertial is None:
            _set_inertial(link, _MARKER_MASS, np.zeros(3), np.eye(3) * _MARKER_MASS * 1e-4)
        return
    mass = 1e3 * mesh.volume if inertial is None else _mass(inertial)
    if inertial is None or (correct and _is_impossible(inertial, mesh)):
        mesh.density = mass / mesh.volume
        _set_inertial(link, mass, mesh.center_mass, mesh.moment_inertia)


def _mass(inertial: Element) -> float:
    mass = inertial.find('mass')
    return 0.0 if mass is None else float(mass.attrib['value'])


def _is_impossible(inertial: Element, mesh: Any) -> bool:
    """Whether no body inside the collision shapes can have this inertia."""
    values = inertial.find('inertia')
    if values is None:
        return True
    xx, xy, xz, yy, yz, zz = (
        float(values.attrib[key]) for key in ('ixx', 'ixy', 'ixz', 'iyy', 'iyz', 'izz')
    )
    moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    radius = 0.5 * float(np.linalg.norm(mesh.extents))
    breaks_triangle_inequality = moments[0] + moments[1] < moments[2] * 0.999
    return bool(
        moments[0] <= 0 or breaks_triangle_inequality or moments[2] > _mass(inertial) * radius**2
    )


def _set_inertial(link: Element, mass: float, centre: Array, inertia: Array) -> None:
    old = link.find('inertial')
    if old is not None:
        link.remove(old)
    inertial = ElementTree.SubElement(link, 'inertial')
    ElementTree.SubElement(inertial, 'mass', value=repr(float(mass)))
    xyz = ' '.join(repr(float(v)) for v in centre)
    ElementTree.SubElement(inertial, 'origin', xyz=xyz, rpy='0 0 0')
    names = {'ixx': (0, 0), 'ixy': (0, 1), 'ixz': (0, 2), 'iyy': (1, 1), 'iyz': (1, 2),
             'izz': (2, 2)}  # fmt: skip
    ElementTree.SubElement(
        inertial, 'inertia', {name: repr(float(inertia[ij])) for name, ij in names.items()}
    )
