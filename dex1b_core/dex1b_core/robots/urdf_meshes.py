"""Meshes of a URDF: missing ones, and paths that only ROS or only the file's folder understands."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.mesh_path import find_mesh

Element = ElementTree.Element


def repair_meshes(robot: Element, source: Path, visuals_needed: bool) -> Iterator[str]:
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


def resolve_meshes(robot: Element, source: Path) -> bool:
    """Replace paths that only ROS understands; whether there were any."""
    found = False
    for mesh in robot.iter('mesh'):
        name = str(mesh.get('filename'))
        path = find_mesh(name, source)
        if '://' in name and path is not None:
            mesh.set('filename', str(path))
            found = True
    return found


def make_absolute(robot: Element, source: Path) -> None:
    """Replace paths relative to the file, for a copy elsewhere."""
    for mesh in robot.iter('mesh'):
        path = find_mesh(str(mesh.get('filename')), source)
        if path is not None:
            mesh.set('filename', str(path))
