"""Handles for a hand: bars on posts and knobs, at a place on a face."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.articulation.draft import Random
from dex1b_core.geometry.convex_points import box, cylinder, ellipsoid, shifted, turned

Array = NDArray[np.float64]

SIDES = 16  # of bars


def random_handle(
    random: Random, place: ArrayLike, normal: ArrayLike, along: ArrayLike, longest: float
) -> list[Array]:
    """A bar (two of three) or a knob.

    Args:
        random: Of the draws.
        place: (3,) on the face [m].
        normal: (3,) outward unit normal of the face.
        along: (3,) unit direction of a bar.
        longest: Room for a bar [m].
    """
    pieces = _bar(random, longest) if random.random() < 2 / 3 else _knob(random)
    z, x = np.asarray(normal, dtype=float), np.asarray(along, dtype=float)
    frame = np.stack([x, np.cross(z, x), z])  # rows: where local axes go
    return [piece @ frame + np.asarray(place, dtype=float) for piece in pieces]


def rod(start: ArrayLike, end: ArrayLike, radius: float) -> Array:
    """Corners of a cylinder from one point (3,) to another [m]."""
    first, last = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    length = float(np.linalg.norm(last - first))
    z = (last - first) / length
    x = np.cross(z, np.eye(3)[np.abs(z).argmin()])
    x /= np.linalg.norm(x)
    frame = np.stack([x, np.cross(z, x), z])
    return np.asarray(cylinder(radius, length, sides=SIDES) @ frame + 0.5 * (first + last))


def _bar(random: Random, longest: float) -> list[Array]:
    """Along x over two posts on z = 0; room for fingers below it."""
    radius = random.uniform(0.005, 0.009)
    gap = random.uniform(0.036, 0.055)
    length = min(longest, random.uniform(0.10, 0.17))
    if random.random() < 0.5:
        grip = turned(cylinder(radius, length, sides=SIDES), 'y', 90)
    else:
        grip = box([length, 2 * radius * random.uniform(1.0, 1.6), 2 * radius])
    post = box([2 * radius, 2 * radius, gap + radius])
    posts = [
        shifted(post, [side * (0.5 * length - radius), 0, 0.5 * (gap + radius)]) for side in (-1, 1)
    ]
    return [shifted(grip, [0, 0, gap + radius]), *posts]


def _knob(random: Random) -> list[Array]:
    radius, height = random.uniform(0.014, 0.022), random.uniform(0.030, 0.045)
    stem = shifted(cylinder(0.45 * radius, height, sides=SIDES), [0, 0, 0.5 * height])
    flat = random.uniform(0.6, 1.0)
    return [shifted(ellipsoid([radius, radius, flat * radius], count=64), [0, 0, height]), stem]
