"""Spheres that fill a link, for collision terms that must be cheap and smooth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.robots.link_geometry import union_depth

Array = NDArray[np.float64]


def fit_spheres(hulls: list[Any], *, count: int, bulge: float = 0.001) -> tuple[Array, Array]:
    """Fill a union of convex bodies with spheres, greedily by volume newly covered.

    Args:
        hulls: `trimesh.Trimesh` bodies.
        count: At most how many spheres.
        bulge: How far a sphere may stand out of the body [m].

    Returns:
        (S, 3) centres and (S,) radii [m].
    """
    lower = np.min([hull.bounds[0] for hull in hulls], axis=0)
    upper = np.max([hull.bounds[1] for hull in hulls], axis=0)
    spacing = max(0.0012, float(np.prod(upper - lower) / 5000) ** (1 / 3))
    axes = [np.arange(lo + spacing / 2, hi, spacing) for lo, hi in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    depth = union_depth(hulls, grid)
    grid, depth = grid[depth > 0.0], depth[depth > 0.0]
    candidates = np.argsort(-depth)[:: max(1, len(depth) // 800)]
    radii = depth[candidates] + bulge
    distance = np.linalg.norm(grid[candidates][:, None] - grid[None], axis=-1)
    covers = distance < radii[:, None]
    uncovered = np.ones(len(grid), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < count and uncovered.any():
        gain = (covers & uncovered).sum(axis=1)
        best = int(gain.argmax())
        if gain[best] < 0.002 * len(grid):
            break
        chosen.append(best)
        uncovered &= ~covers[best]
    return grid[candidates[chosen]], radii[chosen]
