"""Approximate convex decomposition of meshes, cached on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.assets import cache_folder
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.array_cache import read_arrays, write_arrays

Array = NDArray[np.float64]

MAX_HULL_VERTICES = 128  # the physics engine takes at most 255
_MAX_FACES = 5000  # more only costs time
_SEARCH = {
    'mcts_iterations': 20,
    'mcts_nodes': 10,
    'mcts_max_depth': 2,
    'resolution': 400,
    'preprocess_resolution': 30,
}
_VERSION = 1  # in the cache key: raise it when the result for the same input changes


class MeshLike(Protocol):
    """Anything with vertices and faces: `ConvexPart`, `ShapeHypothesis`, `trimesh.Trimesh`."""

    @property
    def vertices(self) -> Any:
        """(V, 3) [m]."""

    @property
    def faces(self) -> Any:
        """(F, 3) vertex indices."""


@dataclass(frozen=True)
class ConvexPart:
    """A convex polyhedron.

    Attributes:
        vertices: (V, 3) [m], at most `MAX_HULL_VERTICES`.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        volume: [m^3].
    """

    vertices: Array
    faces: NDArray[np.int64]
    volume: float

    def moved(self, translation: Array) -> ConvexPart:
        """The same, shifted by (3,) [m]."""
        return ConvexPart(self.vertices + translation, self.faces, self.volume)

    def scaled(self, factor: float) -> ConvexPart:
        """The same, grown about the origin."""
        return ConvexPart(self.vertices * factor, self.faces, self.volume * factor**3)


def convex_part(points: Any) -> ConvexPart:
    """Convex hull of (N, 3) points with at most `MAX_HULL_VERTICES` vertices.

    Raises:
        Dex1bError: SHAPE_INVALID when the points span no volume.
    """
    from scipy.spatial import ConvexHull, QhullError

    points = np.asarray(points, dtype=float)
    try:
        corners = points[ConvexHull(points).vertices]
        corners = _extreme_points(corners, MAX_HULL_VERTICES)
        hull = ConvexHull(corners)
    except (QhullError, ValueError, IndexError) as error:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{len(points)} points span no volume; expected at least four that do',
        ) from error
    vertices, faces = corners[hull.vertices], np.full(len(corners), -1)
    faces[hull.vertices] = np.arange(len(hull.vertices))
    triangles = faces[hull.simplices]
    edges = vertices[triangles]
    normals = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
    inward = (normals * hull.equations[:, :3]).sum(axis=1) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return ConvexPart(vertices, triangles.astype(np.int64), float(hull.volume))


def convex_parts(
    mesh: MeshLike, *, concavity: float = 0.06, max_parts: int = 12
) -> tuple[ConvexPart, ...]:
    """Convex polyhedra that cover a mesh, which need not be watertight.

    Takes 1-20 s for a new mesh; the result is cached under cache_folder()/hulls by content.

    Args:
        mesh: Vertices [m] and faces.
        concavity: Largest concavity left, as a fraction of the mesh's size.
        max_parts: At most so many.

    Raises:
        Dex1bError: SHAPE_INVALID when the mesh is empty, not finite or flat.
    """
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int32)
    if len(faces) == 0 or not np.isfinite(vertices).all():
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'mesh with {len(vertices)} vertices and {len(faces)} faces cannot be decomposed; '
            'expected at least one face and finite vertices',
        )
    settings = f'{_VERSION} {concavity} {max_parts} {MAX_HULL_VERTICES} {_MAX_FACES} {_SEARCH}'
    digest = hashlib.sha256(vertices.tobytes() + faces.tobytes() + settings.encode())
    path = cache_folder() / 'hulls' / f'{digest.hexdigest()[:32]}.npz'
    points = read_arrays(path)
    if points is None:
        parts = _decompose(vertices, faces, concavity, max_parts)
        points = {f'part{i}': part for i, part in enumerate(parts)}
        write_arrays(path, points)
    return tuple(convex_part(part) for part in points.values())


def _decompose(
    vertices: Array, faces: NDArray[np.int32], concavity: float, max_parts: int
) -> list[Array]:
    import open3d as o3d  # before coacd, whose library otherwise fails with std::bad_cast

    import coacd  # isort: skip

    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(vertices), o3d.utility.Vector3iVector(faces)
    )
    mesh.merge_close_vertices(1e-6)
    if len(mesh.triangles) > _MAX_FACES:
        mesh = mesh.simplify_quadric_decimation(_MAX_FACES)
    coacd.set_log_level('error')
    parts = coacd.run_coacd(
        coacd.Mesh(np.asarray(mesh.vertices), np.asarray(mesh.triangles)),
        threshold=concavity,
        max_convex_hull=max_parts,
        seed=0,
        **_SEARCH,
    )
    solids = [convex_part(points).vertices for points, _ in parts if _has_volume(points)]
    return solids or [convex_part(vertices).vertices]


def _has_volume(points: Array) -> bool:
    return bool(np.linalg.matrix_rank(points - points.mean(axis=0), tol=1e-5) == 3)


def _extreme_points(points: Array, count: int) -> Array:
    """The points that are outermost along evenly spread directions."""
    if len(points) <= count:
        return points
    kept: set[int] = set()
    directions = count
    while directions < 16 * count:
        found = set(np.argmax(points @ _sphere(directions).T, axis=0).tolist())
        if len(found) > count:
            break
        kept, directions = found, int(directions * 1.3)
    return points[sorted(kept or found)[:count]]


def _sphere(count: int) -> Array:
    """(count, 3) unit vectors on a Fibonacci spiral."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    angle = np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
