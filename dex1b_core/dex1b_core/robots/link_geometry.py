"""Collision geometry of a robot's links as convex parts in the link's frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError

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
    import yourdfpy

    urdf = yourdfpy.URDF.load(
        str(urdf_path),
        build_scene_graph=False,
        load_meshes=False,
        build_collision_scene_graph=False,
        load_collision_meshes=False,
    )
    folder = urdf_path.parent
    return {
        name: [
            _hull(element, folder).apply_transform(
                np.eye(4) if element.origin is None else element.origin
            )
            for element in urdf.link_map[name].collisions
        ]
        for name in links
    }


def _hull(element: Any, folder: Path) -> Any:
    geometry = element.geometry
    if geometry.box is not None:
        return trimesh.creation.box(np.asarray(geometry.box.size, dtype=float))
    if geometry.sphere is not None:
        return trimesh.creation.icosphere(subdivisions=2, radius=geometry.sphere.radius)
    if geometry.cylinder is not None:
        shape = geometry.cylinder
        return trimesh.creation.cylinder(shape.radius, shape.length, sections=24)
    path = Path(geometry.mesh.filename.removeprefix('file://'))
    path = path if path.is_absolute() else folder / path
    try:
        mesh = trimesh.load(path, force='mesh')
    except (OSError, ValueError) as error:
        raise ConfigurationError(f'collision mesh {path} cannot be read: {error}') from error
    if geometry.mesh.scale is not None:
        mesh.apply_scale(geometry.mesh.scale)
    return mesh.convex_hull


def union_depth(hulls: list[Any], points: Array) -> Array:
    """Depth [m] of (N, 3) points inside a union of convex bodies, negative outside."""
    depth = np.full(len(points), -np.inf)
    for hull in hulls:
        normals = np.asarray(hull.face_normals)
        offsets = (normals * np.asarray(hull.triangles_center)).sum(axis=1)
        depth = np.maximum(depth, (offsets - points @ normals.T).min(axis=1))
    return depth


def union_surface(hulls: list[Any], count: int, seed: int) -> tuple[Array, Array]:
    """About evenly spread points on a union of convex bodies.

    Args:
        hulls: `trimesh.Trimesh` bodies.
        count: How many points to keep.
        seed: Of the random samples among which they are chosen.

    Returns:
        (count, 3) points [m] and (count, 3) outward unit normals.
    """
    points, normals = [], []
    for i, hull in enumerate(hulls):
        sampled, faces = trimesh.sample.sample_surface(hull, 8 * count, seed=seed + i)
        others = hulls[:i] + hulls[i + 1 :]
        free = union_depth(others, sampled) <= 0.0 if others else np.ones(len(sampled), bool)
        weight = max(1, round(hull.area / max(h.area for h in hulls) * free.sum()))
        points.append(sampled[free][:weight])
        normals.append(np.asarray(hull.face_normals)[faces[free]][:weight])
    all_points, all_normals = np.concatenate(points), np.concatenate(normals)
    keep = farthest_points(all_points, count)
    return all_points[keep], all_normals[keep]


def farthest_points(points: Array, count: int) -> NDArray[np.int64]:
    """Indices of `count` points (N, 3), each chosen farthest from those before."""
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmax())]
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)
