"""Convex collision shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """The convex hull of points, widened by a radius.

    Attributes:
        points: (P, 3) [m], body frame: corners of a hull, or the spine of a round shape.
        radius: [m]; 0 for a hull.
        primitive: How MuJoCo takes it as a primitive: type, size, body_T_shape; None as a mesh.
    """

    points: Array
    radius: float = 0.0
    primitive: tuple[Any, list[float], Array] | None = None

    def lowest(self, normal: Array, offset: float) -> float:
        """Smallest normal.x + offset [m] over the shape."""
        return float((self.points @ normal).min()) + offset - self.radius

    def add_to(self, spec: Any, body: Any, name: str, **contact: Any) -> None:
        """Add a geom (and mesh) to a MuJoCo body."""
        if self.primitive is None:
            spec.add_mesh(
                name=name,
                uservert=self.points.ravel().tolist(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX,
            )
            body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, **contact)
            return
        kind, size, body_T_shape = self.primitive
        quaternion = Rotation.from_matrix(body_T_shape[:3, :3]).as_quat(scalar_first=True)
        body.add_geom(
            name=name, type=kind, size=size, pos=body_T_shape[:3, 3], quat=quaternion, **contact
        )

    def solid(self) -> Any:
        """The shape as a `trimesh.Trimesh`; round shapes as inscribed polyhedra."""
        points = self.points
        if self.radius > 0.0:
            ball = trimesh.creation.icosphere(subdivisions=2, radius=self.radius).vertices
            points = (points[:, None] + ball[None]).reshape(-1, 3)
        return trimesh.convex.convex_hull(points)


def hull(points: Array) -> Shape:
    """Of a point cloud (P, 3) [m]."""
    return Shape(np.asarray(trimesh.convex.convex_hull(points).vertices, dtype=float))


def box(size: Array, body_T_shape: Array) -> Shape:
    """With side lengths (3,) [m]."""
    half = 0.5 * np.asarray(size, dtype=float)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    primitive = (mujoco.mjtGeom.mjGEOM_BOX, half.tolist(), body_T_shape)
    return Shape(_move(body_T_shape, signs * half), 0.0, primitive)


def sphere(radius: float, body_T_shape: Array) -> Shape:
    """About the shape frame's origin."""
    primitive = (mujoco.mjtGeom.mjGEOM_SPHERE, [radius, 0.0, 0.0], body_T_shape)
    return Shape(_move(body_T_shape, np.zeros((1, 3))), radius, primitive)


def capsule(radius: float, length: float, body_T_shape: Array) -> Shape:
    """Around z, with `length` between the centres of its caps [m]."""
    primitive = (mujoco.mjtGeom.mjGEOM_CAPSULE, [radius, length / 2, 0.0], body_T_shape)
    ends = np.array([[0.0, 0.0, -length / 2], [0.0, 0.0, length / 2]])
    return Shape(_move(body_T_shape, ends), radius, primitive)


def cylinder(radius: float, length: float, body_T_shape: Array) -> Shape:
    """Around z."""
    angle = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    ring = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rims = [np.c_[ring, np.full(len(ring), z)] for z in (-length / 2, length / 2)]
    primitive = (mujoco.mjtGeom.mjGEOM_CYLINDER, [radius, length / 2, 0.0], body_T_shape)
    return Shape(_move(body_T_shape, np.concatenate(rims)), 0.0, primitive)


def _move(body_T_shape: Array, points: Array) -> Array:
    return points @ body_T_shape[:3, :3].T + body_T_shape[:3, 3]
