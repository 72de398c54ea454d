"""Which point a click meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SPREAD = 0.012  # half-width of a click, as a part of the distance


def point_on_ray(points: Array, origin: ArrayLike, direction: ArrayLike) -> Array | None:
    """The first of (N, 3) points [m] that a ray from `origin` (3,) meets; None when it meets none.

    A ray meets points within SPREAD of the distance beside it. Among those about as near as the
    first, the one closest to the ray is taken.
    """
    ray = np.asarray(direction, dtype=float)
    ray = ray / np.linalg.norm(ray)
    offsets = np.asarray(points, dtype=float).reshape(-1, 3) - np.asarray(origin, dtype=float)
    along = offsets @ ray
    beside = np.linalg.norm(offsets - along[:, None] * ray, axis=1)
    met = (along > 0.0) & (beside < SPREAD * along)
    if not met.any():
        return None
    near = met & (along < along[met].min() * (1.0 + 2.0 * SPREAD))
    best = np.flatnonzero(near)[beside[near].argmin()]
    return np.asarray(points[best], dtype=float)
