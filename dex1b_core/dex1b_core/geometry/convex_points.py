"""Corner points of convex bodies, from which shapes are put together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SIDES = 32  # of what is round: a 3 cm radius is met within 0.15 mm


def box(size: ArrayLike) -> Array:
    """(8, 3) corners of a box of (3,) side lengths around the origin."""
    signs = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing='ij'), axis=-1).reshape(-1, 3)
    return np.asarray(signs * np.asarray(size, dtype=float))


def circle(radius: float, height: float = 0.0, *, sides: int = SIDES) -> Array:
    """(sides, 3) points around the z axis at a height."""
    angle = 2.0 * np.pi * np.arange(sides) / sides
    return np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), np.full(sides, height)], axis=-1
    )


def frustum(bottom: float, top: float, height: float, *, sides: int = SIDES) -> Array:
    """Corners of a cone frustum along z around the origin; radii of its bottom and top."""
    return np.vstack(
        [circle(bottom, -height / 2, sides=sides), circle(top, height / 2, sides=sides)]
    )


def cylinder(radius: float, height: float, *, sides: int = SIDES) -> Array:
    """Corners of a cylinder along z around the origin; few sides make a prism."""
    return frustum(radius, radius, height, sides=sides)


def ellipsoid(half_axes: ArrayLike, *, count: int = 128) -> Array:
    """(count, 3) points on an ellipsoid around the origin, spread evenly over its sphere."""
    index = np.arange(count) + 0.5
    z = 1.0 - 2.0 * index / count
    angle = np.pi * (1.0 + 5.0**0.5) * index
    radius = np.sqrt(1.0 - z * z)
    sphere = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)
    return np.asarray(sphere * np.asarray(half_axes, dtype=float))


def superquadric(
    half_axes: ArrayLike, vertical: float, horizontal: float, *, count: int = 12
) -> Array:
    """Points on a superellipsoid |(|x/a|^(2/h) + |y/b|^(2/h))|^(h/v) + |z/c|^(2/v) = 1.

    Args:
        half_axes: (3,) a, b, c.
        vertical: Exponent v: near 0 a box or cylinder, 1 an ellipsoid, 2 pointed; convex up to 2.
        horizontal: Exponent h, the same for the outline seen along z.
        count: Points around a quarter and a half circle: about count^2 in all.
    """
    latitude = np.linspace(-np.pi / 2, np.pi / 2, count)
    longitude = np.linspace(0.0, 2.0 * np.pi, count + 1)[:-1] + np.pi / 4
    v, h = np.meshgrid(latitude, longitude, indexing='ij')
    ring = _power(np.cos(v), vertical)
    points = np.stack(
        [
            ring * _power(np.cos(h), horizontal),
            ring * _power(np.sin(h), horizontal),
            _power(np.sin(v), vertical),
        ],
        axis=-1,
    )
    return np.asarray(points.reshape(-1, 3) * np.asarray(half_axes, dtype=float))


def hulls_between(sections: ArrayLike) -> list[Array]:
    """Bodies between consecutive outlines: (K, M, 3) gives K - 1 sets of (2M, 3) points."""
    outlines = np.asarray(sections, dtype=float)
    return [np.vstack(pair) for pair in pairwise(outlines)]


def lathe(radii: ArrayLike, heights: ArrayLike, *, sides: int = SIDES) -> list[Array]:
    """Frusta stacked along z through (K,) radii at (K,) rising heights."""
    pairs = zip(np.asarray(radii, dtype=float), np.asarray(heights, dtype=float), strict=True)
    return hulls_between([circle(radius, height, sides=sides) for radius, height in pairs])


def wall(
    outline: ArrayLike, segments: int, *, arc: float = 2.0 * np.pi, fineness: int = 3
) -> list[Array]:
    """A convex outline swept around the z axis, cut into convex segments.

    Args:
        outline: (M, 2) corners as radius and height.
        segments: Into which the turn is cut; the inside is a polygon of as many sides.
        arc: Angle swept [rad], starting at +x.
        fineness: Steps of each segment's outside.
    """
    corners = np.asarray(outline, dtype=float)
    turns = np.linspace(0.0, arc, segments * fineness + 1)
    sections = np.stack(
        [
            np.stack(
                [corners[:, 0] * np.cos(turn), corners[:, 0] * np.sin(turn), corners[:, 1]], axis=-1
            )
            for turn in turns
        ]
    )
    starts = range(0, segments * fineness, fineness)
    return [sections[start : start + fineness + 1].reshape(-1, 3) for start in starts]


def shifted(points: Array, offset: ArrayLike) -> Array:
    """Points moved by (3,)."""
    return np.asarray(points + np.asarray(offset, dtype=float))


def turned(points: Array, axis: str, degrees: float) -> Array:
    """Points turned about the axis 'x', 'y' or 'z' through the origin."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    result = points.copy()
    result[:, first] = cosine * points[:, first] - sine * points[:, second]
    result[:, second] = sine * points[:, first] + cosine * points[:, second]
    return result


def _power(values: Array, exponent: float) -> Array:
    return np.asarray(np.sign(values) * np.abs(values) ** exponent)
