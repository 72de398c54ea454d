"""Oriented boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OrientedBox:
    """A box around an object.

    Attributes:
        planning_T_box: (4, 4) pose of the centre in the planning frame.
        size: (3,) full side lengths [m].
    """

    planning_T_box: NDArray[np.float64]
    size: NDArray[np.float64]
