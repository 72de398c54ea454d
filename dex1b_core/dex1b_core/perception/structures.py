"""What is too long for an object: boards of a shelf, walls of a box; and what stands on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import Plane
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.support import level_plane

Array = NDArray[np.float64]
Labels = NDArray[np.int32]
Points = NDArray[np.float32]
ENDS = (1.0, 99.0)  # percentiles along an object that are its ends
JUDGED = 2000  # points that tell how long it is
NEAR = 0.03  # a board carries what stands so far beyond what is seen of it [m]
THINNED = 4  # every so many points of walls tell where they are
LEAST_WALL = 0.15  # between two others [m]
FLAT = 0.006  # standard deviation of a wall's points across it [m]
EDGE = 6  # pixels from the edge of an image, where the grid ends
SIDE = 0.01  # from a side of the workspace [m]
SINKS = 0.015  # what stands on a board may reach so far below it, by noise [m]


@dataclass(frozen=True)
class Board:
    """A level surface above the support plane.

    Attributes:
        plane: Of its top.
        lower, upper: (2,) corners of what is seen of it, in planning x and y [m].
    """

    plane: Plane
    lower: Array
    upper: Array

    def carries(self, points: Array) -> bool:
        """Whether (N, 3) points of an object stand on it."""
        middle = np.median(points[:, :2], axis=0)
        beside = (middle < self.lower - NEAR).any() or (middle > self.upper + NEAR).any()
        lowest = float(np.percentile(self.plane.signed_distance(points), 2))
        return not beside and lowest > -SINKS


def split_structures(
    labels: Sequence[Labels], points: Sequence[Points], settings: PerceptionSettings
) -> tuple[list[Labels], list[NDArray[np.bool_]], tuple[Board, ...]]:
    """Take what is longer than any object out of the labels.

    Args:
        labels: (H, W) for each camera, numbered jointly, 0 = none.
        points: (H, W, 3) for each camera, planning frame.
        settings: How long an object may be.

    Returns:
        Labels of the rest, numbered 1.. in the same order; (H, W) pixels of what was taken out;
        its level surfaces, highest first.
    """
    count = 1 + max(int(image.max(initial=0)) for image in labels)
    seen = [_seen(label, labels, points) for label in range(1, count)]
    shapes = [_Shape.of(part) for part in seen]
    large = [shape.length > settings.largest_object for shape in shapes]
    if not any(large):
        return list(labels), [np.zeros(image.shape, dtype=bool) for image in labels], ()
    too_long = [part for part, is_large in zip(seen, large, strict=True) if is_large]
    walls = _between(too_long, shapes, _cut_off(labels, points, settings))
    keep = np.array([False, *(not (a or b) for a, b in zip(large, walls, strict=True))])
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    left = [numbers[image] for image in labels]
    gone = [(image > 0) & (rest == 0) for image, rest in zip(labels, left, strict=True)]
    found = [board for part in too_long if (board := _board(part, settings)) is not None]
    found.sort(key=lambda board: float(board.plane.signed_distance(np.zeros(3))))
    return left, gone, tuple(found)


def plane_under(points: Array, boards: Sequence[Board], floor: Plane) -> Plane:
    """The highest surface that (N, 3) points stand on."""
    return next((board.plane for board in boards if board.carries(points)), floor)


@dataclass(frozen=True)
class _Shape:
    """Of what is seen of a label: from end to end, its points near either end, how flat it is."""

    length: float
    ends: tuple[Array, Array]
    thickness: float

    @classmethod
    def of(cls, points: Array) -> Self:
        some = points[:: max(1, len(points) // JUDGED)]
        if len(some) < 3:
            return cls(0.0, (some, some), 0.0)
        offset = some - some.mean(axis=0)
        axes = np.linalg.eigh(offset.T @ offset)[1]
        along = offset @ axes[:, -1]
        low, high = np.percentile(along, ENDS)
        flat = float(np.std(offset @ axes[:, 0]))
        return cls(float(high - low), (some[along <= low], some[along >= high]), flat)


def _seen(label: int, labels: Sequence[Labels], points: Sequence[Points]) -> Array:
    parts = [cloud[image == label] for image, cloud in zip(labels, points, strict=True)]
    return np.concatenate(parts).astype(float)


def _cut_off(
    labels: Sequence[Labels], points: Sequence[Points], settings: PerceptionSettings
) -> Array:
    """(N, 3) labelled points at an edge of their image or at a side of the workspace."""
    lower, upper = np.array(settings.workspace_lower[:2]), np.array(settings.workspace_upper[:2])
    found = [np.zeros((0, 3))]
    for image, cloud in zip(labels, points, strict=True):
        inner = np.zeros(image.shape, dtype=bool)
        inner[EDGE:-EDGE, EDGE:-EDGE] = True
        inner &= (cloud[..., :2] > lower + SIDE).all(-1) & (cloud[..., :2] < upper - SIDE).all(-1)
        found.append(cloud[(image > 0) & ~inner].astype(float))
    return np.concatenate(found)


def _between(structures: Sequence[Array], shapes: Sequence[_Shape], cut_off: Array) -> list[bool]:
    """Which shapes are a bin's short walls.

    They are flat and reach with both ends to what is too long; or with one, and are cut off at the
    other.
    """
    from scipy.spatial import cKDTree

    wall, border = (cKDTree(points[::THINNED]) for points in (np.concatenate(structures), cut_off))

    def reaches(tree: cKDTree, end: Array) -> bool:
        return bool(tree.query(end)[0].min() < NEAR)

    return [
        shape.length > LEAST_WALL
        and shape.thickness < FLAT
        and any(reaches(wall, end) for end in shape.ends)
        and all(reaches(wall, end) or reaches(border, end) for end in shape.ends)
        for shape in shapes
    ]


def _board(points: Array, settings: PerceptionSettings) -> Board | None:
    """The level surface of what is too long for an object, None where it is a wall."""
    plane = level_plane(points, settings)
    if plane is None:
        return None
    top = points[np.abs(plane.signed_distance(points)) < settings.plane_tolerance]
    return Board(plane, top[:, :2].min(axis=0), top[:, :2].max(axis=0))
