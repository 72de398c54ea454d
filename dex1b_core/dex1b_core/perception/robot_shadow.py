"""What the robot itself hides from the cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import OrientedBox, invert, transform_points
from dex1b_core.perception.segmentation import Cloud

Array = NDArray[np.float64]

SPACING = 0.012  # [m] between points; fingers are no thinner
BEHIND = 0.05  # [m] behind the robot's surface: nearer is the robot


def robot_shadow(clouds: Sequence[Cloud], box: OrientedBox) -> Array:
    """(N, 3) points of a box that the robot hides and no camera sees to be empty [m].

    Nobody knows what is there; who moves should take it for occupied.

    Args:
        clouds: One for each camera.
        box: Planning frame.
    """
    counts = np.maximum(1, np.ceil(box.size / SPACING)).astype(int)
    axes = [(np.arange(n) - 0.5 * (n - 1)) * SPACING for n in counts]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    points = transform_points(box.planning_T_box, grid)
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
    return points[hidden & ~empty]
