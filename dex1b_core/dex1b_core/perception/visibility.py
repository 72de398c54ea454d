"""How much of each object is in view, and how sure it is one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception.instances import bounding_window

Counts = NDArray[np.int64]
Labels = NDArray[np.int32]
Depth = NDArray[np.float32]
Mask = NDArray[np.bool_]
STEP = 0.006  # what is so much nearer hides what is behind it; less apart touches [m]


@dataclass(frozen=True)
class Visibility:
    """Of one object, from 0 to 1.

    Attributes:
        completeness: Share of its outline that is its own: not cut off by something nearer, by the
            robot or by the edge of the image, in the camera that sees it best. Its back is not
            meant.
        confidence: That the label is one whole object: completeness, times the share of its pixels
            that have a depth, times the share of its outline at which it does not touch another
            one. No probability.
    """

    completeness: float
    confidence: float


def measure_visibility(
    labels: Sequence[Labels], depths: Sequence[Depth], robots: Sequence[Mask]
) -> list[Visibility]:
    """Visibility of labels 1, 2, .. in turn.

    Args:
        labels: (H, W) for each camera, 0 = no object.
        depths: (H, W) [m], NaN where not measured.
        robots: (H, W) pixels on the robot.
    """
    count = 1 + max(int(image.max(initial=0)) for image in labels)
    views = [_outline(*view, count) for view in zip(labels, depths, robots, strict=True)]
    outline, _, touching = np.sum(views, axis=0)
    shares = [(whole - hidden) / np.maximum(whole, 1) for whole, hidden, _ in views]
    best = np.max(shares, axis=0)
    apart = 1 - touching / np.maximum(outline, 1)
    measured = _measured(labels, depths, count)
    sure = best * apart * measured
    return [Visibility(float(best[k]), float(sure[k])) for k in range(1, count)]


def _outline(labels: Labels, depth: Depth, robot: Mask, count: int) -> tuple[Counts, ...]:
    """Borders of pixels around each label: all, those cut off, those that touch another label."""
    table = np.zeros((3, count), np.int64)
    for turns in range(4):
        own, z, arm = np.rot90(labels, turns), np.rot90(depth, turns), np.rot90(robot, turns)
        beside, other = _next_measured(z), np.zeros_like(own)
        other[:, :-1] = own[:, 1:]
        border = (own > 0) & (own != other)
        behind = np.nan_to_num(beside[:, 1:] - z[:, :-1], nan=np.inf)
        cut, touching = np.ones_like(border), np.zeros_like(border)  # the image ends on the right
        cut[:, :-1] = (behind < -STEP) | arm[:, 1:]
        touching[:, :-1] = (other[:, :-1] > 0) & (np.abs(behind) <= STEP)
        for row, kind in enumerate((border, border & cut, border & touching)):
            table[row] += np.bincount(own[kind], minlength=count)
    return tuple(table)


def _next_measured(depth: Depth) -> Depth:
    """Depth of each pixel, or of the next one to the right that has one."""
    width = depth.shape[1]
    index = np.where(np.isfinite(depth), np.arange(width), width - 1)
    index = np.minimum.accumulate(index[:, ::-1], axis=1)[:, ::-1]
    return np.take_along_axis(depth, index, axis=1)


def _measured(labels: Sequence[Labels], depths: Sequence[Depth], count: int) -> NDArray[np.float64]:
    """Share of the pixels inside each label's outlines that have a depth."""
    seen, holes = np.zeros(count), np.zeros(count)
    for image, depth in zip(labels, depths, strict=True):
        for label in range(1, count):
            window = bounding_window(image == label)
            mask = (image[window] == label).astype(np.uint8)
            if not mask.size:
                continue
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            filled = cv2.drawContours(np.zeros_like(mask), outlines, -1, 1, cv2.FILLED)
            seen[label] += mask.sum()
            holes[label] += (filled.astype(bool) & np.isnan(depth[window])).sum()
    return np.asarray(seen / np.maximum(seen + holes, 1))
