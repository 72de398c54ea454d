"""Spheres that fill a link, for collision terms that must be cheap and smooth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.robots.link_geometry import sample_union, union_depth

Array = NDArray[np.float64]

REFINEMENT_STEPS = 250
SURFACE_SAMPLES = 600
OVERSHOOT_WEIGHT = 4.0  # of what stands out of the body against what stays uncovered


@dataclass(frozen=True)
class SphereCoverage:
    """How well spheres stand for a link.

    Attributes:
        link: Its name.
        count: Spheres.
        uncovered_p95: Of the link's surface points, how far they lie outside all spheres [m].
        uncovered_max: The same, at worst [m].
        overshoot_max: How far the worst sphere stands out of the body [m]; an upper bound where
            convex parts overlap.
    """

    link: str
    count: int
    uncovered_p95: float
    uncovered_max: float
    overshoot_max: float


def fit_spheres(hulls: list[Any], *, count: int, bulge: float = 0.001) -> tuple[Array, Array]:
    """Fill a union of convex bodies with spheres.

    Chosen greedily by the volume that they newly cover, then all moved and resized together so
    that they leave little of the surface uncovered and stand out little.

    Args:
        hulls: `trimesh.Trimesh` bodies.
        count: At most how many spheres.
        bulge: How far a sphere may stand out of the body when chosen [m].

    Returns:
        (S, 3) centres and (S,) radii [m], the most useful first.
    """
    return _refined(hulls, *_greedy(hulls, count, bulge))


def coverage(link: str, hulls: list[Any], centres: Array, radii: Array) -> SphereCoverage:
    """Measure spheres (S, 3), (S,) of a link against its convex bodies."""
    points, _, _ = sample_union(hulls, 4000, seed=7)
    outside = (np.linalg.norm(points[:, None] - centres, axis=-1) - radii).min(axis=1)
    outside = np.maximum(outside, 0.0)
    overshoot = radii - union_depth(hulls, centres)
    return SphereCoverage(
        link,
        len(radii),
        float(np.percentile(outside, 95)),
        float(outside.max()),
        float(max(overshoot.max(), 0.0)),
    )


def _greedy(hulls: list[Any], count: int, bulge: float) -> tuple[Array, Array]:
    lower = np.min([hull.bounds[0] for hull in hulls], axis=0)
    upper = np.max([hull.bounds[1] for hull in hulls], axis=0)
    spacing = max(0.0008, float(np.prod(upper - lower) / 5000) ** (1 / 3))
    axes = [np.arange(lo + spacing / 2, hi, spacing) for lo, hi in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    depth = union_depth(hulls, grid)
    grid, depth = grid[depth > 0.0], depth[depth > 0.0]
    if not len(grid):  # thinner than the grid: a plate or a wire
        grid = np.array([hull.center_mass for hull in hulls])
        depth = np.maximum(union_depth(hulls, grid), 1e-4)
    candidates = np.argsort(-depth)[:: max(1, len(depth) // 800)]
    radii = depth[candidates] + bulge
    distance = np.linalg.norm(grid[candidates][:, None] - grid[None], axis=-1)
    covers = distance < radii[:, None]
    uncovered = np.ones(len(grid), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < count and uncovered.any():
        gain = (covers & uncovered).sum(axis=1)
        best = int(gain.argmax())
        if gain[best] < 0.001 * len(grid) and chosen:
            break
        chosen.append(best)
        uncovered &= ~covers[best]
    return grid[candidates[chosen]], radii[chosen]


def _refined(hulls: list[Any], centres: Array, radii: Array) -> tuple[Array, Array]:
    """Adam on centres and radii for sum uncovered^2 + overshoot^2, in millimetres."""
    points = torch.tensor(1e3 * sample_union(hulls, SURFACE_SAMPLES, seed=3)[0])
    planes = [_planes(hull) for hull in hulls]
    centre = torch.tensor(1e3 * centres, requires_grad=True)
    radius = torch.tensor(1e3 * radii, requires_grad=True)
    optimiser = torch.optim.Adam([centre, radius], lr=0.15)
    best, best_loss = (centres, radii), np.inf
    for step in range(REFINEMENT_STEPS + 1):
        gap = (torch.cdist(points, centre) - radius).amin(dim=1).clamp_min(0.0)
        depth = torch.stack(
            [(offset - centre @ normal.T).amin(dim=1) for normal, offset in planes]
        ).amax(dim=0)
        overshoot = (radius - depth).clamp_min(0.0)
        loss = gap.square().mean() + 0.02 * gap.pow(4).mean()
        loss = loss + OVERSHOOT_WEIGHT * (overshoot.square() + 0.02 * overshoot.pow(4)).mean()
        if float(loss.detach()) < best_loss:
            best_loss = float(loss.detach())
            found = (centre.detach().numpy() / 1e3, radius.detach().numpy() / 1e3)
            best = (found[0].copy(), np.maximum(found[1], 1e-4))
        if step == REFINEMENT_STEPS:
            break
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return best


def _planes(hull: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(P, 3) outward normals and (P,) offsets [mm] of a convex body's different faces."""
    normals = np.asarray(hull.face_normals)
    offsets = 1e3 * (normals * np.asarray(hull.triangles_center)).sum(axis=1)
    table = np.unique(np.round(np.column_stack([normals, offsets]), 4), axis=0)
    return torch.tensor(table[:, :3]), torch.tensor(table[:, 3])
