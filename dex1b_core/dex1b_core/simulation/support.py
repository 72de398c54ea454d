"""The board on which objects stand in a check."""

from __future__ import annotations

import numpy as np

from dex1b_core.simulation import collision_shape

THICKNESS = 0.2  # [m]

_LOWERED = np.eye(4)
_LOWERED[2, 3] = -THICKNESS / 2

SUPPORT_SHAPE = collision_shape.box(np.array([1.6, 1.6, THICKNESS]), _LOWERED)
"""Its top is the plane z = 0."""
