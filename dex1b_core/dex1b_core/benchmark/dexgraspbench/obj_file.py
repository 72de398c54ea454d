"""Convex bodies as Wavefront files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]


def write_obj(path: Path, *parts: Array) -> None:
    """Write the hulls of points (V, 3) [m]; `read_obj` finds the same points in the same order.

    Raises:
        Dex1bError: SHAPE_INVALID when the points of a part span no volume.
    """
    lines, start = [], 1
    for points in parts:
        lines += [f'v {x!r} {y!r} {z!r}' for x, y, z in np.asarray(points, dtype=float).tolist()]
        lines += [f'f {a} {b} {c}' for a, b, c in (_faces(points) + start).tolist()]
        start += len(points)
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def read_obj(path: Path) -> Array:
    """Vertices (V, 3) in the file's units.

    Raises:
        Dex1bError: SHAPE_INVALID when there are none, or a line of them is malformed.
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
        rows = [[float(word) for word in line.split()[1:4]] for line in lines
                if line.startswith('v ')]  # fmt: skip
        vertices = np.array(rows, dtype=float).reshape(len(rows), 3)
    except (OSError, ValueError) as error:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID, f'{path}: not a readable Wavefront file: {error}'
        ) from error
    if len(vertices) < 4 or not np.isfinite(vertices).all():
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{path}: {len(vertices)} vertices; expected at least four, all finite',
        )
    return vertices


def _faces(points: Array) -> NDArray[np.int64]:
    """(F, 3) of the hull, counter-clockwise seen from outside."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError) as error:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{len(points)} points span no volume; expected at least four that do',
        ) from error
    faces = np.asarray(hull.simplices, dtype=np.int64)
    first, second, third = (points[faces[:, column]] for column in range(3))
    inward = (np.cross(second - first, third - first) * hull.equations[:, :3]).sum(axis=1) < 0.0
    faces[inward] = faces[inward][:, ::-1]
    return faces
