"""Openings of a mesh, found and filled."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry.solids import Faces, Solid

Array = NDArray[np.float64]

_LARGEST_LOOP = 80  # corners up to which the least area is searched: its cost grows with the cube


def boundary_loops(faces: Faces) -> list[list[int]]:
    """Closed walks over the edges that have a face on one side only, along the missing faces.

    Args:
        faces: (F, 3) vertex indices, wound alike on either side of every inner edge.
    """
    edges = np.unique(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=0)
    count = int(faces.max(initial=0)) + 1
    single = ~np.isin(edges[:, 1] * count + edges[:, 0], edges[:, 0] * count + edges[:, 1])
    onward: dict[int, list[int]] = defaultdict(list)
    for a, b in edges[single].tolist():
        onward[b].append(a)
    loops = []
    while onward:
        loop = [next(iter(onward))]
        while onward.get(loop[-1]):
            step = onward[loop[-1]].pop()
            if step in loop:
                start = loop.index(step)
                loops.append(loop[start:])
                loop = loop[: start + 1]
            else:
                loop.append(step)
        onward = defaultdict(list, {a: ends for a, ends in onward.items() if ends})
    return [loop for loop in loops if len(loop) >= 3]


def fill(mesh: Solid, loops: list[list[int]]) -> Solid:
    """Cover each loop with triangles: of least area where it is short, else around its middle."""
    vertices, faces = [mesh.vertices], [mesh.faces]
    count = len(mesh.vertices)
    for loop in loops:
        if len(loop) <= _LARGEST_LOOP:
            faces.append(np.asarray(loop)[_least_area(mesh.vertices[loop])])
        else:
            vertices.append(mesh.vertices[loop].mean(axis=0, keepdims=True))
            hub = np.full(len(loop), count)
            faces.append(np.stack([loop, np.roll(loop, -1), hub], axis=-1))
            count += 1
    return Solid(np.vstack(vertices), np.vstack(faces).astype(np.int64))


def width(points: Array) -> float:
    """Largest distance between two of (N, 3) points on a rim, within a few percent."""
    from scipy.spatial.distance import pdist

    return float(pdist(points[:: max(1, len(points) // 200)]).max())


def _least_area(corners: Array) -> Faces:
    """Triangulation of a closed polygon in space with least total area.

    Dynamic programming over its diagonals (Barequet and Sharir, 1995).
    """
    count = len(corners)
    cost = np.zeros((count, count))
    apex = np.zeros((count, count), dtype=np.int64)
    for span in range(2, count):
        first = np.arange(count - span)
        last = first + span
        middle = first[:, None] + np.arange(1, span)
        sides = corners[middle] - corners[first][:, None]
        across = np.broadcast_to((corners[last] - corners[first])[:, None], sides.shape)
        area = 0.5 * np.linalg.norm(np.cross(sides, across), axis=-1)
        total = area + cost[first[:, None], middle] + cost[middle, last[:, None]]
        best = total.argmin(axis=1)
        cost[first, last] = total[np.arange(len(first)), best]
        apex[first, last] = first + 1 + best
    triangles, pending = [], [(0, count - 1)]
    while pending:
        a, b = pending.pop()
        if b - a >= 2:
            middle_corner = int(apex[a, b])
            triangles.append([a, middle_corner, b])
            pending += [(a, middle_corner), (middle_corner, b)]
    return np.asarray(triangles, dtype=np.int64)
