"""How deep the object's surface is inside the hand, as UGG and Dex1B report it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.geometry.surface import sample_surface, spread_over_surface
from dex1b_core.simulation.collision_shape import CollisionShape

Array = NDArray[np.float64]

SURFACE_POINTS = 2048
DEXGRASPNET_POINTS = 2000
SHALLOW = 0.005  # [m] UGG's bound on grasps that count

_CHUNK = 64  # grasps at a time: their points take a few MB


def penetration(placed: PlacedGrasps, *, seed: int = 0) -> Array:
    """(N,) depth [m] of the deepest of 2048 object surface points in the hand; 0 if none is inside.

    UGG's cal_pen, which Dex1B's Table II adopts: max over points of max over links of the depth
    in the link. It is about the object in the hand: a thin finger inside a thick object counts
    only by the finger's half thickness, and never if no point of the surface is inside it.

    Args:
        placed: N grasps.
        seed: Of the surface points.
    """
    points = sample_surface(placed.target, SURFACE_POINTS, seed=seed).points
    deepest: Array = point_depths(placed, points).max(axis=1)
    return deepest


def penetration_sum(placed: PlacedGrasps, *, seed: int = 0) -> Array:
    """(N,) sum of the depths [m] of 2000 object surface points in the hand.

    DexGraspNet's E_pen, which its validation bounds. Points are spread as its are: those drawn by
    area alone scatter sums three times as much.

    Args:
        placed: N grasps.
        seed: Of the surface points.
    """
    points = spread_over_surface(placed.target, DEXGRASPNET_POINTS, seed=seed)
    sums: Array = point_depths(placed, points).sum(axis=1)
    return sums


def point_depths(placed: PlacedGrasps, points: Array) -> Array:
    """(N, P) depth [m] of each of (P, 3) points, object frame, in the hand; 0 outside.

    Max over links of the depth in the link.
    """
    bodies = [[_DepthIn(shape) for shape in body.shapes] for body in placed.tree.bodies]
    poses = placed.body_poses()
    depths = np.zeros((len(placed), len(points)))
    for start in range(0, len(placed), _CHUNK):
        rows = slice(start, start + _CHUNK)
        for shapes, object_T_body in zip(bodies, np.moveaxis(poses[rows], 1, 0), strict=True):
            offset = points - object_T_body[:, None, :3, 3]
            local = offset @ object_T_body[:, :3, :3]
            for shape in shapes:
                np.maximum(depths[rows], shape.depths(local), out=depths[rows])
    return depths


def mean_of_shallow(values: Array, depth: Array) -> float | None:
    """Mean of (N,) values over grasps with a penetration (N,) below 5 mm; None without any.

    How UGG averages Q1.
    """
    chosen = values[depth < SHALLOW]
    return float(chosen.mean()) if len(chosen) else None


class _DepthIn:
    """Depth of points in a convex shape: exact for a point inside."""

    def __init__(self, shape: CollisionShape) -> None:
        from scipy.spatial import ConvexHull

        self._shape = shape
        self._lower = shape.points.min(axis=0) - shape.radius
        self._upper = shape.points.max(axis=0) + shape.radius
        self._planes = None
        if not _is_round(shape):
            self._planes = ConvexHull(np.asarray(shape.solid().vertices)).equations

    def depths(self, points: Array) -> Array:
        """(N, P) of (N, P, 3) points [m], body frame; 0 outside."""
        near = ((points >= self._lower) & (points <= self._upper)).all(axis=-1)
        depths = np.zeros(near.shape)
        depths[near] = np.maximum(self._depth(points[near]), 0.0)
        return depths

    def _depth(self, points: Array) -> Array:
        """(P,) [m], negative outside."""
        depth: Array
        if self._planes is not None:
            depth = -(points @ self._planes[:, :3].T + self._planes[:, 3]).max(axis=1)
            return depth
        start, end = self._shape.points[0], self._shape.points[-1]
        along = end - start
        share = (points - start) @ along / max(float(along @ along), 1e-18)
        nearest = start + np.clip(share, 0.0, 1.0)[:, None] * along
        depth = self._shape.radius - np.linalg.norm(points - nearest, axis=1)
        return depth


def _is_round(shape: CollisionShape) -> bool:
    """Whether it is a sphere or a capsule."""
    return shape.radius > 0.0 and len(shape.points) <= 2
