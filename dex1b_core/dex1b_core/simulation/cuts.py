"""Cut a closed shape into convex parts in bounded time, by axis-aligned planes.

A physics check meets a new shape with every request, so the decomposition may cost a second and
must not depend on the mesh being clean: reconstructions are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.perception.observation import ShapeHypothesis

Array = NDArray[np.float64]

GRID = 32  # cells along the longest side
SURFACE_POINTS = 2000
CUTS = 4  # planes tried along each axis
TIE = 0.1  # hulls of sampled points differ by this much without meaning


@dataclass(frozen=True)
class _Solid:
    """A shape in points: on its surface, inside, outside with their distance to it [m]."""

    surface: Array
    inner: Array
    outer: Array
    distance: Array
    cell: float


@dataclass(frozen=True)
class _Part:
    """The solid inside a box: its convex hull, and how far that stands off the solid.

    Attributes:
        hull: Of the solid between `lower` and `upper`.
        gap: Largest distance [m] of the hull's inside from the solid.
        gap_at: (3,) where that is.
    """

    lower: Array
    upper: Array
    hull: ConvexHull
    gap: float
    gap_at: Array


def cut_into_convex_parts(
    shape: ShapeHypothesis, *, max_parts: int = 16, concavity: float = 0.004
) -> tuple[ConvexPart, ...]:
    """Convex parts that together fill the shape.

    Args:
        shape: Closed mesh [m]; small holes are tolerated.
        max_parts: Stop cutting here even if the parts are still concave.
        concavity: Largest distance [m] wanted between a part's hull and the shape.

    Raises:
        Dex1bError: SHAPE_INVALID when the mesh encloses no volume.
    """
    solid = _sample(shape)
    lower, upper = shape.vertices.min(0), shape.vertices.max(0)
    whole = _hull(solid, lower, upper)
    parts = [] if whole is None else [_measure(solid, whole, lower, upper)]
    while 0 < len(parts) < max_parts:
        worst = max(parts, key=lambda part: part.gap)
        if worst.gap <= concavity:
            break
        parts = [part for part in parts if part is not worst] + _cut(solid, worst)
    if not parts:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f"shape '{shape.name}' encloses no volume; expected a closed mesh",
        )
    return tuple(convex_part(part.hull.points[part.hull.vertices]) for part in parts)


def _sample(shape: ShapeHypothesis) -> _Solid:
    _require_mesh(shape)
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(shape.vertices), o3d.utility.Vector3iVector(shape.faces)
    )
    o3d.utility.random.seed(0)
    sampled = np.asarray(mesh.sample_points_uniformly(SURFACE_POINTS).points)
    step = max(1, len(shape.vertices) // SURFACE_POINTS)
    surface = np.vstack([sampled, shape.vertices[::step]])
    lower, upper = shape.vertices.min(0), shape.vertices.max(0)
    cell = float((upper - lower).max()) / GRID
    axes = [np.arange(a, b + cell, cell) for a, b in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    caster: Any = o3d.t.geometry.RaycastingScene(nthreads=1)
    caster.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(mesh))
    query: Any = o3d.core.Tensor(grid.astype(np.float32))  # type: ignore[call-overload]
    distance = caster.compute_signed_distance(query, nsamples=3).numpy().astype(float)
    outside = distance > 0
    return _Solid(surface, grid[~outside], grid[outside], distance[outside], cell)


def _require_mesh(shape: ShapeHypothesis) -> None:
    vertices, faces = shape.vertices, shape.faces
    sound = (
        vertices.ndim == 2
        and vertices.shape[1:] == (3,)
        and len(vertices) >= 4
        and len(faces) >= 4
        and np.isfinite(vertices).all()
        and faces.min() >= 0
        and faces.max() < len(vertices)
    )
    if not sound or (np.ptp(vertices, axis=0) < 1e-4).any() or np.ptp(vertices, axis=0).max() > 2:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f"shape '{shape.name}' with {len(vertices)} vertices and {len(faces)} faces is no "
            'closed mesh of 0.1 mm to 2 m in every direction; expected finite vertices [m] and '
            'faces that index them: capture the scene again',
        )


def _hull(solid: _Solid, lower: Array, upper: Array) -> ConvexHull | None:
    """Hull of the solid between two corners; None where that is empty or flat."""
    on_surface = _within(solid.surface, lower, upper)
    inside = _within(solid.inner, lower, upper)
    points = np.vstack([solid.surface[on_surface], _capped(solid, inside, lower, upper)])
    if len(points) < 8:
        return None
    try:
        return ConvexHull(points)
    except QhullError:
        return None


def _within(points: Array, lower: Array, upper: Array) -> NDArray[np.bool_]:
    inside = (points >= lower - 1e-9) & (points <= upper + 1e-9)
    return np.asarray(inside.all(axis=1))


def _measure(solid: _Solid, hull: ConvexHull, lower: Array, upper: Array) -> _Part:
    """Where and how far a hull stands off the solid."""
    near = _within(solid.outer, lower, upper)
    outer, distance = solid.outer[near], solid.distance[near]
    in_hull = (outer @ hull.equations[:, :3].T + hull.equations[:, 3] <= 0).all(axis=1)
    if not in_hull.any():
        return _Part(lower, upper, hull, 0.0, (lower + upper) / 2)
    worst = int(np.argmax(np.where(in_hull, distance, 0.0)))
    return _Part(lower, upper, hull, float(distance[worst]), outer[worst])


def _capped(solid: _Solid, inside: NDArray[np.bool_], lower: Array, upper: Array) -> Array:
    """Inner grid points next to the box's faces, moved onto them: the caps of the cuts."""
    points = solid.inner[inside]
    caps = [points]
    for axis in range(3):
        for bound in (lower, upper):
            near = np.abs(points[:, axis] - bound[axis]) < solid.cell
            cap = points[near].copy()
            cap[:, axis] = bound[axis]
            caps.append(cap)
    return np.vstack(caps)


def _cut(solid: _Solid, part: _Part) -> list[_Part]:
    """Split at the plane after which the hulls enclose least.

    A hollow shape gains nothing from one cut, so ties go to the cut through the deepest gap that
    parts two walls from each other: slices of a cup would stay rings.
    """
    extent = part.upper - part.lower
    best: list[tuple[ConvexHull, Array, Array]] = []
    best_cost = np.inf
    for axis in range(3):
        fractions = np.linspace(0.0, 1.0, CUTS + 2)[1:-1]
        bonus = TIE * extent[axis] / extent.max() if _between_walls(solid, part, axis) else 0.0
        positions = [(part.lower[axis] + f * extent[axis], 0.0) for f in fractions]
        for position, share in [*positions, (part.gap_at[axis], bonus)]:
            if min(position - part.lower[axis], part.upper[axis] - position) < solid.cell:
                continue
            pieces = _split(solid, part, axis, float(position))
            cost = (1.0 - share) * sum(hull.volume for hull, _, _ in pieces)
            if pieces and cost < best_cost:
                best, best_cost = pieces, cost
    return [_measure(solid, *piece) for piece in best]


def _between_walls(solid: _Solid, part: _Part, axis: int) -> bool:
    """Whether there is solid on both sides of the deepest gap, along an axis."""
    inner = solid.inner[_within(solid.inner, part.lower, part.upper)] - part.gap_at
    in_line = (np.abs(np.delete(inner, axis, axis=1)) < 1.5 * solid.cell).all(axis=1)
    along = inner[in_line, axis]
    return bool((along > 0).any() and (along < 0).any())


def _split(
    solid: _Solid, part: _Part, axis: int, position: float
) -> list[tuple[ConvexHull, Array, Array]]:
    middle_upper, middle_lower = part.upper.copy(), part.lower.copy()
    middle_upper[axis] = middle_lower[axis] = position
    boxes = [(part.lower, middle_upper), (middle_lower, part.upper)]
    pieces = [(_hull(solid, lower, upper), lower, upper) for lower, upper in boxes]
    return [(hull, lower, upper) for hull, lower, upper in pieces if hull is not None]
