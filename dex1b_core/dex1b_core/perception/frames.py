"""Depth images as values: decoding, checks, deprojection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import transform_points

DEPTH_ENCODINGS = ('16UC1', '32FC1')
MIN_DEPTH = 0.05  # no camera measures nearer; integers read as floats are [m]


@dataclass(frozen=True)
class CameraIntrinsics:
    """A pinhole camera without distortion [px]; pixel (0, 0) is the centre of the first one."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3) camera matrix."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def deproject(self, depth_m: NDArray[Any]) -> NDArray[np.float32]:
        """(H, W) depth along z [m] to (H, W, 3) points in the optical frame."""
        u = (np.arange(self.width, dtype=np.float32) - np.float32(self.cx)) / np.float32(self.fx)
        v = (np.arange(self.height, dtype=np.float32) - np.float32(self.cy)) / np.float32(self.fy)
        depth = depth_m.astype(np.float32, copy=False)
        return np.stack([u[None, :] * depth, v[:, None] * depth, depth], axis=-1)

    def project(
        self, points: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """(N, 3) points in the optical frame to columns, rows (-1 outside) and depths [m]."""
        points = np.asarray(points, dtype=float)
        z = points[:, 2]
        safe = np.where(z > 1e-6, z, 1.0)
        u = np.rint(points[:, 0] / safe * self.fx + self.cx)
        v = np.rint(points[:, 1] / safe * self.fy + self.cy)
        seen = (z > 1e-6) & (u >= 0) & (u < self.width) & (v >= 0) & (v < self.height)
        columns = np.where(seen, u, -1).astype(np.intp)
        rows = np.where(seen, v, -1).astype(np.intp)
        return columns, rows, z


@dataclass(frozen=True)
class DepthFrame:
    """One depth image with all that is needed to place it.

    Attributes:
        depth_m: (H, W) float32 depth along the optical axis [m], NaN where not measured.
        intrinsics: Of the depth image.
        planning_T_camera: (4, 4) pose of the optical frame (z forward, x right, y down).
        colour: (H, W, 3) uint8 RGB aligned with the depth, or None.
        stamp_s: When it was taken [s]; of several that were averaged, the last.
        camera: The camera's name.
        span_s: Time from the first image averaged to the last [s].
    """

    depth_m: NDArray[np.float32]
    intrinsics: CameraIntrinsics
    planning_T_camera: NDArray[np.float64]
    colour: NDArray[np.uint8] | None = None
    stamp_s: float = 0.0
    camera: str = 'camera'
    span_s: float = 0.0

    def points(self) -> NDArray[np.float32]:
        """(H, W, 3) points in the planning frame [m], NaN where not measured."""
        k, depth = self.intrinsics, self.depth_m.astype(np.float32, copy=False)
        pose = self.planning_T_camera.astype(np.float32)
        u = (np.arange(k.width, dtype=np.float32) - np.float32(k.cx)) / np.float32(k.fx)
        v = (np.arange(k.height, dtype=np.float32) - np.float32(k.cy)) / np.float32(k.fy)
        points = np.empty((*depth.shape, 3), np.float32)
        for axis in range(3):  # a matrix product over so short an axis takes 30 times as long
            ray = pose[axis, 0] * u[None] + (pose[axis, 1] * v + pose[axis, 2])[:, None]
            points[..., axis] = ray * depth + pose[axis, 3]
        return points

    def in_camera(self, points: ArrayLike) -> NDArray[np.float64]:
        """(N, 3) points of the planning frame in the optical frame."""
        rotation = self.planning_T_camera[:3, :3]
        offset: NDArray[np.float64] = np.asarray(points) - self.planning_T_camera[:3, 3]
        return offset @ rotation

    def in_planning(self, points: ArrayLike) -> NDArray[np.float64]:
        """(N, 3) points of the optical frame in the planning frame."""
        return transform_points(self.planning_T_camera, points)


def decode_depth(
    pixels: NDArray[Any], encoding: str, *, unit_m: float = 0.001, max_depth: float = 10.0
) -> NDArray[np.float32]:
    """Depth image of a driver to metres with NaN for what was not measured.

    Args:
        pixels: (H, W) as published.
        encoding: '16UC1' (`unit_m` a step, 0 = no return) or '32FC1' (m).
        unit_m: Step of a 16UC1 image [m].
        max_depth: What is farther, or nearer than 5 cm, counts as not measured [m].

    Raises:
        Dex1bError: DEPTH_ENCODING, or DEPTH_EMPTY when the image has no pixel or no valid one.
    """
    if encoding not in DEPTH_ENCODINGS:
        raise Dex1bError(
            ErrorCode.DEPTH_ENCODING,
            f"depth image is '{encoding}'; expected one of {', '.join(DEPTH_ENCODINGS)}: "
            'is the depth topic a colour image?',
        )
    if pixels.ndim != 2 or pixels.size == 0:
        raise Dex1bError(
            ErrorCode.DEPTH_EMPTY,
            f'depth image has shape {pixels.shape}; expected height x width with at least one '
            'pixel: check the camera driver',
        )
    depth = pixels.astype(np.float32)
    if encoding == '16UC1':
        depth *= np.float32(unit_m)
    depth[~((depth >= MIN_DEPTH) & (depth <= max_depth))] = np.nan
    if np.isnan(depth).all():
        raise Dex1bError(
            ErrorCode.DEPTH_EMPTY,
            f'depth image of {depth.shape[1]}x{depth.shape[0]} has no valid pixel within '
            f'{max_depth} m; is the camera covered, or its emitter off?',
        )
    return depth


def make_intrinsics(
    matrix: Sequence[float], width: int, height: int, depth_shape: tuple[int, ...]
) -> CameraIntrinsics:
    """Intrinsics from a row-major camera matrix K (9), checked against the depth image.

    Raises:
        Dex1bError: CAMERA_INFO_MISMATCH.
    """
    if (height, width) != depth_shape[:2]:
        raise Dex1bError(
            ErrorCode.CAMERA_INFO_MISMATCH,
            f'camera_info is for {width}x{height}, the depth image is '
            f'{depth_shape[1]}x{depth_shape[0]}; use the camera_info of the depth stream',
        )
    fx, fy, cx, cy = (float(matrix[i]) for i in (0, 4, 2, 5))
    good = np.isfinite([fx, fy, cx, cy]).all() and fx > 0 and fy > 0
    if not good or not (0 < cx < width and 0 < cy < height):
        raise Dex1bError(
            ErrorCode.CAMERA_INFO_MISMATCH,
            f'camera_info has fx={fx} fy={fy} cx={cx} cy={cy} for {width}x{height}; expected '
            'positive focal lengths and a centre inside the image: is the camera calibrated?',
        )
    return CameraIntrinsics(width, height, fx, fy, cx, cy)


def rectify_depth(
    depth_m: NDArray[np.float32], intrinsics: CameraIntrinsics, distortion: Sequence[float]
) -> NDArray[np.float32]:
    """Remove lens distortion (OpenCV's coefficients); none or zeros return the image itself."""
    if not np.any(np.abs(np.asarray(distortion, dtype=float)) > 1e-9):
        return depth_m
    import cv2

    matrix, size = intrinsics.matrix, (intrinsics.width, intrinsics.height)
    coefficients = np.asarray(distortion, dtype=float)
    maps = cv2.initUndistortRectifyMap(matrix, coefficients, None, matrix, size, cv2.CV_32FC1)
    flat: NDArray[np.float32] = cv2.remap(
        depth_m, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan
    )
    return flat


def median_depth(images: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Pixel-wise median of (H, W) images of a static scene; NaN where most have no return."""
    if len(images) == 1:
        return images[0]
    stack = np.sort(np.stack(images), axis=0)  # NaN sorts last
    count = np.isfinite(stack).sum(axis=0)
    middle = np.take_along_axis(stack, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    middle[count * 2 <= len(images)] = np.nan
    return np.asarray(middle, dtype=np.float32)


def remove_flying_pixels(
    depth_m: NDArray[np.float32], *, jump: float = 0.012, neighbours: int = 4
) -> NDArray[np.float32]:
    """Drop pixels that hang between two surfaces.

    A pixel stays when at least `neighbours` of its eight neighbours lie within `jump` (relative
    to 1 m, growing with depth) of it.
    """
    allowed = np.float32(jump) * np.maximum(depth_m, np.float32(0.5))
    near = np.zeros(depth_m.shape, np.uint8)
    for a, b in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        close = (np.abs(depth_m[a] - depth_m[b]) < allowed[a]).view(np.uint8)
        near[a] += close
        near[b] += close
    return np.where(near >= neighbours, depth_m, np.float32(np.nan))
