"""Spheres that fill a link, for collision terms that must be cheap and smooth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from dex1b_core.robots.link_geometry import sample_union, union_depth

Array = NDArray[np.float64]

REFINEMENT_STEPS = 150
RATE = 0.3  # [mm] a step at first
SURFACE_SAMPLES = 600
NEARLY = 0.002  # [m] a surface point so near to a sphere counts as covered when choosing
HIGHEST_OVERSHOOT = 0.003  # [m] spheres are shrunk to it
LEAST_RADIUS = 0.0005  # [m] smaller ones are dropped
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


def fit_spheres(hulls: list[Any], *, count: int, bulge: float = 0.002) -> tuple[Array, Array]:
    """Fill a union of convex bodies with spheres.

    Chosen greedily by the volume and the surface that they newly cover, then all moved and resized
    together so that they leave little of the surface uncovered and stand out little.

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
    spacing = max(0.0008, float(np.prod(upper - lower) / 20000) ** (1 / 3))
    axes = [np.arange(lo + spacing / 2, hi, spacing) for lo, hi in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    depth = union_depth(hulls, grid)
    grid, depth = grid[depth > 0.0], depth[depth > 0.0]
    if not len(grid):  # thinner than the grid: a plate or a wire
        grid = np.array([hull.center_mass for hull in hulls])
        depth = np.maximum(union_depth(hulls, grid), 1e-4)
    candidates = np.argsort(-depth)[:: max(1, len(depth) // 800)]
    radii = depth[candidates] + bulge
    surface, _, _ = sample_union(hulls, SURFACE_SAMPLES, seed=5)
    inside = grid[:: max(1, len(grid) // 3000)]
    targets = np.concatenate([inside, surface])
    worth = np.concatenate([
        np.full(len(inside), 1.0 / len(inside)), np.full(len(surface), 1.0 / len(surface))
    ])  # fmt: skip
    reach = np.concatenate([np.zeros(len(inside)), np.full(len(surface), NEARLY)])
    covers = cdist(grid[candidates], targets) < radii[:, None] + reach
    uncovered = np.ones(len(targets), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < count:
        gain = (covers & uncovered) @ worth
        best = int(gain.argmax())
        if gain[best] < 0.001 and chosen:
            break
        chosen.append(best)
        uncovered &= ~covers[best]
    return grid[candidates[chosen]], radii[chosen]


def _refined(hulls: list[Any], centres: Array, radii: Array) -> tuple[Array, Array]:
    """Adam on centres and radii, in millimetres, for little uncovered and little overshoot."""
    points = torch.tensor(1e3 * sample_union(hulls, SURFACE_SAMPLES, seed=3)[0])
    planes = [_planes(hull) for hull in hulls]
    spheres = torch.tensor(1e3 * np.column_stack([centres, radii]))
    mean, square = torch.zeros_like(spheres), torch.zeros_like(spheres)
    best, best_loss = spheres, torch.inf
    for step in range(1, REFINEMENT_STEPS + 1):
        spheres.requires_grad_()
        loss = _misfit(spheres, points, planes)
        [gradient] = torch.autograd.grad(loss, [spheres])
        spheres = spheres.detach()
        if float(loss.detach()) < best_loss:
            best, best_loss = spheres, float(loss.detach())
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        scale = (square / (1.0 - 0.99**step)).sqrt() + 1e-8
        fall = 1.0 - 0.9 * step / REFINEMENT_STEPS
        spheres = spheres - RATE * fall * mean / (1.0 - 0.9**step) / scale
    found = best.numpy() / 1e3
    allowed = union_depth(hulls, found[:, :3]) + HIGHEST_OVERSHOOT
    radii = np.minimum(found[:, 3], allowed)
    keep = radii > min(LEAST_RADIUS, float(radii.max()))
    keep[radii.argmax()] = True
    return found[keep, :3], radii[keep]


def _misfit(
    spheres: torch.Tensor, points: torch.Tensor, planes: list[tuple[torch.Tensor, torch.Tensor]]
) -> torch.Tensor:
    """Mean squares of what points leave uncovered and of what spheres stand out [mm^2].

    Fourth powers are added so that the worst places count.
    """
    centres, radii = spheres[:, :3], spheres[:, 3]
    gap = (torch.cdist(points, centres) - radii).amin(dim=1).clamp_min(0.0)
    depth = torch.stack(
        [(offset - centres @ normal.T).amin(dim=1) for normal, offset in planes]
    ).amax(dim=0)
    overshoot = (radii - depth).clamp_min(0.0)
    uncovered = (gap.square() + 0.02 * gap.pow(4)).mean()
    return uncovered + OVERSHOOT_WEIGHT * (overshoot.square() + 0.02 * overshoot.pow(4)).mean()


def _planes(hull: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(P, 3) outward normals and (P,) offsets [mm] of a convex body's different faces."""
    normals = np.asarray(hull.face_normals)
    offsets = 1e3 * (normals * np.asarray(hull.triangles_center)).sum(axis=1)
    table = np.unique(np.round(np.column_stack([normals, offsets]), 4), axis=0)
    return torch.tensor(table[:, :3]), torch.tensor(table[:, 3])
