"""What the robot itself hides from the cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import invert, transform_points
from dex1b_core.perception.segmentation import Cloud

Array = NDArray[np.float64]

SPACING = 0.012  # [m] between points; fingers are no thinner
BEHIND = 0.05  # [m] behind the robot's surface: nearer is the robot


def robot_shadow(clouds: Sequence[Cloud], target: Array) -> Array:
    """(N, 3) points between those of a target that the robot hides, and no camera sees empty [m].

    Between: in their convex hull. Nobody knows what is there; who moves should take it for
    occupied.

    Args:
        clouds: One for each camera.
        target: (M, 3) points, planning frame [m].
    """
    from scipy.spatial import ConvexHull, Delaunay

    low, high = target.min(axis=0), target.max(axis=0)
    axes = [np.arange(a, b + SPACING, SPACING) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    between = Delaunay(target[ConvexHull(target).vertices]).find_simplex(points) >= 0
    points = points[between]
    hidden, empty = np.zeros(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
    for cloud in clouds:
        frame = cloud.frame
        local = transform_points(invert(frame.planning_T_camera), points)
        columns, rows, z = frame.intrinsics.project(local)
        inside = columns >= 0
        depth = frame.depth_m[rows, columns]
        robot = inside & cloud.robot[rows, columns]
        hidden |= robot & (z > depth + BEHIND)
        empty |= inside & ~robot & (z < depth)
    unknown: Array = points[hidden & ~empty]
    return unknown
