"""One numbering of instances over several cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CELL = 0.01  # [m]
SHARED = 0.15  # share of the smaller instance's cells that two views of one object have in common


def merge_views(
    labels: Sequence[NDArray[np.int32]], points: Sequence[NDArray[np.float32]]
) -> list[NDArray[np.int32]]:
    """Give instances that overlap in space the same label in all views.

    Args:
        labels: (H, W) for each camera, 0 = background, numbered independently.
        points: (H, W, 3) for each camera, planning frame.

    Returns:
        (H, W) for each camera, numbered jointly 1.. by decreasing size.
    """
    if len(labels) == 1:
        return list(labels)
    parts: list[tuple[int, int, set[tuple[int, int, int]], int]] = []
    for view, (image, cloud) in enumerate(zip(labels, points, strict=True)):
        for label in range(1, int(image.max(initial=0)) + 1):
            cells = np.unique(np.floor(cloud[image == label] / CELL).astype(int), axis=0)
            occupied = {(int(x), int(y), int(z)) for x, y, z in cells}
            parts.append((view, label, _swell(occupied), int((image == label).sum())))
    parent = _groups(parts)
    totals: dict[int, int] = {}
    for index, part in enumerate(parts):
        totals[parent[index]] = totals.get(parent[index], 0) + part[3]
    ranks = {root: i + 1 for i, root in enumerate(sorted(totals, key=lambda r: -totals[r]))}
    merged = [np.zeros_like(image) for image in labels]
    for index, (view, label, _, _) in enumerate(parts):
        merged[view][labels[view] == label] = ranks[parent[index]]
    return merged


def _swell(cells: set[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
    steps = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (0, 0, 0))
    return {(x + a, y + b, z + c) for x, y, z in cells for a, b, c in steps}


def _groups(parts: Sequence[tuple[int, int, set[tuple[int, int, int]], int]]) -> list[int]:
    parent = list(range(len(parts)))
    for i, (view, _, cells, _) in enumerate(parts):
        for j in range(i):
            other_view, _, other, _ = parts[j]
            if view == other_view:
                continue
            if len(cells & other) > SHARED * min(len(cells), len(other)):
                old, new = parent[i], parent[j]
                parent = [new if root == old else root for root in parent]
    return parent
