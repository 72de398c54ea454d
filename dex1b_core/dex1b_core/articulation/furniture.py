"""Cabinets with a door or drawer, and microwaves. A door without a handle stands ajar."""

from __future__ import annotations

import numpy as np

from dex1b_core.articulation.draft import Draft, Random, block, case
from dex1b_core.articulation.handles import random_handle
from dex1b_core.geometry.convex_points import shifted

_GAP = 0.002  # [m] between door and case
_OUT = (1.0, 0.0, 0.0)
_UP = (0.0, 0.0, 1.0)


def door_left(random: Random) -> Draft:
    """A cabinet whose door hangs on its left edge, seen from the front."""
    return _cabinet(random, side=-1)


def door_right(random: Random) -> Draft:
    """The same on its right edge."""
    return _cabinet(random, side=1)


def microwave(random: Random) -> Draft:
    """A wide body with a panel beside the door; the door hangs on its left edge."""
    depth, width, height = random.uniform([0.22, 0.36, 0.22], [0.32, 0.48, 0.30])
    panel = random.uniform(0.18, 0.28) * width
    fixed = case([depth, width, height], 0.02, open_side='front')
    x, y = 0.5 * depth, 0.5 * width
    fixed.append(block([-x, y - panel, 0.0], [x, y, height]))
    thickness = random.uniform(0.02, 0.035)
    return _hung(
        random, fixed, [-y, y - panel - _GAP], [0.01, height - 0.005], x, thickness, side=-1,
        with_handle=random.random() < 0.8,
    )  # fmt: skip


def drawer(random: Random) -> Draft:
    """A chest with one drawer; without a handle it stands a little open."""
    depth, width, height = random.uniform([0.30, 0.24, 0.14], [0.40, 0.44, 0.30])
    thickness, wall = random.uniform(0.012, 0.02), 0.012
    bottom = random.uniform(0.06, 0.10)
    front = min(height - wall, bottom + random.uniform(0.07, 0.16))
    x, y = 0.5 * depth, 0.5 * width
    moving = [block([x + _GAP, -y, bottom], [x + _GAP + thickness, y, front])]
    low, high, inside = bottom + 0.01, 0.75 * front + 0.25 * bottom, y - wall - 0.004
    moving += [
        block([-x + 0.03, -inside, low], [x + _GAP, inside, low + 0.008]),
        block([-x + 0.03, -inside, low], [x + _GAP, -inside + 0.008, high]),
        block([-x + 0.03, inside - 0.008, low], [x + _GAP, inside, high]),
        block([-x + 0.03, -inside, low], [-x + 0.038, inside, high]),
    ]
    case_parts = case([depth, width, height], wall, open_side='front')
    fixed = [*case_parts, block([-x, -y, 0.0], [x, y, bottom - _GAP])]
    handle, start = [], 0.0
    if random.random() < 0.8:
        place = [x + _GAP + thickness, random.uniform(-0.2, 0.2) * width, 0.5 * (bottom + front)]
        handle = random_handle(random, place, _OUT, (0.0, 1.0, 0.0), 0.7 * width)
    else:
        start = random.uniform(0.05, 0.08)
    upper = start + random.uniform(0.2, 0.75 * depth)
    return Draft(moving, handle, fixed, 'prismatic', _OUT, (0.0, 0.0, 0.0), upper, start)


def _cabinet(random: Random, side: int) -> Draft:
    depth, width, height = random.uniform([0.18, 0.24, 0.26], [0.30, 0.40, 0.44])
    fixed = case([depth, width, height], 0.015, open_side='front')
    thickness = random.uniform(0.012, 0.022)
    y = 0.5 * width
    return _hung(
        random, fixed, [-y, y], [0.01, height - 0.002], 0.5 * depth, thickness, side=side,
        with_handle=random.random() < 0.75,
    )  # fmt: skip


def _hung(
    random: Random,
    fixed: list[np.ndarray],
    across: list[float],
    heights: list[float],
    front: float,
    thickness: float,
    *,
    side: int,
    with_handle: bool,
) -> Draft:
    """A door before a case, hung on its left (-1) or right (1) edge as y goes from left to right.

    Seen from the front (from +x) y runs to the right.
    """
    face = front + _GAP + thickness
    panel = block([front + _GAP, across[0], heights[0]], [face, across[1], heights[1]])
    hinge, edge = (across[0], across[1]) if side < 0 else (across[1], across[0])
    handle, start = [], 0.0
    height = heights[1] - heights[0]
    if with_handle:
        inset = random.uniform(0.025, 0.05)
        place = [face, edge - np.sign(edge - hinge) * inset, heights[0] + 0.5 * height]
        handle = random_handle(random, shifted(np.array([place]), [0, 0, random.uniform(-0.15, 0.15)
                               * height])[0], _OUT, _UP, 0.6 * height)  # fmt: skip
    else:
        start = random.uniform(0.3, 0.6)
    upper = min(start + random.uniform(1.0, 1.5), 1.9)
    axis = (0.0, 0.0, -1.0 if side < 0 else 1.0)
    return Draft([panel], handle, fixed, 'revolute', axis, (front + _GAP, hinge, 0.0), upper, start)
