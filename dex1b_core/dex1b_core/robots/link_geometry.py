"""Collision geometry of a robot's links as convex parts in the link's frame."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.mesh_path import find_mesh
from dex1b_core.robots.urdf_origin import read_origin

Array = NDArray[np.float64]


def collision_hulls(urdf_path: Path, links: tuple[str, ...]) -> dict[str, list[Any]]:
    """Convex hull of every collision element, as simulators use it.

    Args:
        urdf_path: The URDF to read.
        links: Link names; a link without collision geometry gets an empty list.

    Returns:
        link name -> list of `trimesh.Trimesh` [m], in the link's frame.

    Raises:
        ConfigurationError: a mesh file cannot be read.
    """
    root = ElementTree.parse(urdf_path).getroot()
    elements = {link.get('name'): link.findall('collision') for link in root.findall('link')}
    return {
        name: [
            _hull(element, f"link '{name}'", urdf_path).apply_transform(read_origin(element))
            for element in elements[name]
        ]
        for name in links
    }


def _hull(element: ElementTree.Element, link: str, urdf_path: Path) -> Any:
    shape = element.find('geometry/*')
    kind = '' if shape is None else shape.tag
    values = {} if shape is None else shape.attrib
    if kind == 'box':
        return trimesh.creation.box([float(word) for word in values['size'].split()])
    if kind == 'sphere':
        return trimesh.creation.icosphere(subdivisions=2, radius=float(values['radius']))
    if kind == 'cylinder':
        return trimesh.creation.cylinder(
            float(values['radius']), float(values['length']), sections=24
        )
    if kind == 'capsule':
        length, radius = float(values['length']), float(values['radius'])
        return trimesh.creation.capsule(length, radius, count=[16, 16]).convex_hull
    if kind != 'mesh':
        raise ConfigurationError(
            f"{urdf_path}: {link} has a collision shape '{kind}'; expected a mesh, box, sphere, "
            'cylinder or capsule'
        )
    path = find_mesh(values['filename'], urdf_path)
    if path is None:
        raise ConfigurationError(f"{urdf_path}: {link}: mesh '{values['filename']}' is missing")
    scale = np.array([float(word) for word in values.get('scale', '1 1 1').split()])
    return _mesh_hull(path, link).apply_transform(np.diag([*scale, 1.0]))


def _mesh_hull(path: Path, link: str) -> Any:
    try:
        mesh = trimesh.load(path, force='mesh')
        if not np.isfinite(mesh.vertices).all():
            raise ValueError('it has vertices that are not finite')
        return mesh.convex_hull
    except Exception as error:  # loaders and the hull raise whatever they like
        raise ConfigurationError(
            f'{link}: collision mesh {path} cannot be used: {error}; expected a mesh with volume '
            'in a format that trimesh reads'
        ) from error


def mesh_sizes(urdf_path: Path) -> tuple[tuple[str, int], ...]:
    """Names and sizes [bytes] of the collision meshes that a URDF uses, to tell versions apart."""
    root = ElementTree.parse(urdf_path).getroot()
    names = {str(mesh.get('filename')) for mesh in root.iterfind('link/collision/geometry/mesh')}
    paths = {name: find_mesh(name, urdf_path) for name in sorted(names)}
    return tuple((name, path.stat().st_size if path else 0) for name, path in paths.items())


def union_depth(hulls: list[Any], points: Array) -> Array:
    """Depth [m] of (N, 3) points inside a union of convex bodies, negative outside."""
    depth = np.full(len(points), -np.inf)
    for hull in hulls:
        normals = np.asarray(hull.face_normals)
        offsets = (normals * np.asarray(hull.triangles_center)).sum(axis=1)
        depth = np.maximum(depth, (offsets - points @ normals.T).min(axis=1))
    return depth


def sample_union(hulls: list[Any], count: int, seed: int) -> tuple[Array, Array, NDArray[np.int64]]:
    """Random points on a union of convex bodies, evenly by area.

    Args:
        hulls: `trimesh.Trimesh` bodies.
        count: About how many points.
        seed: Of the samples.

    Returns:
        (N, 3) points [m], (N, 3) outward unit normals, (N,) index of the body.
    """
    areas = np.array([hull.area for hull in hulls])
    points, normals, owners = [], [], []
    for i, hull in enumerate(hulls):
        wanted = max(8, round(1.5 * count * areas[i] / areas.sum()))
        sampled, faces = trimesh.sample.sample_surface(hull, wanted, seed=seed + i)
        others = hulls[:i] + hulls[i + 1 :]
        free = union_depth(others, sampled) <= 0.0 if others else np.ones(len(sampled), bool)
        points.append(np.asarray(sampled)[free])
        normals.append(np.asarray(hull.face_normals)[faces[free]])
        owners.append(np.full(int(free.sum()), i))
    return np.concatenate(points), np.concatenate(normals), np.concatenate(owners)


def union_surface(hulls: list[Any], count: int, seed: int) -> tuple[Array, Array]:
    """About evenly spread points on a union of convex bodies.

    Args:
        hulls: `trimesh.Trimesh` bodies.
        count: How many points to keep.
        seed: Of the random samples among which they are chosen.

    Returns:
        (count, 3) points [m] and (count, 3) outward unit normals.
    """
    points, normals, _ = sample_union(hulls, 8 * count, seed)
    keep = farthest_points(points, count)
    return points[keep], normals[keep]


def farthest_points(
    points: Array, count: int, first: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Indices of `count` points (N, 3), each chosen farthest from those before.

    Args:
        points: To choose from.
        count: How many.
        first: Indices of those that are chosen in any case, before all others.
    """
    if first is None or not len(first):
        first = np.array([np.linalg.norm(points - points.mean(axis=0), axis=1).argmax()])
    chosen = [int(index) for index in first[:count]]
    apart = np.linalg.norm(points[:, None] - points[chosen], axis=2)
    distance = apart.min(axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


def corners_and_more(hull: Any, samples: Array, count: int) -> Array:
    """(count, 3) well spread points: up to half of them corners of a hull, then of samples."""
    vertices = np.asarray(hull.vertices)
    corners = farthest_points(vertices, count // 2)
    candidates = np.concatenate([vertices[corners], samples])
    return candidates[farthest_points(candidates, count, np.arange(len(corners)))]
