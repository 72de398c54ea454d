"""What a depth camera delivers: rate, skew, noise on a plane, holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.frames import CameraIntrinsics

Array = NDArray[np.float64]
PATCH = 0.25  # side of the central patch that should show a plane, of the image's
TOLERANCE = 3.0  # in standard deviations, of a point of the plane
LEAST_TOLERANCE = 1e-4  # [m]
ROUNDS = 8  # of fitting and leaving out


@dataclass(frozen=True)
class StreamTiming:
    """Of one topic.

    Attributes:
        rate_hz: Images a second, by their stamps.
        jitter_s: Standard deviation of the time between two.
        longest_gap_s: Between two that follow each other.
        repeated: Images that carry the stamp of the one before.
    """

    rate_hz: float
    jitter_s: float
    longest_gap_s: float
    repeated: int


@dataclass(frozen=True)
class PlaneNoise:
    """Of the patch in the middle of the image, which should show a plane.

    Attributes:
        distance_m: Along the optical axis, in the middle.
        angle_rad: Between the plane's normal and the optical axis.
        rough_m: Robust standard deviation of single depths from the plane, along the ray's z.
        flicker_m: Median over pixels of the standard deviation over time; NaN for one image.
        on_plane: Share of the measured pixels near the plane; low = there is no plane.
        holes: Share of pixels without depth, in the whole image.
    """

    distance_m: float
    angle_rad: float
    rough_m: float
    flicker_m: float
    on_plane: float
    holes: float


def stream_timing(stamps_s: Sequence[float]) -> StreamTiming:
    """Timing by stamps in order of arrival.

    Raises:
        Dex1bError: NO_DEPTH for fewer than three different stamps.
    """
    stamps = np.asarray(stamps_s, dtype=float)
    gaps = np.diff(np.unique(stamps))
    if len(gaps) < 2:
        raise Dex1bError(
            ErrorCode.NO_DEPTH,
            f'{len(stamps)} images with {len(gaps) + 1 if len(stamps) else 0} different stamps; '
            'expected three or more: watch longer, or mend the clock of the driver',
        )
    repeated = int((np.diff(stamps) == 0).sum())
    return StreamTiming(1 / float(gaps.mean()), float(gaps.std()), float(gaps.max()), repeated)


def stream_skew(first_s: Sequence[float], second_s: Sequence[float]) -> float:
    """Largest time [s] from a stamp of the first stream to the nearest one of the second."""
    first, second = np.asarray(first_s, dtype=float), np.asarray(second_s, dtype=float)
    return float(np.abs(first[:, None] - second[None]).min(axis=1).max())


def plane_noise_of(images: Sequence[NDArray[np.float32]], camera: CameraIntrinsics) -> PlaneNoise:
    """Noise of (H, W) depth images [m] of a still scene whose middle shows a plane.

    A plane is linear in inverse depth over the image, so it is fitted there.

    Raises:
        Dex1bError: DEPTH_EMPTY when the middle has almost no depth.
    """
    stack = np.stack([image.astype(float) for image in images])
    height, width = stack.shape[1:]
    h, w = max(4, int(height * PATCH)), max(4, int(width * PATCH))
    top, left = (height - h) // 2, (width - w) // 2
    rows, columns = slice(top, top + h), slice(left, left + w)
    patch = stack[:, rows, columns]
    v, u = np.mgrid[rows, columns].astype(float)
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], -1)
    known = np.isfinite(patch[-1])
    if int(known.sum()) < 50:
        raise Dex1bError(
            ErrorCode.DEPTH_EMPTY,
            f'{int(known.sum())} of {known.size} pixels in the middle of the image have a depth; '
            'point the camera at a matt, flat surface within its range',
        )
    normal, near, rough = _fit(rays[known], patch[-1][known])
    seen = np.isfinite(patch).all(axis=0)
    several = len(patch) > 1 and bool(seen.any())
    flicker = float(np.median(patch[:, seen].std(axis=0))) if several else np.nan
    middle = rays[h // 2, w // 2]
    return PlaneNoise(
        distance_m=float(1 / (middle @ normal)),
        angle_rad=float(np.arccos(min(1.0, abs(normal[2]) / float(np.linalg.norm(normal))))),
        rough_m=rough,
        flicker_m=flicker,
        on_plane=float(near.mean()),
        holes=float((~np.isfinite(stack)).mean()),
    )


def _fit(rays: Array, depth: Array) -> tuple[Array, NDArray[np.bool_], float]:
    """n of the plane n . p = 1, which points are on it, and their robust spread along z [m]."""
    near = np.ones(len(depth), dtype=bool)
    normal: Array = np.zeros(3)
    spread = 0.0
    for _ in range(ROUNDS):
        normal = np.asarray(np.linalg.lstsq(rays[near], 1 / depth[near], rcond=None)[0], float)
        off = depth - 1 / (rays @ normal)
        off = off - np.median(off)  # which things before the plane have drawn away
        spread = 1.4826 * float(np.median(np.abs(off)))
        near = np.abs(off) < max(TOLERANCE * spread, LEAST_TOLERANCE)
    return normal, np.asarray(near), spread
