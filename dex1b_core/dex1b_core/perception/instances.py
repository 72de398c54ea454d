"""Objects in one depth image: smooth patches above the support plane, joined unless bent in."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import Plane
from dex1b_core.perception.frames import DepthFrame
from dex1b_core.perception.hollows import join_hollows
from dex1b_core.perception.occlusion import join_occluded
from dex1b_core.perception.patches import Contacts, Labels, find_contacts, label_patches
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.surface import (
    Mask,
    Points,
    Surface,
    heights_above,
    make_surface,
)

Window = tuple[slice, slice]
GRID = 0.004  # wanted distance of neighbouring points on which is decided [m]
LEAST_CONTACT = 3  # [px] that meet smoothly
SMOOTH_SHARE = 0.7  # of a border that meets smoothly, to join without question
CONTESTED_SHARE = 0.35  # of a border that joins patches if it is long
CONTESTED_LENGTH = 0.8  # of such a border, in root sizes of the smaller patch


def label_instances(
    frame: DepthFrame, points: Points, above: Mask, plane: Plane, *, settings: PerceptionSettings
) -> Labels:
    """Label objects in an organised cloud.

    Args:
        frame: What `points` come from.
        points: (H, W, 3) planning frame.
        above: (H, W) pixels above the plane that are not robot.
        plane: What the objects stand on.
        settings: Gaps, creases and sizes.

    Returns:
        (H, W) labels, 0 = background, 1.. in order of decreasing size.
    """
    labels = np.zeros(above.shape, np.int32)
    if not above.any():
        return labels
    window, step, surface = grid_surface(frame, points, above)
    depth = frame.depth_m[window]
    gap, concave = settings.edge_gap, settings.concave_angle
    groups = label_patches(surface, gap=gap, concave=concave)
    groups = join_patches(groups, find_contacts(groups, surface, gap=gap, concave=concave))
    heights = heights_above(surface.points, plane)
    groups = join_hollows(groups, surface, heights, np.isfinite(depth[::step, ::step]))
    groups = join_occluded(groups, surface, frame)
    fine = groups if step == 1 else _refine(groups, depth, step)
    fine = np.where(above[window], fine, 0)
    labels[window] = _drop_specks(fine, minimum=settings.min_points)
    return labels


def grid_surface(frame: DepthFrame, points: Points, above: Mask) -> tuple[Window, int, Surface]:
    """Part of the image around `above`, pixels from one grid point to the next, the grid."""
    window = bounding_window(above, border=4)
    depth, above = frame.depth_m[window], above[window]
    step = _grid_step(depth, above, frame.intrinsics.fx)
    grid = np.s_[::step, ::step]
    eye = frame.planning_T_camera[:3, 3]
    return window, step, make_surface(points[window][grid], depth[grid], above[grid], eye)


def bounding_window(mask: Mask, *, border: int = 0) -> Window:
    """Rows and columns that hold all of a mask, grown by a border within the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    height, width = mask.shape
    return (
        slice(max(0, rows[0] - border), min(height, rows[-1] + 1 + border)),
        slice(max(0, columns[0] - border), min(width, columns[-1] + 1 + border)),
    )


def _grid_step(depth: NDArray[np.float32], above: Mask, focal: float) -> int:
    """Pixels from one grid point to the next: 2 where the image is finer than needed."""
    spacing = float(np.median(depth[above][::20])) / focal
    return 2 if 2 * spacing < 1.5 * GRID else 1


def join_patches(patches: Labels, contacts: Contacts) -> Labels:
    """Join patches that meet smoothly or bent out, strongest contact first.

    A border of which a good part is bent in or has a gap must still meet smoothly over a length
    that is large beside the patches: two objects often touch along a short edge.
    """
    smooth = (contacts.touching - contacts.concave).astype(float)
    whole = (contacts.touching + contacts.apart).astype(float)
    sizes = np.bincount(patches.ravel(), minlength=len(smooth)).astype(float)
    owner = np.arange(len(smooth))
    while True:
        share = smooth / np.maximum(whole, 1)
        least = CONTESTED_LENGTH * np.sqrt(np.minimum(sizes[:, None], sizes[None]))
        joins = (smooth >= LEAST_CONTACT) & (share >= CONTESTED_SHARE)
        joins &= (share >= SMOOTH_SHARE) | (smooth >= least)
        score = np.where(joins, smooth * share, 0)
        keep, gone = divmod(int(score.argmax()), len(smooth))
        if score[keep, gone] <= 0:
            break
        owner[owner == gone] = keep
        sizes[keep] += sizes[gone]
        for counts in (smooth, whole):
            counts[keep] += counts[gone]
            counts[:, keep] += counts[:, gone]
            counts[gone] = counts[:, gone] = counts[keep, keep] = 0
    return owner.astype(np.int32)[patches]


def _refine(labels: Labels, depth: NDArray[np.float32], step: int) -> Labels:
    """Labels of a grid to every pixel; at borders that of the grid point nearest in depth."""
    height, width = depth.shape
    fine = np.repeat(np.repeat(labels, step, axis=0), step, axis=1)[:height, :width]
    border = cv2.morphologyEx(labels.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
    rows, columns = np.nonzero(np.repeat(np.repeat(border, step, 0), step, 1)[:height, :width])
    best = np.full(len(rows), np.inf, np.float32)
    for down in (0, step - 1):
        for right in (0, step - 1):
            r = np.minimum((rows + down) // step, labels.shape[0] - 1)
            c = np.minimum((columns + right) // step, labels.shape[1] - 1)
            distance = np.abs(depth[r * step, c * step] - depth[rows, columns])
            take = (labels[r, c] > 0) & (distance < best)
            best[take] = distance[take]
            fine[rows[take], columns[take]] = labels[r[take], c[take]]
    return fine


def _drop_specks(labels: Labels, *, minimum: int) -> Labels:
    """Remove small labels, renumber the rest by decreasing size."""
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes, kind='stable')
    kept = [int(label) for label in order if sizes[label] >= minimum]
    lookup = np.zeros(len(sizes), np.int32)
    lookup[kept] = np.arange(1, len(kept) + 1)
    return lookup[labels]
