"""Smooth patches of a seen surface, and how neighbouring ones meet."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception.surface import Mask, Points, Surface, dot, norm

Labels = NDArray[np.int32]
Indices = NDArray[np.intp]
CREASE_STEP = 2  # [px] to either side of a pixel whose crease is measured
CONVEX_CREASE = 0.9  # a sharper convex crease ends a patch [rad]
CREASE_SHARE = 0.7  # of the angle that separates objects at which a patch ends
LEAST_PATCH = 12  # [px] smaller ones are given to their neighbours
DEEP = 4  # [px] from a border to where the normals of its two sides are read
STEP = 0.006  # a side that lies this far before the other's tangent plane is another object [m]
LONGEST_STEP = 0.03  # farther pixels never touch [m]
GROWTH = 12  # [px] how far patches grow into the creases between them


def label_patches(surface: Surface, *, gap: float, concave: float) -> Labels:
    """Patches (H, W) without jumps wider than `gap` [m] and without creases; 0 = none.

    Objects are to be separated where the surface is bent in by more than `concave` [rad].
    """
    border = _jumps(surface, gap) | _creases(surface, CREASE_SHARE * concave)
    # patches that hang together by a pixel or two only are not one
    seeds = cv2.erode((surface.mask & ~border).astype(np.uint8), np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(seeds, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < LEAST_PATCH
    small[0] = True
    numbers = np.where(small, 0, np.cumsum(~small)).astype(np.int32)
    labels = _grow(numbers[labels], surface, gap)
    # small and strongly bent things are crease all over
    _, rest = cv2.connectedComponents((surface.mask & (labels == 0)).astype(np.uint8))
    return np.where(rest > 0, rest + labels.max(initial=0), labels)


def members(labels: Labels) -> list[Indices]:
    """Flat indices of the pixels of every label 0.., in order."""
    flat = labels.ravel()
    counts = np.bincount(flat)
    return np.split(np.argsort(flat, kind='stable'), np.cumsum(counts)[:-1])


def _jumps(surface: Surface, gap: float) -> Mask:
    """Pixels whose right or lower neighbour is far and on neither one's tangent plane."""
    jump = np.zeros(surface.mask.shape, dtype=bool)
    points, normals = surface.points, surface.normals
    for a, b in (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]):
        step = points[b] - points[a]
        off = np.fmin(np.abs(dot(step, normals[a])), np.abs(dot(step, normals[b])))
        jump[a] |= (off > gap) | (norm(step) > LONGEST_STEP)
    return jump


def _creases(surface: Surface, concave: float) -> Mask:
    """Pixels across which the normal turns by more than a convex or concave angle."""
    crease = np.zeros(surface.mask.shape, dtype=bool)
    k = CREASE_STEP
    height, width = surface.mask.shape
    lowest, highest = -2 * np.sin(concave / 2), 2 * np.sin(CONVEX_CREASE / 2)
    for dr, dc in ((0, k), (k, 0), (k, k), (k, -k)):
        middle = (slice(dr, height - dr), slice(abs(dc), width - abs(dc)))
        ahead = np.s_[2 * dr :, abs(dc) + dc : width - abs(dc) + dc]
        behind = np.s_[: height - 2 * dr, abs(dc) - dc : width - abs(dc) - dc]
        offset = surface.points[ahead] - surface.points[behind]
        turn = surface.normals[ahead] - surface.normals[behind]
        length = norm(offset)
        bend = dot(turn, offset) / np.maximum(length, np.float32(1e-6))
        crease[middle] |= (length < 2 * LONGEST_STEP) & ((bend < lowest) | (bend > highest))
    return crease


def _grow(labels: Labels, surface: Surface, gap: float) -> Labels:
    """Give unlabelled pixels of the surface the label of their nearest neighbour on it."""
    labels = np.pad(labels, 1)
    width = labels.shape[1]
    flat = labels.ravel()
    points = np.pad(surface.points, ((1, 1), (1, 1), (0, 0))).reshape(-1, 3)
    open_pixels = np.flatnonzero(np.pad(surface.mask, 1).ravel() & (flat == 0))
    for _ in range(GROWTH):
        best = np.full(len(open_pixels), 4 * gap, np.float32)
        found = np.zeros(len(open_pixels), np.int32)
        for step in (1, width, -1, -width):
            near = np.flatnonzero(flat[open_pixels + step])
            here = open_pixels[near]
            distance = norm(points[here + step] - points[here])
            nearer = distance < best[near]
            best[near[nearer]] = distance[nearer]
            found[near[nearer]] = flat[here[nearer] + step]
        if not found.any():
            break
        flat[open_pixels] = found
        open_pixels = open_pixels[found == 0]
    return np.ascontiguousarray(labels[1:-1, 1:-1])


@dataclass(frozen=True)
class Contacts:
    """How labels meet in the image, symmetric (L, L) counts of pixels for labels 0..L-1.

    Attributes:
        touching: Where they meet without a gap.
        concave: Of these, where they are bent in, or one stands out before the other.
        apart: Where a gap divides them.
    """

    touching: NDArray[np.int64]
    concave: NDArray[np.int64]
    apart: NDArray[np.int64]


def find_contacts(labels: Labels, surface: Surface, *, gap: float, concave: float) -> Contacts:
    """Measure every border between two labels.

    They touch where the step across the border is no longer than `gap` [m] off the surface of
    either; there they are bent in if the normals a few pixels inside turn towards each other by
    more than `concave` [rad].
    """
    count = int(labels.max(initial=0)) + 1
    table = np.zeros((3, count, count), np.int64)
    for dr, dc in ((0, 1), (1, 0)):
        first = labels[: labels.shape[0] - dr, : labels.shape[1] - dc]
        second = labels[dr:, dc:]
        rows, columns = np.nonzero((first != second) & (first > 0) & (second > 0))
        kind = _kinds(labels, surface, rows, columns, (dr, dc), gap, concave)
        np.add.at(table, (kind, first[rows, columns], second[rows, columns]), 1)
    smooth, bent_in, apart = table + table.transpose(0, 2, 1)
    return Contacts(smooth + bent_in, bent_in, apart)


def _kinds(
    labels: Labels,
    surface: Surface,
    rows: Indices,
    columns: Indices,
    step: tuple[int, int],
    gap: float,
    concave: float,
) -> Indices:
    """0 = smooth, 1 = bent in, 2 = apart; for borders between a pixel and pixel + step."""
    dr, dc = step
    p, n = _deep(labels, surface, rows, columns, (-dr, -dc))
    q, m = _deep(labels, surface, rows + dr, columns + dc, step)
    across = surface.points[rows + dr, columns + dc] - surface.points[rows, columns]
    off = np.fmin(np.abs(dot(across, n)), np.abs(dot(across, m)))
    apart = (off > gap) | (norm(across) > LONGEST_STEP)
    offset = q - p
    ahead = np.fmax(dot(offset, n), -dot(offset, m))
    bend = dot(m - n, offset) / np.maximum(norm(offset), np.float32(1e-6))
    bent_in = (bend < -2 * np.sin(concave / 2)) | (ahead > STEP)
    return np.where(apart, 2, np.where(bent_in, 1, 0))


def _deep(
    labels: Labels, surface: Surface, rows: Indices, columns: Indices, step: tuple[int, int]
) -> tuple[Points, Points]:
    """Point and normal a few pixels inside the label of each pixel, along a step."""
    height, width = labels.shape
    own = labels[rows, columns]
    r, c = rows.copy(), columns.copy()
    for k in range(1, DEEP + 1):
        far_r = np.clip(rows + k * step[0], 0, height - 1)
        far_c = np.clip(columns + k * step[1], 0, width - 1)
        good = (labels[far_r, far_c] == own) & np.isfinite(surface.normals[far_r, far_c, 0])
        np.copyto(r, far_r, where=good)
        np.copyto(c, far_c, where=good)
    return surface.points[r, c], surface.normals[r, c]
