"""How deep points are inside a union of convex parts, past the faces that parts share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dex1b_core.simulation.collision_shape import CollisionShape

Array = NDArray[np.float64]

SPACING = 0.0008  # [m] about the distance between points of the boundary
MAX_BOUNDARY = 200_000
GAP = 3e-4  # [m] parts so close to each other have no boundary between them
HAND = 0.003  # [m] about the distance between points of the hand, beside its corners


class ConvexUnion:
    """Convex parts as one body.

    The overlap of a finger with one part alone may be shallow where the finger is deep inside the
    whole: it could leave that part into the next. Overlap with the whole is the distance of the
    deepest point to the boundary of the whole.
    """

    def __init__(self, parts: Sequence[CollisionShape]) -> None:
        solids = [part.solid() for part in parts]
        self._bounds = [solid.bounds for solid in solids]
        self._whole = np.min(self._bounds, axis=(0, 1)), np.max(self._bounds, axis=(0, 1))
        self._planes = []
        for solid in solids:
            normals = np.asarray(solid.face_normals)
            self._planes.append((normals, (normals * solid.triangles[:, 0]).sum(axis=1)))
        self._spacing = max(SPACING, (sum(s.area for s in solids) / MAX_BOUNDARY) ** 0.5)
        points: list[Array] = []
        outwards: list[Array] = []
        for index, solid in enumerate(solids):
            sampled, outward = surface(solid, self._spacing)
            free = ~self._inside(sampled + GAP * outward, leave_out=index)
            points.append(sampled[free])
            outwards.append(outward[free])
        self._normals = np.concatenate(outwards)
        self._tree = cKDTree(np.concatenate(points))

    def depth(self, points: Array) -> float:
        """Depth [m] of the deepest of (N, 3) points; 0 when none is inside."""
        lower, upper = self._whole
        near = points[((points >= lower) & (points <= upper)).all(axis=1)]
        inside = near[self._inside(near)]
        if not len(inside):
            return 0.0
        distance, nearest = self._tree.query(inside)
        across = inside - self._tree.data[nearest]
        height = (across * self._normals[nearest]).sum(axis=1)
        aside = np.minimum(np.maximum(distance**2 - height**2, 0.0), self._spacing**2)
        return float(np.sqrt(np.maximum(distance**2 - aside, 0.0)).max())

    def _inside(self, points: Array, leave_out: int = -1) -> NDArray[np.bool_]:
        """(N,) whether a part contains the point."""
        inside = np.zeros(len(points), dtype=bool)
        for index, (normals, offsets) in enumerate(self._planes):
            if index == leave_out:
                continue
            lower, upper = self._bounds[index]
            near = ((points >= lower) & (points <= upper)).all(axis=1) & ~inside
            rows = np.flatnonzero(near)
            inside[rows] = (points[rows] @ normals.T <= offsets + 1e-9).all(axis=1)
        return inside


def surface(solid: trimesh.Trimesh, spacing: float) -> tuple[Array, Array]:
    """Points (N, 3) on a mesh about `spacing` apart [m], with outward normals (N, 3)."""
    count = int(2.0 * solid.area / spacing**2) + 1
    points, faces = trimesh.sample.sample_surface(solid, count, seed=0)
    return points, np.asarray(solid.face_normals)[faces]
