"""Depth images of boxes, cylinders and spheres on the plane z = 0, without a renderer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import look_at
from dex1b_core.perception import CameraIntrinsics, DepthFrame

Array = NDArray[np.float64]
Body = Callable[[Array, Array], Array]

INTRINSICS = CameraIntrinsics(320, 240, 300.0, 300.0, 159.5, 119.5)


def box(low: Sequence[float], high: Sequence[float]) -> Body:
    """Axis-aligned."""

    def hit(eye: Array, rays: Array) -> Array:
        with np.errstate(divide='ignore'):
            a, b = (np.asarray(low) - eye) / rays, (np.asarray(high) - eye) / rays
        enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
        return np.where((enter < leave) & (enter > 0), enter, np.nan)

    return hit


def sphere(centre: Sequence[float], radius: float) -> Body:
    """A ball."""

    def hit(eye: Array, rays: Array) -> Array:
        offset = eye - np.asarray(centre)
        a, b = (rays**2).sum(axis=-1), (rays @ offset) * 2
        root = b**2 - 4 * a * (offset @ offset - radius**2)
        return np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / (2 * a), np.nan)

    return hit


def cylinder(centre: Sequence[float], radius: float, height: float) -> Body:
    """Upright on the plane."""

    def hit(eye: Array, rays: Array) -> Array:
        offset, flat = eye[:2] - np.asarray(centre), rays[..., :2]
        a, b = (flat**2).sum(axis=-1), (flat @ offset) * 2
        root = b**2 - 4 * a * (offset @ offset - radius**2)
        side = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / (2 * a), np.nan)
        z = eye[2] + side * rays[..., 2]
        side[~((z > 0) & (z < height))] = np.nan
        top = (height - eye[2]) / rays[..., 2]
        reach = np.linalg.norm(offset + top[..., None] * flat, axis=-1)
        return np.fmin(side, np.where(reach < radius, top, np.nan))

    return hit


def cup(centre: Sequence[float], radius: float, height: float, wall: float = 0.004) -> Body:
    """Upright on the plane, open at the top."""

    def hit(eye: Array, rays: Array) -> Array:
        offset, flat = eye[:2] - np.asarray(centre), rays[..., :2]
        a, b = (flat**2).sum(axis=-1), (flat @ offset) * 2
        roots = []
        for r in (radius, radius - wall):
            inside = np.maximum(b**2 - 4 * a * (offset @ offset - r**2), 0)
            roots.append([np.where(inside > 0, (-b + s * np.sqrt(inside)) / (2 * a), np.nan)
                          for s in (-1, 1)])  # fmt: skip
        outer, (enter, far) = roots[0][0], roots[1]
        z = eye[2] + outer * rays[..., 2]
        outer = np.where((z > 0) & (z < height), outer, np.nan)
        from_above = eye[2] + enter * rays[..., 2] > height
        z = eye[2] + far * rays[..., 2]
        inner = np.where(from_above & (z > wall) & (z < height), far, np.nan)
        bottom = (wall - eye[2]) / rays[..., 2]
        reach = np.linalg.norm(offset + bottom[..., None] * flat, axis=-1)
        bottom = np.where(from_above & (reach < radius - wall), bottom, np.nan)
        return np.fmin(outer, np.fmin(inner, bottom))

    return hit


def truth(
    *bodies: Body,
    eye: Sequence[float] = (0.95, 0.0, 0.5),
    looks_at: Sequence[float] = (0.45, 0.0, 0.05),
) -> NDArray[np.intp]:
    """(H, W) number of the body that each pixel of `frame` shows, from 1; 0 = none."""
    depths = [
        np.nan_to_num(frame(body, table=False, eye=eye, looks_at=looks_at).depth_m, nan=9.0)
        for body in bodies
    ]
    nearest = np.argmin(depths, axis=0) + 1
    return np.where(np.min(depths, axis=0) < 9.0, nearest, 0)


def frame(
    *bodies: Body,
    eye: Sequence[float] = (0.95, 0.0, 0.5),
    looks_at: Sequence[float] = (0.45, 0.0, 0.05),
    noise: float = 0.0,
    table: bool = True,
    seed: int = 0,
    camera: str = 'camera',
) -> DepthFrame:
    """Depth of the bodies, with Gaussian noise [m]."""
    pose = look_at(eye, looks_at)
    rays = INTRINSICS.deproject(np.ones((240, 320))).astype(float) @ pose[:3, :3].T
    depth = np.full((240, 320), np.nan)
    if table:
        depth = np.where(rays[..., 2] < 0, -pose[2, 3] / rays[..., 2], np.nan)
    for body in bodies:
        depth = np.fmin(depth, body(pose[:3, 3], rays))
    depth += np.random.default_rng(seed).normal(0, noise, depth.shape)
    return DepthFrame(depth.astype(np.float32), INTRINSICS, pose, camera=camera)
