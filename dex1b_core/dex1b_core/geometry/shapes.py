"""Objects by name, put together from convex bodies: no files, no decomposition.

Sizes are those of things that one hand holds. Everything is deterministic: a name is one object.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.geometry.convex_points import (
    box,
    circle,
    cylinder,
    ellipsoid,
    frustum,
    lathe,
    shifted,
    superquadric,
    turned,
    wall,
)
from dex1b_core.geometry.random_shapes import random_shape

Array = NDArray[np.float64]

RANDOM = 'random-N'
"""How the procedural objects are written: `random-17` is the one of seed 17."""


def shape_names() -> list[str]:
    """The shapes that `shape_parts` knows; beside them there is `random-N` for every N >= 0."""
    return sorted(_SHAPES)


def shape_parts(name: str) -> tuple[ConvexPart, ...]:
    """Convex parts [m] of a shape by name; their union is the shape.

    Raises:
        UnknownNameError: no such shape; the message lists those known.
    """
    seed = re.fullmatch(r'random-(\d+)', name)
    if seed:
        return random_shape(int(seed[1]))
    if name not in _SHAPES:
        raise UnknownNameError(ErrorCode.UNKNOWN_OBJECT, 'shape', name, [*_SHAPES, RANDOM])
    return tuple(convex_part(points) for points in _SHAPES[name]())


def _capsule() -> list[Array]:
    ball = superquadric([0.022] * 3, 1.0, 1.0, count=10)
    return [np.vstack([shifted(ball, [0.0, 0.0, z]) for z in (-0.028, 0.028)])]


def _torus() -> list[Array]:
    return wall(0.012 * circle(1.0, sides=10)[:, :2] + [0.036, 0.0], 14, fineness=2)


def _ring() -> list[Array]:
    return wall(_band(0.030, 0.042, -0.012, 0.012), 14)


def _mug() -> list[Array]:
    section = 0.006 * circle(1.0, sides=8)[:, :2] + [0.026, 0.0]
    # the half ring stands on its side, open towards the cup
    handle = [points[:, [1, 2, 0]] for points in wall(section, 5, arc=np.pi, fineness=2)]
    return [
        *wall(_band(0.034, 0.040, 0.0, 0.090), 12),
        shifted(cylinder(0.037, 0.008), [0.0, 0.0, 0.004]),
        *(shifted(points, [0.036, 0.0, 0.045]) for points in handle),
    ]


def _bowl() -> list[Array]:
    inner, outer, heights = [0.030, 0.045, 0.050], [0.036, 0.052, 0.056], [0.0, 0.024, 0.048]
    return [
        *wall(_slope(inner[:2], outer[:2], heights[:2]), 12),
        *wall(_slope(inner[1:], outer[1:], heights[1:]), 12),
        shifted(cylinder(0.034, 0.007), [0.0, 0.0, 0.0035]),
    ]


def _bottle() -> list[Array]:
    radii = [0.027, 0.030, 0.030, 0.024, 0.013, 0.013]
    heights = [0.0, 0.004, 0.070, 0.088, 0.100, 0.115]
    return [*lathe(radii, heights), shifted(cylinder(0.016, 0.020), [0.0, 0.0, 0.124])]


def _vase() -> list[Array]:
    heights = np.linspace(0.0, 0.110, 9)
    radii = 0.028 + 0.011 * np.sin(heights / 0.110 * 1.8 * np.pi)
    return lathe(radii, heights)


def _hammer() -> list[Array]:
    return [
        *lathe([0.013, 0.015, 0.011, 0.011], [0.0, 0.020, 0.050, 0.130]),
        shifted(box([0.070, 0.026, 0.026]), [0.004, 0.0, 0.140]),
        shifted(turned(cylinder(0.016, 0.016), 'y', 90.0), [0.044, 0.0, 0.140]),
    ]


def _screwdriver() -> list[Array]:
    handle = lathe([0.013, 0.017, 0.014, 0.017, 0.010], [0.0, 0.008, 0.040, 0.058, 0.072], sides=8)
    return [*handle, shifted(cylinder(0.005, 0.062, sides=12), [0.0, 0.0, 0.100])]


def _dumbbell() -> list[Array]:
    ball = ellipsoid([0.024] * 3)
    bar = turned(cylinder(0.011, 0.070), 'y', 90.0)
    return [bar, shifted(ball, [-0.040, 0.0, 0.0]), shifted(ball, [0.040, 0.0, 0.0])]


def _spool() -> list[Array]:
    discs = [shifted(cylinder(0.034, 0.010), [0.0, 0.0, z]) for z in (-0.030, 0.030)]
    return [cylinder(0.018, 0.060), *discs]


def _star() -> list[Array]:
    arms = [np.vstack([circle(0.020, sides=5), [[0.048, 0.0, 0.0]]]) for _ in range(5)]
    flat = [turned(points, 'z', 72.0 * k) for k, points in enumerate(arms)]
    return [np.vstack([shifted(p, [0.0, 0.0, z]) for z in (-0.015, 0.015)]) for p in flat]


def _arch() -> list[Array]:
    section = [[0.029, -0.015], [0.051, -0.015], [0.051, 0.015], [0.029, 0.015]]
    return [points[:, [0, 2, 1]] * [1, -1, 1] for points in wall(section, 9, arc=np.pi)]


def _band(inner: float, outer: float, lower: float, upper: float) -> list[list[float]]:
    return _slope([inner, inner], [outer, outer], [lower, upper])


def _slope(inner: list[float], outer: list[float], heights: list[float]) -> list[list[float]]:
    """Outline of a straight wall: its radii inside and outside at two heights."""
    return [
        [inner[0], heights[0]],
        [outer[0], heights[0]],
        [outer[1], heights[1]],
        [inner[1], heights[1]],
    ]


_SHAPES: dict[str, Callable[[], list[Array]]] = {
    'arch': _arch,
    'bottle': _bottle,
    'bowl': _bowl,
    'box': lambda: [box([0.060, 0.045, 0.095])],
    'brick': lambda: [box([0.110, 0.055, 0.035])],
    'capsule': _capsule,
    'cone': lambda: [frustum(0.036, 0.010, 0.090)],
    'cross': lambda: [box([0.100, 0.028, 0.030]), box([0.028, 0.100, 0.030])],
    'cube': lambda: [box([0.055, 0.055, 0.055])],
    'cylinder': lambda: [cylinder(0.030, 0.100)],
    'disc': lambda: [cylinder(0.040, 0.028)],
    'dumbbell': _dumbbell,
    'ellipsoid': lambda: [ellipsoid([0.050, 0.035, 0.028])],
    'hammer': _hammer,
    'hexagonal_prism': lambda: [cylinder(0.032, 0.090, sides=6)],
    'l_bracket': lambda: [
        box([0.100, 0.040, 0.026]),
        shifted(box([0.026, 0.040, 0.090]), [-0.037, 0.0, 0.032]),
    ],
    'mug': _mug,
    'pyramid': lambda: [frustum(0.055, 0.012, 0.075, sides=4)],
    'ring': _ring,
    'screwdriver': _screwdriver,
    'sphere': lambda: [ellipsoid([0.035] * 3)],
    'spool': _spool,
    'star': _star,
    't_shape': lambda: [
        box([0.100, 0.030, 0.028]),
        shifted(box([0.028, 0.030, 0.080]), [0.0, 0.0, -0.040]),
    ],
    'tetrahedron': lambda: [0.04 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])],
    'torus': _torus,
    'triangular_prism': lambda: [cylinder(0.036, 0.090, sides=3)],
    'u_shape': lambda: [
        box([0.090, 0.035, 0.024]),
        shifted(box([0.024, 0.035, 0.070]), [-0.033, 0.0, 0.035]),
        shifted(box([0.024, 0.035, 0.070]), [0.033, 0.0, 0.035]),
    ],
    'vase': _vase,
    'wedge': lambda: [
        np.vstack([box([0.090, 0.050, 0.0]), [[-0.045, y, 0.045] for y in (-0.025, 0.025)]])
    ],
}
