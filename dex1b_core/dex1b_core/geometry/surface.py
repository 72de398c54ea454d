"""Surfaces: outward normals, points spread over them, exact distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.geometry.convex import ConvexPart
from dex1b_core.geometry.solids import Solid, fuse

Array = NDArray[np.float64]

_DENSER = 100  # as DexGraspNet's object_model.py


@dataclass(frozen=True)
class SurfacePoints:
    """Points on a surface.

    Attributes:
        points: (N, 3) [m].
        normals: (N, 3) unit, outward, of the faces.
        faces: (N,) index of the face.
    """

    points: Array
    normals: Array
    faces: NDArray[np.int64]


def face_normals(mesh: Solid) -> Array:
    """(F, 3) unit normals, outward where the mesh is wound outwards; 0 for faces without area."""
    return _unit(_doubled_areas(mesh))


def vertex_normals(mesh: Solid) -> Array:
    """(V, 3) unit normals, each face weighted by its angle at the vertex (Thürmer and Wüthrich)."""
    normals = face_normals(mesh)
    corners = mesh.vertices[mesh.faces]
    result = np.zeros_like(mesh.vertices)
    for corner in range(3):
        first = _unit(corners[:, (corner + 1) % 3] - corners[:, corner])
        second = _unit(corners[:, (corner + 2) % 3] - corners[:, corner])
        angle = np.arccos(np.clip((first * second).sum(axis=1), -1.0, 1.0))
        np.add.at(result, mesh.faces[:, corner], angle[:, None] * normals)
    return _unit(result)


def sample_surface(mesh: Solid, count: int, *, seed: int = 0) -> SurfacePoints:
    """Points spread evenly by area; the same for the same seed."""
    random = np.random.default_rng(seed)
    crosses = _doubled_areas(mesh)
    area = np.linalg.norm(crosses, axis=1)
    faces = random.choice(len(area), size=count, p=area / area.sum())
    u, v = random.random((2, count, 1))
    u, v = np.where(u + v > 1.0, 1.0 - u, u), np.where(u + v > 1.0, 1.0 - v, v)
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces[faces]], 1, 0)
    return SurfacePoints(a + u * (b - a) + v * (c - a), _unit(crosses[faces]), faces)


def spread_over_surface(mesh: Solid, count: int, *, seed: int = 0) -> Array:
    """(count, 3) points [m] far from each other; the same for the same seed.

    Each is the farthest from those before, of `_DENSER` times as many drawn by area.
    """
    import open3d as o3d

    dense: Any = sample_surface(mesh, _DENSER * count, seed=seed).points
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(dense))
    return np.array(cloud.farthest_point_down_sample(count).points)


def exact_signed_distance(body: Solid | Sequence[ConvexPart], points: ArrayLike) -> Array:
    """Signed distance [m] of (..., 3) points to the triangles of a body, shape (...).

    The reference for faster answers: no grid, single precision (about 1e-8 m for a hand-sized
    object).

    Args:
        body: Closed and wound outwards, or convex parts, which count as their union.
        points: [m].

    Returns:
        Negative inside.
    """
    import open3d as o3d

    solid = body if isinstance(body, Solid) else fuse(body)
    queries: Any = np.ascontiguousarray(points, dtype=np.float32)
    caster = _caster(solid)
    answer = caster.compute_signed_distance(
        o3d.core.Tensor.from_numpy(queries), nthreads=2, nsamples=5
    )
    return np.asarray(answer.numpy(), dtype=np.float64)


def surface_distance(mesh: Solid, points: ArrayLike) -> Array:
    """Distance [m] of (..., 3) points to the triangles of a mesh that need not be closed."""
    import open3d as o3d

    queries: Any = np.ascontiguousarray(points, dtype=np.float32)
    answer = _caster(mesh).compute_distance(o3d.core.Tensor.from_numpy(queries), nthreads=2)
    return np.asarray(answer.numpy(), dtype=np.float64)


def _caster(mesh: Solid) -> Any:
    import open3d as o3d

    caster: Any = o3d.t.geometry.RaycastingScene()
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float32)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.uint32)
    caster.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(faces))
    return caster


def _doubled_areas(mesh: Solid) -> Array:
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    return np.cross(b - a, c - a)


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0.0, length, 1.0))
