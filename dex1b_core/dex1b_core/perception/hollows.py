"""Insides of cups, bowls and pots: surfaces bent in that belong to the wall in front of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception.patches import Indices, Labels, members
from dex1b_core.perception.surface import Mask, Surface

HOLLOW = -4.0  # mean curvature of an inside [1/m]
RIM = 0.015  # inside and wall reach up to the same height [m]
LEAST_DEPTH = 0.02  # height that an inside covers [m]
NARROW_GAP = 2.0  # [px] grown into a gap whose depth is known
WIDE_GAP = 12.0  # [px] grown into one that was not measured
LEAST_BORDER = 3  # [px] between inside and wall
BOTTOM = 0.5  # least share of the border of a bottom that it has with its vessel
SAMPLE = 500  # points of a label that tell its shape
HANGS = 0.05  # lowest visible point above the plane; of a ball it is off the plane too [m]
HELD = 0.7  # least share of the border of a handle that it has with its holder
HANDLE = 0.3  # largest size of a handle, of its holder's
ROUND = 3.0  # mean curvature from which a thing inside is an object [1/m]


@dataclass(frozen=True)
class _Shape:
    """Of one label: curvature [1/m], heights above the plane [m], median depth [m], pixels."""

    curvature: float
    low: float
    high: float
    depth: float
    size: int


def join_hollows(
    labels: Labels, surface: Surface, heights: NDArray[np.float32], measured: Mask
) -> Labels:
    """Give insides the label of their wall.

    An inside is bent in on the whole, lies behind the wall in the image, and reaches up to the
    same rim. What borders mostly on both, stays below the rim and does not bulge is their bottom or
    a handle.

    Args:
        labels: (H, W) 0 = none.
        surface: Seen.
        heights: (H, W) above the support plane [m].
        measured: (H, W) where the camera has a depth; labels meet across what it has not.
    """
    shapes = [_shape(pixels, surface, heights) for pixels in members(labels)]
    count = len(shapes)
    border = _borders(labels, measured, count)
    owner = np.arange(count)
    for label in range(1, count):
        shape = shapes[label]
        if shape.curvature > HOLLOW or shape.high - shape.low < LEAST_DEPTH:
            continue
        beside = np.flatnonzero(border[label] >= LEAST_BORDER)
        walls = [wall for wall in beside if _holds(shapes[wall], shape)]
        if walls:
            owner[label] = max(walls, key=lambda wall: shapes[wall].size)
    _join_bottoms(owner, border, shapes)
    _join_handles(owner, border, shapes)
    return owner.astype(np.int32)[labels]


def _borders(labels: Labels, measured: Mask, count: int) -> NDArray[np.int64]:
    """(L, L) pixels where labels meet once the narrow gaps between them are closed."""
    labels = _fill(labels, measured)
    border = np.zeros((count, count), np.int64)
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        meet = (a != b) & (a > 0) & (b > 0)
        np.add.at(border, (a[meet], b[meet]), 1)
    return border + border.T


def _fill(labels: Labels, measured: Mask) -> Labels:
    """Labels grown a little, and farther over what was not measured."""
    free = (labels == 0).astype(np.uint8)
    distance, nearest = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    at_index = np.zeros(int(nearest.max()) + 1, np.int32)
    at_index[nearest[free == 0]] = labels[free == 0]
    return np.where(distance <= np.where(measured, NARROW_GAP, WIDE_GAP), at_index[nearest], 0)


def _holds(wall: _Shape, inside: _Shape) -> bool:
    return (
        wall.curvature > HOLLOW and wall.depth < inside.depth and abs(wall.high - inside.high) < RIM
    )


def _join_bottoms(owner: NDArray[np.intp], border: NDArray[np.int64], shapes: list[_Shape]) -> None:
    for vessel in set(owner[owner != np.arange(len(owner))].tolist()):
        members = np.flatnonzero(owner == vessel)
        size = sum(shapes[member].size for member in members)
        for label in np.flatnonzero(owner == np.arange(len(owner))):
            shape = shapes[label]
            if label in members or label == 0 or shape.curvature > ROUND:
                continue
            inside = border[label, members].sum() >= BOTTOM * max(border[label].sum(), 1)
            if inside and shape.size < size and shape.high < shapes[vessel].high + RIM:
                owner[label] = vessel


def _join_handles(owner: NDArray[np.intp], border: NDArray[np.int64], shapes: list[_Shape]) -> None:
    """What hangs in the air before an object is held by it."""
    for label in np.flatnonzero(owner == np.arange(len(owner))):
        shape, holder = shapes[label], int(border[label].argmax())
        if label == 0 or border[label, holder] < HELD * max(border[label].sum(), 1):
            continue
        other = shapes[holder]
        hangs = shape.low > HANGS and shape.high < other.high + RIM
        if hangs and shape.depth < other.depth and shape.size < HANDLE * other.size:
            owner[label] = owner[holder]


def _shape(pixels: Indices, surface: Surface, heights: NDArray[np.float32]) -> _Shape:
    known = pixels[np.isfinite(surface.normals.reshape(-1, 3)[pixels, 0])]
    if len(known) < 10:
        return _Shape(0.0, 0.0, 0.0, np.inf, len(pixels))
    known = known[:: max(1, len(known) // SAMPLE)]
    points, normals = surface.points.reshape(-1, 3)[known], surface.normals.reshape(-1, 3)[known]
    offset, turn = points - points.mean(axis=0), normals - normals.mean(axis=0)
    curvature = float((offset * turn).sum() / max(float((offset**2).sum()), 1e-9))
    low, high = np.percentile(heights.ravel()[known], [2, 98])
    depth = float(np.median(surface.depth.ravel()[known]))
    return _Shape(curvature, float(low), float(high), depth, len(pixels))
