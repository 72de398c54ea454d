"""What is turned in place: faucets and levers. All of the arm is a handle."""

from __future__ import annotations

import numpy as np

from dex1b_core.articulation.draft import Draft, Random, block
from dex1b_core.articulation.handles import rod
from dex1b_core.geometry.convex_points import ellipsoid, shifted


def faucet(random: Random) -> Draft:
    """A column with a spout; a lever or a cross on its top, or a lever at its side."""
    radius, height = random.uniform([0.014, 0.13], [0.022, 0.20])
    low = random.uniform(0.55, 0.75) * height
    reach = random.uniform(0.09, 0.15)
    column = rod([0, 0, 0], [0, 0, height], radius)
    foot = rod([0, 0, 0], [0, 0, 0.012], 1.9 * radius)
    spout = rod([0, 0, low], [reach, 0, low + random.uniform(0.0, 0.03)], 0.6 * radius)
    fixed = [column, foot, spout]
    thick = random.uniform(0.006, 0.010)
    kind = random.integers(3)
    if kind == 2:
        return _side_lever(random, fixed, radius, height, thick)
    hub_top = height + random.uniform(0.025, 0.04)
    hub = rod([0, 0, height + 0.001], [0, 0, hub_top], radius)
    at = hub_top - thick
    if kind == 0:
        length, rise = random.uniform([0.08, 0.0], [0.13, 0.04])
        turn = random.uniform(-np.pi, np.pi)
        end = [length * np.cos(turn), length * np.sin(turn), at + rise]
        arms = [rod([0, 0, at], end, thick)]
    else:
        half = random.uniform(0.035, 0.055)
        turns = random.uniform(0, np.pi) + np.array([0.0, 0.5 * np.pi])
        ends = [half * np.array([np.cos(t), np.sin(t), 0.0]) for t in turns]
        middle = np.array([0.0, 0.0, at])
        arms = [rod(middle - end, middle + end, thick) for end in ends]
    sign = float(random.choice([-1.0, 1.0]))
    upper = random.uniform(0.9, 1.6)
    return Draft([hub], arms, fixed, 'revolute', (0.0, 0.0, sign), (0.0, 0.0, 0.0), upper)


def lever(random: Random) -> Draft:
    """An arm that tilts on a console, or one that is pressed down beside a plate."""
    return _throttle(random) if random.random() < 0.5 else _latch(random)


def _side_lever(
    random: Random, fixed: list[np.ndarray], radius: float, height: float, thick: float
) -> Draft:
    """Up from a hub at the side, tilting to the front."""
    z = 0.85 * height
    hub = rod([0, radius + 0.001, z], [0, radius + random.uniform(0.03, 0.04), z], 1.3 * thick)
    y = float(hub[:, 1].max()) - thick
    top = [0.0, y, z + random.uniform(0.08, 0.12)]
    arm = rod([0, y, z], top, thick)
    upper = random.uniform(0.8, 1.3)
    return Draft([hub], [arm], fixed, 'revolute', (0.0, 1.0, 0.0), (0.0, 0.0, z), upper)


def _throttle(random: Random) -> Draft:
    """Leans back at first and tilts to the front, with a ball or a bar on its end."""
    depth, width, height = random.uniform([0.10, 0.06, 0.05], [0.16, 0.10, 0.10])
    length, thick = random.uniform([0.13, 0.006], [0.20, 0.010])
    console = block([-0.5 * depth, -0.5 * width, 0.0], [0.5 * depth, 0.5 * width, height])
    pivot = np.array([0.0, 0.0, height + 0.012])
    lean = random.uniform(0.4, 0.7)
    up = np.array([-np.sin(lean), 0.0, np.cos(lean)])
    end = pivot + length * up
    arm = rod(pivot, end, thick)
    if random.random() < 0.5:
        grip = shifted(ellipsoid([random.uniform(0.016, 0.024)] * 3, count=64), end)
    else:
        half, across = random.uniform(0.04, 0.06), np.array([0.0, 1.0, 0.0])
        grip = rod(end - half * across, end + half * across, 1.2 * thick)
    upper = random.uniform(0.8, 1.3)
    origin = (float(pivot[0]), 0.0, float(pivot[2]))
    return Draft([arm], [grip], [console], 'revolute', (0.0, 1.0, 0.0), origin, upper)


def _latch(random: Random) -> Draft:
    """An arm before a plate, level at first, as on a door."""
    width, height = random.uniform([0.20, 0.24], [0.30, 0.36])
    plate = block([-0.02, -0.5 * width, 0.0], [0.0, 0.5 * width, height])
    out, length, thick = random.uniform([0.045, 0.10, 0.007], [0.06, 0.15, 0.010])
    z = random.uniform(0.55, 0.75) * height
    side = float(random.choice([-1.0, 1.0]))
    y = -side * 0.3 * width
    hub = rod([0.001, y, z], [out + thick, y, z], 1.3 * thick)
    arm = rod([out, y, z], [out, y + side * length, z], thick)
    upper = random.uniform(0.7, 1.0)
    return Draft([hub], [arm], [plate], 'revolute', (-side, 0.0, 0.0), (0.0, y, z), upper)
