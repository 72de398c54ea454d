"""What a robot looks like: its links' visual meshes, decimated, for ray casting."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.assets import cache_folder
from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import from_rpy
from dex1b_core.geometry.array_cache import read_arrays, write_arrays
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.raycast import Body

Array = NDArray[np.float64]

FACES_PER_LINK = 800
_VERSION = 3  # in the cache key: raise it when the result for the same input changes


def robot_bodies(
    description: RobotDescription, *, faces_per_link: int = FACES_PER_LINK
) -> tuple[Body, ...]:
    """One body a link that has visuals, named as the link, in the link's frame.

    Decimated meshes are cached under cache_folder()/visuals.

    Raises:
        ConfigurationError: the URDF or one of its meshes cannot be read.
    """
    path = description.urdf_path
    try:
        robot = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise ConfigurationError(f'{path}: not a readable URDF: {error}') from error
    text = f'{_VERSION} {path} {path.stat().st_mtime_ns} {path.stat().st_size} {faces_per_link}'
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    cache = cache_folder() / 'visuals' / f'{description.name}-{digest}.npz'
    arrays = read_arrays(cache)
    if arrays is None:
        arrays = _read_links(robot, path.parent, faces_per_link)
        write_arrays(cache, arrays)
    names = dict.fromkeys(key.rsplit('/', 1)[0] for key in arrays)
    return tuple(
        Body(name, arrays[f'{name}/vertices'], arrays[f'{name}/faces'], arrays[f'{name}/colours'])
        for name in names
    )


def _read_links(robot: Any, folder: Path, faces_per_link: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for link in robot.findall('link'):
        parts = [part for visual in link.findall('visual') for part in _parts(visual, folder)]
        total = sum(len(mesh.faces) for mesh, _ in parts)
        if total == 0:
            continue
        vertices, faces, colours, count = [], [], [], 0
        for mesh, colour in parts:
            share = max(20, round(faces_per_link * len(mesh.faces) / total))
            part_vertices, part_faces = _decimate(mesh, share)
            vertices.append(part_vertices)
            faces.append(part_faces + count)
            colours.append(np.tile(colour, (len(part_faces), 1)))
            count += len(part_vertices)
        name = link.attrib['name']
        arrays[f'{name}/vertices'] = np.concatenate(vertices)
        arrays[f'{name}/faces'] = np.concatenate(faces)
        arrays[f'{name}/colours'] = np.concatenate(colours).astype(np.float32)
    return arrays


def _parts(visual: Any, folder: Path) -> list[tuple[Any, Array]]:
    """Meshes of a visual in the link's frame, one for each material, with their colours."""
    import trimesh

    origin = visual.find('origin')
    values = {} if origin is None else origin.attrib
    xyz, rpy = ([float(v) for v in values.get(key, '0 0 0').split()] for key in ('xyz', 'rpy'))
    pose = from_rpy(xyz, rpy)
    shape = next(iter(visual.find('geometry')))
    if shape.tag == 'mesh':
        path = folder / shape.attrib['filename'].removeprefix('file://')
        try:
            loaded = trimesh.load(path, force='scene')
        except Exception as error:
            raise ConfigurationError(f'visual mesh {path} cannot be read: {error}') from error
        meshes = list(loaded.dump())
        scale = [float(v) for v in shape.attrib.get('scale', '1 1 1').split()]
        for mesh in meshes:
            mesh.apply_scale(scale)
    elif shape.tag == 'box':
        meshes = [trimesh.creation.box([float(v) for v in shape.attrib['size'].split()])]
    elif shape.tag == 'sphere':
        meshes = [trimesh.creation.icosphere(radius=float(shape.attrib['radius']))]
    elif shape.tag == 'cylinder':
        radius, length = float(shape.attrib['radius']), float(shape.attrib['length'])
        meshes = [trimesh.creation.cylinder(radius, length)]
    else:
        raise ConfigurationError(
            f"visual geometry '{shape.tag}' is not supported; use mesh, box, sphere or cylinder"
        )
    return [(mesh.apply_transform(pose), _colour(mesh, visual)) for mesh in meshes]


def _colour(mesh: Any, visual: Any) -> Array:
    """(3,) RGB from 0 to 1: the mesh's own material, else the URDF's, else light grey."""
    material = getattr(mesh.visual, 'material', None)
    own = getattr(material, 'main_color', None)
    if own is not None and getattr(material, 'baseColorFactor', own) is None:
        return np.full(3, 0.9)  # glTF: white where a material states no colour
    if own is not None:
        linear = np.asarray(own, dtype=float)[:3] / 255.0  # as glTF has it
        return np.asarray(linear ** (1 / 2.2))
    given = visual.find('material/color')
    if given is not None:
        return np.array([float(v) for v in given.attrib['rgba'].split()][:3])
    return np.full(3, 0.75)


def _decimate(mesh: Any, faces: int) -> tuple[Array, NDArray[np.int64]]:
    import open3d as o3d

    reduced = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(mesh.vertices), o3d.utility.Vector3iVector(mesh.faces)
    )
    reduced.merge_close_vertices(1e-6)
    if len(reduced.triangles) > faces:
        reduced = reduced.simplify_quadric_decimation(faces)
    return np.asarray(reduced.vertices), np.asarray(reduced.triangles).astype(np.int64)
