"""Oriented boxes on the support plane."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import OrientedBox, Plane, invert, make_transform, transform_points

Array = NDArray[np.float64]


def plane_frame(plane: Plane) -> Array:
    """planning_T_plane (4, 4): z along the normal, x near the planning x, origin on the plane."""
    z = plane.normal
    x = np.array([1.0, 0, 0]) - z[0] * z
    x = x / np.linalg.norm(x) if np.linalg.norm(x) > 1e-3 else np.array([0, 1.0, 0])
    rotation = np.stack([x, np.cross(z, x), z], axis=1)
    return make_transform(rotation, -plane.offset * z)


def oriented_box(points: Array, plane: Plane) -> OrientedBox:
    """Smallest upright box around (N, 3) points, standing on the plane.

    The longer horizontal side is the box's x axis; z is the plane's normal.
    """
    planning_T_plane = plane_frame(plane)
    local = transform_points(invert(planning_T_plane), points)
    (cx, cy), (length, width), angle = cv2.minAreaRect(local[:, :2].astype(np.float32))
    yaw = np.radians(angle)
    if width > length:
        length, width, yaw = width, length, yaw + np.pi / 2
    yaw = (yaw + np.pi / 2) % np.pi - np.pi / 2
    top = max(float(np.percentile(local[:, 2], 99.5)), 1e-3)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]])
    plane_T_box = make_transform(turn, [cx, cy, top / 2])
    return OrientedBox(planning_T_plane @ plane_T_box, np.array([length, width, top]))
