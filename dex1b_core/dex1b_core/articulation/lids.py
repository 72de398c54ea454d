"""What opens upwards on a hinge at the back: laptops, boxes and toilet-type lids."""

from __future__ import annotations

import numpy as np

from dex1b_core.articulation.draft import Draft, Random, block, case
from dex1b_core.articulation.handles import random_handle
from dex1b_core.geometry.convex_points import cylinder, shifted

_UPWARDS = (0.0, -1.0, 0.0)  # of a hinge at the back
_GAP = 0.001  # [m] between lid and base


def laptop(random: Random) -> Draft:
    """Two slabs, the upper one a little open."""
    depth, width = random.uniform([0.18, 0.26], [0.25, 0.36])
    below, above = random.uniform([0.014, 0.006], [0.024, 0.011])
    x, y = 0.5 * depth, 0.5 * width
    fixed = [block([-x, -y, 0.0], [x, y, below])]
    moving = [block([-x, -y, below + _GAP], [x, y, below + _GAP + above])]
    start = random.uniform(0.4, 0.8)
    upper = start + random.uniform(0.9, 1.4)
    return Draft(moving, [], fixed, 'revolute', _UPWARDS, (-x, 0.0, below), upper, start)


def hinged_box(random: Random) -> Draft:
    """A box with a lid that has a handle or juts out to the front."""
    depth, width, height = random.uniform([0.14, 0.16, 0.09], [0.24, 0.32, 0.20])
    thickness = random.uniform(0.008, 0.016)
    x, y = 0.5 * depth, 0.5 * width
    fixed = case([depth, width, height], 0.01, open_side='top')
    with_handle = random.random() < 0.6
    lip = random.uniform(0.0, 0.01) if with_handle else random.uniform(0.02, 0.035)
    top = height + _GAP + thickness
    moving = [block([-x, -y, height + _GAP], [x + lip, y, top])]
    handle = []
    if with_handle:
        place = [x - random.uniform(0.02, 0.05), random.uniform(-0.15, 0.15) * width, top]
        handle = random_handle(random, place, (0, 0, 1), (0.0, 1.0, 0.0), 0.7 * width)
    start = 0.0 if with_handle else random.uniform(0.0, 0.25)
    upper = start + random.uniform(0.9, 1.5)
    return Draft(moving, handle, fixed, 'revolute', _UPWARDS, (-x, 0.0, height), upper, start)


def toilet(random: Random) -> Draft:
    """An oval lid on an oval bowl before a tank; the lid juts out, or has a tab."""
    length, width, height = random.uniform([0.24, 0.20, 0.16], [0.36, 0.30, 0.28])
    thickness = random.uniform(0.010, 0.018)
    lip = random.uniform(0.02, 0.035)
    x = 0.5 * length
    shape = np.array([0.5 * length, 0.5 * width, 1.0])
    bowl = shifted(cylinder(1.0, height, sides=24) * shape, [0, 0, 0.5 * height])
    rim = np.array([0.5 * length + lip, 0.5 * width + lip, 1.0])
    middle = height + _GAP + 0.5 * thickness
    lid = shifted(cylinder(1.0, thickness, sides=32) * rim, [0, 0, middle])
    lid = lid[lid[:, 0] > -0.85 * x]  # straight at the back
    back = -0.86 * x
    depth = random.uniform(0.06, 0.10)
    tank_top = height + random.uniform(0.05, 0.16)
    tank = block([back - depth - 0.03, -0.5 * width, 0.0], [back - 0.03, 0.5 * width, tank_top])
    moving = [lid]
    handle = []
    if random.random() < 0.3:
        tab = random.uniform([0.025, 0.03], [0.04, 0.06])
        front = x + lip - 0.004
        handle = [block([front, -0.5 * tab[1], middle - 0.5 * thickness],
                        [front + tab[0], 0.5 * tab[1], middle + 0.5 * thickness])]  # fmt: skip
    start = random.uniform(0.0, 0.2)
    upper = start + random.uniform(0.9, 1.3)
    return Draft(
        moving, handle, [bowl, tank], 'revolute', _UPWARDS, (back, 0.0, height), upper, start
    )
