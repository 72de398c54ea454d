"""Convex collision shapes that every physics engine understands alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import trimesh
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Primitive:
    """A shape that engines have of their own.

    Attributes:
        kind: What it is; capsules and cylinders lie along z of the shape's frame.
        size: Half side lengths (box); radius (sphere); radius and half length (others) [m].
        body_T_shape: (4, 4).
    """

    kind: Literal['box', 'sphere', 'capsule', 'cylinder']
    size: tuple[float, ...]
    body_T_shape: Array


@dataclass(frozen=True)
class CollisionShape:
    """The convex hull of points, widened by a radius.

    Attributes:
        points: (P, 3) [m], body frame: corners of a hull, or the spine of a round shape.
        radius: [m]; 0 for a hull.
        primitive: The same as a primitive, where it is one.
    """

    points: Array
    radius: float = 0.0
    primitive: Primitive | None = None

    def lowest(self, normal: Array, offset: float) -> float:
        """Smallest normal.x + offset [m] over the shape."""
        return float((self.points @ normal).min()) + offset - self.radius

    def solid(self) -> Any:
        """The shape as a `trimesh.Trimesh`; round shapes as inscribed polyhedra."""
        points = self.points
        if self.radius > 0.0:
            ball = trimesh.creation.icosphere(subdivisions=2, radius=self.radius).vertices
            points = (points[:, None] + ball[None]).reshape(-1, 3)
        return trimesh.convex.convex_hull(points)


def hull(points: Array) -> CollisionShape:
    """Of a point cloud (P, 3) [m]."""
    return CollisionShape(np.asarray(trimesh.convex.convex_hull(points).vertices, dtype=float))


def box(size: Array, body_T_shape: Array) -> CollisionShape:
    """With side lengths (3,) [m]."""
    half = 0.5 * np.asarray(size, dtype=float)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    primitive = Primitive('box', tuple(half.tolist()), body_T_shape)
    return CollisionShape(_move(body_T_shape, signs * half), 0.0, primitive)


def sphere(radius: float, body_T_shape: Array) -> CollisionShape:
    """About the shape frame's origin."""
    primitive = Primitive('sphere', (radius,), body_T_shape)
    return CollisionShape(_move(body_T_shape, np.zeros((1, 3))), radius, primitive)


def capsule(radius: float, length: float, body_T_shape: Array) -> CollisionShape:
    """Around z, with `length` between the centres of its caps [m]."""
    primitive = Primitive('capsule', (radius, length / 2), body_T_shape)
    ends = np.array([[0.0, 0.0, -length / 2], [0.0, 0.0, length / 2]])
    return CollisionShape(_move(body_T_shape, ends), radius, primitive)


def cylinder(radius: float, length: float, body_T_shape: Array) -> CollisionShape:
    """Around z."""
    angle = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    ring = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rims = [np.c_[ring, np.full(len(ring), z)] for z in (-length / 2, length / 2)]
    primitive = Primitive('cylinder', (radius, length / 2), body_T_shape)
    return CollisionShape(_move(body_T_shape, np.concatenate(rims)), 0.0, primitive)


def _move(body_T_shape: Array, points: Array) -> Array:
    moved: Array = points @ body_T_shape[:3, :3].T + body_T_shape[:3, 3]
    return moved
