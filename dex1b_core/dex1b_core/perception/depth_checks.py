"""Depth images that no camera means to send: torn, scrambled, saturated, of another time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

LARGEST_BLANK = 0.45  # share of rows, or of columns, without any measurement, cut off straight
LARGEST_SPARSE = 0.85  # the same, however they end
STRAIGHT = 0.9  # of the pixels of a usual row are measured in the last one before a straight cut
LEAST_CONTINUING = 0.6  # share of measured pixels whose neighbour is measured and near
NEAR = 0.02  # depth difference of near neighbours, relative


def check_depth(depth_m: NDArray[np.float32], camera: str = 'camera') -> None:
    """Refuse an image that cannot be one of surfaces.

    Args:
        depth_m: (H, W) [m], NaN where not measured.
        camera: Its name, for messages.

    Raises:
        Dex1bError: DEPTH_EMPTY for an image of which about half is cut off straight, as no view of
            surfaces is, nearly all is missing, or that has one and the same depth everywhere;
            DEPTH_ENCODING for one whose neighbouring pixels have
            nothing to do with each other, as bytes read in the wrong format have.
    """
    known = np.isfinite(depth_m)
    for axis, name in ((1, 'rows'), (0, 'columns')):
        blank = float((~known.any(axis=axis)).mean())
        allowed = LARGEST_BLANK if _cut_straight(known.mean(axis=axis)) else LARGEST_SPARSE
        if blank > allowed:
            raise Dex1bError(
                ErrorCode.DEPTH_EMPTY,
                f"{blank:.0%} of the {name} of camera '{camera}' have no valid pixel, allowed are "
                f'{allowed:.0%}: is the image torn, half of the lens covered, or of another '
                'encoding than the message says?',
            )
    if depth_m.size > 1 and np.nanmin(depth_m) == np.nanmax(depth_m):
        raise Dex1bError(
            ErrorCode.DEPTH_EMPTY,
            f"every valid pixel of camera '{camera}' is {float(np.nanmax(depth_m)):.3f} m: "
            'saturated, or a test picture; check exposure and driver',
        )
    share = min(_continuing(depth_m, known, axis) for axis in (0, 1))
    if share < LEAST_CONTINUING:
        raise Dex1bError(
            ErrorCode.DEPTH_ENCODING,
            f"only {share:.0%} of the measured pixels of camera '{camera}' continue in their "
            f'neighbour, expected {LEAST_CONTINUING:.0%}: are the data of another encoding, byte '
            'order or width than the message says, or is the image nearly all holes?',
        )


def _cut_straight(measured: NDArray[np.float64]) -> bool:
    """Whether the row before blank ones is as full as others are, by the shares of all rows.

    Where a table ends or what is behind it is out of range, rows become emptier bit by bit.
    """
    seen = measured > 0
    around = np.concatenate([[True], seen, [True]])  # the image's own edge is no cut
    last = seen & ~(around[:-2] & around[2:])
    return bool(last.any() and measured[last].max() >= STRAIGHT * np.median(measured[seen]))


def _continuing(depth_m: NDArray[np.float32], known: NDArray[np.bool_], axis: int) -> float:
    """Share of measured pixels, but for the last, whose next one along an axis is near."""
    size = depth_m.shape[axis]
    if size < 2:
        return 1.0
    first, second = (slice(0, size - 1), slice(1, size))
    a, b = (first, second) if axis == 0 else (np.s_[:, first], np.s_[:, second])
    near = np.abs(depth_m[b] - depth_m[a]) < NEAR * depth_m[a]
    return float(near.sum()) / max(int(known[a].sum()), 1)


def check_stamp(stamp_s: float, now_s: float, *, ahead_s: float, camera: str = 'camera') -> None:
    """Refuse an image from the future.

    Raises:
        Dex1bError: STALE_DEPTH.
    """
    if stamp_s - now_s > ahead_s:
        raise Dex1bError(
            ErrorCode.STALE_DEPTH,
            f"the image of camera '{camera}' is stamped {stamp_s - now_s:.3f} s in the future, "
            f'allowed are {ahead_s:.3f} s; synchronise the clocks, or set use_sim_time for all '
            'nodes or for none',
        )
