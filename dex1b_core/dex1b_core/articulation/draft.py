"""What every category of articulated object draws: boxes and rods, a joint, where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.geometry.convex_points import box

Array = NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True)
class Draft:
    """Corner points of convex parts [m]; x to the front, z up, the underside at z = 0.

    Attributes:
        moving: Of the moving part without its handle, closed.
        handle: Of the handle; empty without one.
        fixed: Of the base.
        kind: Of the joint.
        axis: (3,) of the joint; positive positions open.
        origin: (3,) a point of the axis [m].
        upper: Range of the joint from closed, at 0 [rad or m].
        start: Where it stands at first [rad or m].
    """

    moving: list[Array]
    handle: list[Array]
    fixed: list[Array]
    kind: Literal['revolute', 'prismatic']
    axis: tuple[float, float, float]
    origin: tuple[float, float, float]
    upper: float
    start: float = 0.0


def block(lower: ArrayLike, upper: ArrayLike) -> Array:
    """(8, 3) corners of the box between two corners (3,)."""
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    return np.asarray(box(high - low) + 0.5 * (low + high))


def case(size: ArrayLike, wall: float, *, open_side: Literal['front', 'top']) -> list[Array]:
    """Five walls of a box of (3,) outer side lengths, open to the front (+x) or the top."""
    x, y, z = 0.5 * np.asarray(size, dtype=float) * [1, 1, 2]
    sides = [
        block([-x, -y, 0], [x, -y + wall, z]),
        block([-x, y - wall, 0], [x, y, z]),
        block([-x, -y, 0], [-x + wall, y, z]),
        block([-x, -y, 0], [x, y, wall]),
    ]
    last = block([-x, -y, z - wall], [x, y, z])
    if open_side == 'top':
        last = block([x - wall, -y, 0], [x, y, z])
    return [*sides, last]
