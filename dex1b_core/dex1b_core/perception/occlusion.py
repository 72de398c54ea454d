"""Parts of one object that something in front of it keeps apart."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception.frames import DepthFrame
from dex1b_core.perception.patches import Indices, Labels, members
from dex1b_core.perception.surface import Surface

Array = NDArray[np.float64]
Pixels = tuple[NDArray[np.intp], NDArray[np.intp]]
REACH = 0.25  # farthest gap that is bridged [m]
LINES = 60  # between two parts, that are looked along
STATIONS = np.linspace(0.1, 0.9, 9)  # on each line
HIDDEN = 0.95  # of the stations that must not be seen through
BEHIND = 0.01  # a station this far before the seen surface is in free space [m]
FRONT = 0.1  # of the stations that something nearer must hide
SAMPLE = 400  # points of a part
OFFSET = 0.006  # between surfaces that continue each other [m]
OVERLAP = 0.7  # of each part's profile that the other continues
ALIKE = 8.0  # CIELAB: distance of mean a*, b* below which parts look alike
ALONG = 0.05  # how far the axis is drawn to the line between the parts, against the normals


def join_occluded(labels: Labels, surface: Surface, frame: DepthFrame) -> Labels:
    """Give parts of one object one label.

    Two parts are one object when whatever lies straight between them is hidden, by something
    nearer to the camera, and when they continue each other along some axis: seen along it, both
    have the same profile. Where they do not, they are still one when their colours are alike and
    unlike the colour of what hides them. Different colours keep nothing apart: prints are larger
    than parts.

    Args:
        labels: (H, W) 0 = none.
        surface: Seen.
        frame: What the camera saw, also beside the objects; its colour is used if it has one.
    """
    parts = [_Part(pixels, surface) for pixels in members(labels)]
    owner = np.arange(len(parts), dtype=np.int32)
    usable = [label for label, part in enumerate(parts) if label > 0 and part.usable]
    for a, b in combinations(usable, 2):
        if owner[a] == owner[b]:
            continue
        hider = _hidden_between(parts[a], parts[b], frame)
        if hider is None:
            continue
        if _continue(parts[a], parts[b]) or _look_alike(parts[a], parts[b], hider, frame):
            owner[owner == owner[b]] = owner[a]
    return owner[labels]


class _Part:
    """Points and normals of a label, thinned."""

    def __init__(self, pixels: Indices, surface: Surface) -> None:
        known = pixels[np.isfinite(surface.normals.reshape(-1, 3)[pixels, 0])]
        self.usable = len(known) >= 20
        chosen = known[:: max(1, len(known) // SAMPLE)]
        self.points = surface.points.reshape(-1, 3)[chosen].astype(float)
        self.normals = surface.normals.reshape(-1, 3)[chosen].astype(float)


def _hidden_between(a: _Part, b: _Part, frame: DepthFrame) -> Pixels | None:
    """Rows and columns of what hides all that is straight between two parts, if something does."""
    first = a.points[np.linspace(0, len(a.points) - 1, LINES).astype(int)]
    second = b.points[np.linspace(0, len(b.points) - 1, LINES).astype(int)]
    if np.linalg.norm(first[:, None] - second[None], axis=-1).min() > REACH:
        return None
    stations = first[:, None] + STATIONS[:, None] * (second - first)[:, None]
    columns, rows, depth = frame.intrinsics.project(frame.in_camera(stations.reshape(-1, 3)))
    seen = np.where(columns >= 0, frame.depth_m[rows, columns], np.nan)
    known = np.isfinite(seen)
    if not known.any():
        return None
    free = depth[known] < seen[known] - BEHIND
    front = depth[known] > seen[known] + 2 * BEHIND
    if free.mean() >= 1 - HIDDEN or front.mean() <= FRONT:
        return None
    return rows[known][front], columns[known][front]


def _continue(a: _Part, b: _Part) -> bool:
    """Whether both parts have one profile, seen along an axis near the line between them."""
    line = b.points.mean(axis=0) - a.points.mean(axis=0)
    line /= np.linalg.norm(line)
    normals = np.concatenate([a.normals, b.normals])
    scatter = normals.T @ normals / len(normals) + ALONG * (np.eye(3) - np.outer(line, line))
    _, vectors = np.linalg.eigh(scatter)
    across = vectors[:, 1:]
    first, second = _Profile(a, across), _Profile(b, across)
    return min(first.share_on(second), second.share_on(first)) > OVERLAP


def _look_alike(a: _Part, b: _Part, hider: Pixels, frame: DepthFrame) -> bool:
    """Whether two parts have one colour, lightness apart, and what hides them has another."""
    if frame.colour is None or frame.colour.shape[:2] != frame.depth_m.shape:
        return False
    colours = []
    for part in (a, b):
        columns, rows, _ = frame.intrinsics.project(frame.in_camera(part.points))
        inside = columns >= 0
        if not inside.any():
            return False
        colours.append(_chroma(frame.colour[rows[inside], columns[inside]]))
    first, second = colours
    between = _chroma(frame.colour[hider])
    apart = min(np.linalg.norm(first - between), np.linalg.norm(second - between))
    return bool(np.linalg.norm(first - second) < ALIKE < apart)


def _chroma(colours: NDArray[np.uint8]) -> Array:
    """Mean of (N, 3) RGB in a* and b* of CIELAB; lightness changes with the light."""
    lab = cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    mean: Array = lab[0, :, 1:].mean(axis=0, dtype=float)
    return mean


class _Profile:
    """A part seen along an axis: points and normals in the plane across it."""

    def __init__(self, part: _Part, across: Array) -> None:
        self.points, self.normals = part.points @ across, part.normals @ across

    def share_on(self, other: _Profile) -> float:
        """Share of the points whose nearest one in the other lies on the same surface."""
        from scipy.spatial import cKDTree

        distance, index = cKDTree(other.points).query(self.points)
        off = np.abs(np.einsum('ij,ij->i', self.points - other.points[index], other.normals[index]))
        alike = np.einsum('ij,ij->i', self.normals, other.normals[index]) > 0.7
        return float(((off < OFFSET) & alike & (distance < 4 * OFFSET)).mean())
