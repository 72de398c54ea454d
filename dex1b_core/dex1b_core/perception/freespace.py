"""What the cameras saw to be empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import invert, transform_points
from dex1b_core.perception.frames import CameraIntrinsics

Array = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A depth image in which the object was found.

    Attributes:
        depth_m: (H, W) [m], NaN where not measured.
        mask: (H, W) pixels on the object.
        intrinsics: Of the image.
        planning_T_camera: (4, 4) pose of the optical frame.
    """

    depth_m: NDArray[np.float32]
    mask: NDArray[np.bool_]
    intrinsics: CameraIntrinsics
    planning_T_camera: Array


def depth_behind(points: Array, views: Sequence[View]) -> Array:
    """How far (N, 3) points of the planning frame lie behind the seen surface [m], shape (N,).

    Negative = seen to be empty by at least one camera; infinite = nothing known.
    """
    behind = np.full(len(points), np.inf)
    for view in views:
        local = transform_points(invert(view.planning_T_camera), points)
        columns, rows, z = view.intrinsics.project(local)
        seen = columns >= 0
        distance = np.full(len(points), np.inf)
        distance[seen] = z[seen] - view.depth_m[rows[seen], columns[seen]]
        behind = np.fmin(behind, distance)
    return behind


def cautious(view: View) -> View:
    """The same view, in which a pixel is as near as its nearest neighbour.

    For points that are known only to a few millimetres: what lies beside an edge is then not
    taken for empty.
    """
    import cv2

    depth = np.nan_to_num(view.depth_m, nan=0.0)
    nearest: NDArray[np.float32] = cv2.erode(depth, np.ones((5, 5), np.uint8))
    return replace(view, depth_m=np.where(nearest > 0, nearest, np.float32(np.nan)))


def contour_points(view: View, *, step: int = 3, jump: float = 0.015) -> Array:
    """Object points (N, 3) of the planning frame beyond which the camera sees farther things.

    Args:
        view: One camera.
        step: Pixels between the points compared.
        jump: How much farther [m].
    """
    depth = np.where(view.mask, view.depth_m, np.float32(np.nan))
    outside = np.where(view.mask, np.float32(np.nan), view.depth_m)
    edge = np.zeros(view.mask.shape, dtype=bool)
    for axis in (0, 1):
        for sign in (-step, step):
            other = np.roll(outside, sign, axis)
            edge |= other > depth + jump
    points = view.intrinsics.deproject(depth)[edge]
    return transform_points(view.planning_T_camera, points)
