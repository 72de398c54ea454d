"""The seen surface as an organised grid: smoothed points and their normals."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import Plane

Points = NDArray[np.float32]
Scalars = NDArray[np.float32]
Mask = NDArray[np.bool_]
NORMAL_STEP = 2  # [px] from a pixel to those that span its normal
SMOOTHING = 5  # [px] width of the filter
SMOOTHING_RANGE = 0.012  # depth difference that still counts [m]
SLOPE = 0.02  # depth change to a neighbour that spans a normal [m]


@dataclass(frozen=True)
class Surface:
    """Part of an organised cloud.

    Attributes:
        points: (H, W, 3) planning frame, smoothed; the camera's position outside the mask.
        normals: (H, W, 3) unit, towards the camera, NaN where unknown.
        depth: (H, W) along the optical axis [m], 0 outside the mask.
        mask: (H, W) where it is known.
    """

    points: Points
    normals: Points
    depth: Scalars
    mask: Mask


def make_surface(
    points: Points,
    depth: Scalars,
    mask: Mask,
    eye: NDArray[np.floating],
    *,
    span: int = NORMAL_STEP,
) -> Surface:
    """Smooth along the rays of sight, and find normals.

    Args:
        points: (H, W, 3) planning frame.
        depth: (H, W) along the optical axis [m].
        mask: (H, W) what to use.
        eye: (3,) camera in the planning frame.
        span: Pixels from one to those that span its normal.
    """
    depth = np.where(mask, depth, np.float32(0))
    smooth = cv2.bilateralFilter(depth, SMOOTHING, SMOOTHING_RANGE, SMOOTHING / 2)
    eye = eye.astype(np.float32)
    rays = np.where(mask[..., None], points - eye, np.float32(0))
    scale = smooth / np.where(mask, depth, np.float32(1))
    moved = eye + rays * scale[..., None]
    return Surface(moved, _normals(moved, smooth, rays, span), depth, mask)


def heights_above(points: Points, plane: Plane) -> Scalars:
    """Height [m] of (..., 3) points above a plane, in single precision: depth is noisier."""
    return np.asarray(points @ plane.normal.astype(np.float32) + np.float32(plane.offset))


def dot(a: Points, b: Points) -> Scalars:
    """Scalar product along the last axis of length 3; several times faster than einsum."""
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])


def norm(vectors: Points) -> Scalars:
    """Length along the last axis of length 3."""
    return np.asarray(np.sqrt(dot(vectors, vectors)))


def _normals(points: Points, depth: Scalars, rays: Points, span: int) -> Points:
    across, down = (_tangent(points, depth, axis, span) for axis in (1, 0))
    normals = np.empty_like(points)
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        normals[..., i] = across[..., j] * down[..., k] - across[..., k] * down[..., j]
    length = norm(normals)
    away = dot(normals, rays) > 0
    normals /= np.where(length > 0, np.where(away, -length, length), np.float32(np.nan))[..., None]
    return normals


def _tangent(points: Points, depth: Scalars, axis: int, span: int) -> Points:
    """Difference across a pixel, one-sided beside a jump, zero where there is none."""
    k, size = span, depth.shape[axis]
    tangent = np.zeros_like(points)
    if size <= k:
        return tangent
    a: tuple[slice, ...] = (slice(0, size - k),)
    b: tuple[slice, ...] = (slice(k, size),)
    if axis == 1:
        a, b = (slice(None), *a), (slice(None), *b)
    good = (np.abs(depth[b] - depth[a]) < SLOPE) & (depth[a] > 0) & (depth[b] > 0)
    step = (points[b] - points[a]) * good[..., None]
    tangent[a] += step
    tangent[b] += step
    return tangent
