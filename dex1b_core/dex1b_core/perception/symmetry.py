"""The upright axis about which an object seen from one side most plausibly repeats itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import transform_points
from dex1b_core.perception.freespace import View, cautious, depth_behind

Array = NDArray[np.float64]
SAMPLE = 500
FULL_COST = 0.0018  # a better full turn is believed [m]
HALF_COST = 0.0045  # a worse half turn is not believed [m]
MAX_SLACK = 0.012  # how far behind the nearest axis that fits others are looked for [m]
MARGIN = 0.003  # depth noise that is no contradiction [m]


@dataclass(frozen=True)
class Symmetry:
    """Rotations about an upright axis of the plane frame that leave the object as it is.

    Attributes:
        axis: (2,) where the axis meets the plane.
        turns: Angles [rad] of the rotations other than none.
        cost: How badly the views contradict it [m].
        name: For the reports.
    """

    axis: Array
    turns: tuple[float, ...]
    cost: float
    name: str

    @property
    def believed(self) -> bool:
        """Whether the views leave it plausible."""
        return self.cost < HALF_COST

    def copies(self, points: Array) -> Array:
        """(T, N, 3) rotated copies of (N, 3) points of the plane frame."""
        return np.stack([rotate(points, self.axis, turn) for turn in self.turns])


def rotate(points: Array, axis: Array, turn: float) -> Array:
    """(N, 3) points turned about an upright axis."""
    cosine, sine = np.cos(turn), np.sin(turn)
    offset = points[:, :2] - axis
    turned = np.stack(
        [cosine * offset[:, 0] - sine * offset[:, 1], sine * offset[:, 0] + cosine * offset[:, 1]],
        axis=1,
    )
    return np.column_stack([turned + axis, points[:, 2]])


def find_symmetry(
    points: Array,
    normals: Array,
    contour: Array,
    planning_T_plane: Array,
    views: Sequence[View],
    eye: Array,
) -> Symmetry:
    """Half-turn or full rotational symmetry that fits best.

    Args:
        points: (N, 3) visible surface, plane frame.
        normals: (N, 3) of the points, plane frame.
        contour: (C, 3) its occluding contour, plane frame.
        planning_T_plane: (4, 4) z up, origin on the plane.
        views: Free space.
        eye: (3,) camera centre, plane frame.
    """
    chosen = np.linspace(0, len(points) - 1, min(SAMPLE, len(points))).astype(int)
    sample, upright = points[chosen], np.abs(normals[chosen, 2]) < 0.7
    if len(contour) > 150:
        contour = contour[np.linspace(0, len(contour) - 1, 150).astype(int)]
    views = [cautious(view) for view in views]
    search = _Search(sample, sample[upright], contour, points, planning_T_plane, views)
    half = search.half_turn(eye)
    full = search.full_turn(half.axis)
    return full if full.cost < FULL_COST else half


class _Search:
    def __init__(
        self,
        sample: Array,
        sides: Array,
        contour: Array,
        points: Array,
        planning_T_plane: Array,
        views: Sequence[View],
    ) -> None:
        from scipy.spatial import cKDTree

        self.sample, self.sides, self.contour = sample, sides, contour
        self.tree = cKDTree(points)
        self.planning_T_plane, self.views = planning_T_plane, views

    def contradiction(self, turned: Array) -> Array:
        """Depth (N,) by which points lie in observed free space, clipped [m]."""
        behind = depth_behind(transform_points(self.planning_T_plane, turned), self.views)
        return np.clip(-behind - MARGIN, 0.0, 0.03)

    def half_turn(self, eye: Array) -> Symmetry:
        """Best axis of a half turn: coarse grid, then a fine one."""
        flat = self.sample[:, :2]
        middle = flat.mean(axis=0)
        away = middle - eye[:2]
        away /= np.linalg.norm(away)
        side = np.array([-away[1], away[0]])
        along, across = (flat - middle) @ away, (flat - middle) @ side
        width = float(np.ptp(across))
        centre_across = (across.max() + across.min()) / 2
        depths = np.arange(np.percentile(along, 5), along.max() + 0.6 * width, 0.005)
        sides = centre_across + np.arange(-0.2, 0.21, 0.1) * width

        def at(place: tuple[float, float]) -> Array:
            axis: Array = middle + place[0] * away + place[1] * side
            return axis

        best = min(((d, s) for d in depths for s in sides), key=lambda p: self._half_cost(at(p)))
        for step in (0.0025, 0.00125):
            steps = [(i * step, j * step) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            near = [(best[0] + i, best[1] + j) for i, j in steps]
            best = min(near, key=lambda p: self._half_cost(at(p)))
        # that is the nearest axis that fits; the views often allow farther ones as well
        limit = self._empty(at(best)) + 0.01
        slack = 0.0
        while slack < MAX_SLACK and self._empty(at((best[0] + slack + 0.001, best[1]))) <= limit:
            slack += 0.001
        axis = at((best[0] + slack / 2, best[1]))
        return Symmetry(axis, (np.pi,), self._half_cost(axis), 'half_turn')

    def _empty(self, axis: Array) -> float:
        """Share of the surface whose copy lies in observed free space."""
        return float((self.contradiction(rotate(self.sample, axis, np.pi)) > 0).mean())

    def _half_cost(self, axis: Array) -> float:
        closure = 0.0
        if len(self.contour):
            gap = self.tree.query(rotate(self.contour, axis, np.pi), distance_upper_bound=0.03)[0]
            closure = float(np.minimum(gap, 0.03).mean())
        spread = float(np.linalg.norm(self.sample[:, :2] - axis, axis=1).mean())
        return 0.03 * self._empty(axis) + 0.03 * closure + 0.02 * spread

    def full_turn(self, start: Array) -> Symmetry:
        """Axis that makes the profile one curve: radius as a function of height."""
        axis, cost = start, np.inf
        for step in (0.016, 0.008, 0.004, 0.002, 0.001):
            for _ in range(6):
                near = [axis + step * np.array([i, j]) for i in (-1, 0, 1) for j in (-1, 0, 1)]
                costs = [self._full_cost(point) for point in near]
                best = int(np.argmin(costs))
                axis, cost = near[best], costs[best]
                if best == 4:
                    break
        turns = tuple(np.arange(1, 12) * np.pi / 6)
        return Symmetry(axis, turns, cost, 'full_turn')

    def _full_cost(self, axis: Array) -> float:
        return float(
            np.mean(
                [
                    self.contradiction(rotate(self.sample, axis, turn)).mean()
                    for turn in np.arange(1, 6) * np.pi / 3
                ]
            )
        ) + _profile_spread(self.sides, axis)


def _profile_spread(points: Array, axis: Array) -> float:
    """Robust scatter [m] of the radius within slices of 5 mm."""
    radius = np.linalg.norm(points[:, :2] - axis, axis=1)
    slices = (points[:, 2] / 0.005).astype(int)
    spreads, weights = [], []
    for index in np.unique(slices):
        values = radius[slices == index]
        if len(values) >= 5:
            spreads.append(np.median(np.abs(values - np.median(values))))
            weights.append(len(values))
    return float(np.average(spreads, weights=weights)) if spreads else np.inf
