"""Convex parts of a hand as points and planes: overlaps of one part in another, exact on faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from dex1b_core.geometry.device import moved
from dex1b_core.robots.link_geometry import corners_and_more

Array = NDArray[np.float64]
POINTS = 32  # on the surface of each part, its corners first
JOIN = 2.0  # times their volume may the common hull of parts have
SAMPLES = 400  # among which they are chosen

# Outward normals of 26 planes around a box: of its faces, edges and corners.
DIRECTIONS: Array = np.array(
    [d for d in np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3), -1).reshape(-1, 3) if d.any()]
)
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)


@dataclass(frozen=True)
class HandParts:
    """P convex bodies that make up a hand, each in the frame of its link.

    A part is known by K points on its surface and by D planes that enclose it, aligned with its
    smallest box: a point lies inside when it is behind every plane. Round parts stand out of their
    planes nowhere and fall short of them by at most 13 % of their radius.

    Attributes:
        links: (P,) index into `HandKinematics.link_names`.
        points: (P, K, 3) [m].
        planes: (P, D, 4) outward unit normals n and offsets d [m]; inside is n . x < d.
        centres: (P, 3) of the smallest box around each part [m].
        halves: (P, 3, 3) half edges of that box, one a row [m].
    """

    links: torch.Tensor
    points: torch.Tensor
    planes: torch.Tensor
    centres: torch.Tensor
    halves: torch.Tensor

    def to(self, device: torch.device | str) -> HandParts:
        """The same on another device."""
        return moved(self, device)


def part_arrays(hull: Any) -> tuple[Array, Array, Array, Array]:
    """Points, planes, centre and half edges, as in `HandParts`, of a convex `trimesh.Trimesh`."""
    vertices = np.asarray(hull.vertices)
    sampled, _ = trimesh.sample.sample_surface(hull, SAMPLES, seed=0)
    points = corners_and_more(hull, np.asarray(sampled), POINTS)
    box_T_link, extents = trimesh.bounds.oriented_bounds(hull)
    axes = box_T_link[:3, :3]
    normals = DIRECTIONS @ axes
    offsets = (vertices @ normals.T).max(axis=0)
    centre = -axes.T @ box_T_link[:3, 3]
    return points, np.c_[normals, offsets], centre, 0.5 * extents[:, None] * axes


def joined_parts(hulls: list[Any]) -> list[Any]:
    """The hulls of a link, or their common hull where it is not much larger: fewer are faster.

    Args:
        hulls: Convex `trimesh.Trimesh` bodies.
    """
    if len(hulls) < 2:
        return hulls
    common = trimesh.convex.convex_hull(np.concatenate([hull.vertices for hull in hulls]))
    return [common] if common.volume < JOIN * sum(hull.volume for hull in hulls) else hulls
