"""Planes that support objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Plane:
    """The points p with normal . p + offset = 0 (shape_msgs/Plane's convention).

    Attributes:
        normal: (3,) unit vector away from the supporting body, planning frame.
        offset: [m].
    """

    normal: NDArray[np.float64]
    offset: float

    def signed_distance(self, points: ArrayLike) -> NDArray[np.float64]:
        """Height [m] of (..., 3) points above the plane, shape (...)."""
        return np.asarray(points, dtype=float) @ self.normal + self.offset
