"""Mass, centre and inertia of convex parts that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.collision_shape import CollisionShape

Array = NDArray[np.float64]

_CELLS = 40  # along the longest side when the volume is counted


@dataclass(frozen=True)
class MassProperties:
    """Of a rigid body of 1 kg with even density.

    Attributes:
        volume: [m^3].
        centre: (3,) of mass [m], body frame.
        inertia: (3, 3) about the centre [m^2].
    """

    volume: float
    centre: Array
    inertia: Array

    def principal(self) -> tuple[Array, Array]:
        """Moments (3,) [m^2] and the right-handed frame (3, 3) of their axes in its columns."""
        return principal_axes(self.inertia)


def principal_axes(inertia: Array) -> tuple[Array, Array]:
    """Moments (3,) and the right-handed frame (3, 3) of their axes, in its columns."""
    moments, axes = np.linalg.eigh(inertia)
    axes[:, 2] *= np.linalg.det(axes)
    return moments, axes


def union_mass_properties(shapes: Sequence[CollisionShape]) -> MassProperties:
    """Of a union of hulls, counted in cells, so that where parts overlap nothing counts twice."""
    corners = np.concatenate([shape.points for shape in shapes])
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    cell = float((upper - lower).max()) / _CELLS
    axes = [lo + cell * (np.arange(max(1, np.ceil((hi - lo) / cell))) + 0.5)
            for lo, hi in zip(lower, upper, strict=True)]  # fmt: skip
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    inside = np.zeros(len(grid), dtype=bool)
    for shape in shapes:
        solid = shape.solid()
        normals = solid.face_normals
        offsets = (normals * solid.triangles[:, 0]).sum(axis=1)
        near = ((grid >= shape.points.min(axis=0)) & (grid <= shape.points.max(axis=0))).all(axis=1)
        near &= ~inside
        inside[near] = (grid[near] @ normals.T <= offsets).all(axis=1)
    points = grid[inside]
    if len(points) == 0:  # thinner than a cell
        points = corners
    centre = points.mean(axis=0)
    arms = points - centre
    spread = arms.T @ arms / len(points) + np.eye(3) * cell**2 / 12.0
    inertia = np.trace(spread) * np.eye(3) - spread
    return MassProperties(len(points) * cell**3, centre, inertia)
