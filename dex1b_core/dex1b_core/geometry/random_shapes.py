"""Procedural objects for a hand: unions of one to twelve convex bodies, one object for each seed.

Eight families, drawn evenly: superquadrics, turned vessels, bent bars, blobs, composites of
primitives, tools, hollow containers and extrusions. A draw that is not one connected body of
graspable size without thin features is drawn again from the same family.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.geometry.convex_points import (
    box,
    circle,
    cylinder,
    ellipsoid,
    frustum,
    hulls_between,
    shifted,
    superquadric,
    turned,
    wall,
)
from dex1b_core.geometry.solids import bodies, fuse

Array = NDArray[np.float64]
Random = np.random.Generator

LARGEST_EXTENT = (0.07, 0.14)
"""Bounds of the longest side of the object's box [m]."""

SMALLEST_WIDTH = (0.025, 0.085)
"""Bounds of the object's least width in any direction [m]: to hold, and to reach around."""

THINNEST_PART = 0.005
"""Least width of any convex part [m]."""

MOST_PARTS = 12
_VOLUME = (8e-6, 800e-6)  # [m^3]


def random_shape(seed: int) -> tuple[ConvexPart, ...]:
    """Convex parts [m] of the procedural object with this seed; their union is one body."""
    random = np.random.default_rng(seed)
    family = _FAMILIES[random.integers(len(_FAMILIES))]
    parts = None
    while parts is None:
        parts = _sized(family(random), random)
    return parts


def least_width(points: Array) -> float:
    """Least distance [m] between two parallel planes around (N, 3) points, one on a hull's face."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    heights = points[hull.vertices] @ hull.equations[:, :3].T
    return float(np.ptp(heights, axis=0).min())


def _sized(pieces: list[Array], random: Random) -> tuple[ConvexPart, ...] | None:
    """Parts scaled for a hand; None when they make no good object."""
    points = np.vstack(pieces)
    extent, width = float(np.ptp(points, axis=0).max()), least_width(points)
    wanted = random.uniform(*LARGEST_EXTENT) / extent
    scale = float(np.clip(wanted, SMALLEST_WIDTH[0] / width, SMALLEST_WIDTH[1] / width))
    if len(pieces) > MOST_PARTS or not LARGEST_EXTENT[0] <= extent * scale <= LARGEST_EXTENT[1]:
        return None
    try:
        parts = tuple(convex_part(scale * piece) for piece in pieces)
        solid = fuse(parts)
    except Dex1bError:
        return None
    if min(least_width(part.vertices) for part in parts) < THINNEST_PART:
        return None
    if len(bodies(solid)) > 1 or not _VOLUME[0] <= solid.volume <= _VOLUME[1]:
        return None
    return parts


def _superquadric(random: Random) -> list[Array]:
    return [_random_superquadric(random)]


def _vessel(random: Random) -> list[Array]:
    levels = random.integers(3, 9)
    heights = np.cumsum(random.uniform(0.5, 1.5, levels))
    heights = (heights - heights[0]) / (heights[-1] - heights[0]) * random.uniform(0.8, 3.2)
    wave = random.uniform(0.1, 0.45) * np.sin(heights * random.uniform(1, 4) + random.uniform(0, 6))
    radii = np.clip(0.6 + wave + random.normal(0.0, 0.08, levels), 0.2, 1.2)
    sides = 32 if random.random() < 0.6 else int(random.integers(3, 9))
    squash = [1.0, random.uniform(0.6, 1.0) if random.random() < 0.4 else 1.0, 1.0]
    twist = random.uniform(0, 25) if sides < 9 and random.random() < 0.4 else 0.0
    sections = [
        turned(circle(radius, height, sides=sides), 'z', twist * level) * squash
        for level, (radius, height) in enumerate(zip(radii, heights, strict=True))
    ]
    return hulls_between(sections)


def _bent_bar(random: Random) -> list[Array]:
    """An outline carried along a path that turns at a slowly changing rate."""
    steps = int(random.integers(3, MOST_PARTS + 1))
    outline = _outline(random)
    bend = random.uniform(0.0, 1.5 * np.pi) / steps
    change = random.uniform(-0.5, 0.5) * bend
    roll = random.uniform(-0.15, 0.15) if random.random() < 0.5 else 0.0
    length = random.uniform(2.5, 6.0) / steps
    taper = random.uniform(0.55, 1.3)
    frame, position, sections = np.eye(3), np.zeros(3), []
    for step in range(steps + 1):
        size = 1.0 + (taper - 1.0) * step / steps
        sections.append(position + size * outline @ frame[:2])
        angle = bend + change * (2 * step / steps - 1)
        frame = turned(turned(frame, 'x', np.degrees(angle)), 'z', np.degrees(roll))
        position = position + length * frame[2]
    return hulls_between(sections)


def _blob(random: Random) -> list[Array]:
    return _grown(random, int(random.integers(1, 6)), _random_hull, spread=0.9)


def _composite(random: Random) -> list[Array]:
    return _grown(random, int(random.integers(2, 9)), _primitive, spread=0.6)


def _tool(random: Random) -> list[Array]:
    length = random.uniform(2.5, 4.0)
    sides = int(random.choice([4, 6, 8, 32]))
    heights = np.linspace(0.0, length, int(random.integers(2, 5)))
    radii = random.uniform(0.4, 0.6, len(heights))
    handle = hulls_between(
        [circle(radius, z, sides=sides) for radius, z in zip(radii, heights, strict=True)]
    )
    head = _grown(random, int(random.integers(1, 5)), _primitive, spread=0.5)
    stretch = random.uniform([0.8, 0.6, 0.5], [1.6, 1.0, 0.9])
    return [*handle, *(shifted(piece * stretch, [0.0, 0.0, length]) for piece in head)]


def _container(random: Random) -> list[Array]:
    """A cup or bowl: a bottom and a wall, sometimes with a grip."""
    height, bottom = random.uniform(0.8, 2.6), random.uniform(0.6, 1.0)
    thickness, top = random.uniform(0.14, 0.28), bottom * random.uniform(0.9, 1.35)
    outline = [[bottom - thickness, 0], [bottom, 0], [top, height], [top - thickness, height]]
    with_grip = random.random() < 0.4
    pieces = wall(outline, 9 if with_grip else 11)
    pieces.append(frustum(bottom - thickness / 3, bottom - thickness / 3, 1.3 * thickness))
    pieces[-1] = shifted(pieces[-1], [0.0, 0.0, 0.65 * thickness])
    if with_grip:
        reach = random.uniform(0.5, 0.9)
        grip = box([reach, random.uniform(0.25, 0.5), random.uniform(0.3, 0.8) * height])
        pieces.append(shifted(grip, [min(bottom, top) + reach / 2 - 0.2, 0.0, height / 2]))
    squash = [1.0, random.uniform(0.7, 1.0) if random.random() < 0.3 else 1.0, 1.0]
    return [piece * squash for piece in pieces]


def _extrusion(random: Random) -> list[Array]:
    """Bars and wedges of one thickness laid across each other in a plane."""
    thickness = random.uniform(0.5, 1.2)
    arms = int(random.integers(2, 6))
    turns = (
        180.0 * np.arange(arms) / arms if random.random() < 0.5 else random.uniform(0, 180, arms)
    )
    pieces = []
    for turn in turns:
        size = np.array([*random.uniform([1.6, 0.4], [2.8, 0.9]), thickness])
        bar = box(size)
        bar[bar[:, 0] > 0, 1] *= random.uniform(0.4, 1.6)
        offset = random.uniform(-0.5, 0.5) * size[0] if random.random() < 0.6 else 0.0
        pieces.append(turned(shifted(bar, [offset, 0.0, 0.0]), 'z', turn))
    if random.random() < 0.4:
        pieces.append(cylinder(random.uniform(0.4, 0.8), thickness * random.uniform(1.0, 2.2)))
    return pieces


_FAMILIES: tuple[Callable[[Random], list[Array]], ...] = (
    _superquadric,
    _vessel,
    _bent_bar,
    _blob,
    _composite,
    _tool,
    _container,
    _extrusion,
)


def _grown(
    random: Random, parts: int, draw: Callable[[Random], Array], *, spread: float
) -> list[Array]:
    """Bodies each centred near a corner of an earlier one, so that they overlap."""
    pieces = [draw(random)]
    while len(pieces) < parts:
        parent = pieces[random.integers(len(pieces))]
        corner = parent[random.integers(len(parent))]
        middle = parent.mean(axis=0)
        centre = middle + random.uniform(spread, 1.0) * (corner - middle)
        pieces.append(shifted(draw(random) * random.uniform(0.5, 1.0), centre))
    return pieces


def _primitive(random: Random) -> Array:
    kind = random.integers(5)
    size = random.uniform(0.6, 1.8, 3)
    if kind == 0:
        points = box(size)
    elif kind == 1:
        points = cylinder(size[0] / 2, size[2], sides=int(random.choice([3, 5, 6, 24])))
    elif kind == 2:
        points = frustum(size[0] / 2, size[1] / 3, size[2], sides=24)
    elif kind == 3:
        points = ellipsoid(size / 2, count=96)
    else:
        points = _random_superquadric(random)
    if random.random() < 0.5:
        return _upright(points, random)
    return points @ _rotation(random).T


def _random_superquadric(random: Random) -> Array:
    half_axes = random.uniform(0.4, 1.0, 3)
    vertical, horizontal = random.uniform(0.15, 1.6, 2)
    return superquadric(half_axes, vertical, horizontal)


def _random_hull(random: Random) -> Array:
    """Corners in random directions at random distances, in an ellipsoid."""
    directions = random.normal(size=(int(random.integers(10, 60)), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * random.uniform(0.75, 1.0, (len(directions), 1)) * random.uniform(0.5, 1, 3)


def _outline(random: Random) -> Array:
    """(M, 2) convex outline of about unit size."""
    sides = int(random.choice([3, 4, 4, 5, 6, 16]))
    size = random.uniform(0.5, 1.0), random.uniform(0.4, 1.0)
    return turned(circle(0.7, sides=sides), 'z', 180.0 / sides)[:, :2] * size


def _upright(points: Array, random: Random) -> Array:
    """The points with their axes permuted."""
    return points[:, random.permutation(3)]


def _rotation(random: Random) -> Array:
    """A uniformly random rotation matrix (3, 3)."""
    matrix, triangle = np.linalg.qr(random.normal(size=(3, 3)))
    matrix = matrix * np.sign(np.diag(triangle))
    return np.asarray(matrix * np.sign(np.linalg.det(matrix)))
