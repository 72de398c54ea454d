"""How often a surface winds around points: tells inside from outside where a mesh is unclean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry.solids import Solid

Array = NDArray[np.float64]

_OFFSET = (0.3819660113, 0.4142135624, 0.2679491924)  # of grids: off a mesh's own planes


def overlaps_itself(mesh: Solid, *, lines: int = 40) -> bool:
    """Whether a closed surface that is wound outwards passes through itself.

    Looks along `lines` squared lines in each of three directions: a surface that does not pass
    through itself is entered and left by turns. Overlaps between the lines are not found.
    """
    extent = float(mesh.extents.max())
    for axis in range(3):
        crossings = _Crossings(mesh, axis, [_between(mesh, i, lines) for i in range(3)])
        if crossings.longest_odd_stretch() > 2e-3 * extent:
            return True
    return False


def winding_grid(mesh: Solid, axes: list[Array]) -> NDArray[np.float32]:
    """Winding numbers (X, Y, Z) at the points of a grid: the median of six looks along its lines.

    Exact for a closed surface; where there are holes the looks that pass them are outvoted.

    Args:
        mesh: Triangles wound alike, with holes or not.
        axes: Three rising arrays of coordinates that begin and end outside the mesh.
    """
    looks = []
    for axis in range(3):
        crossings = _Crossings(mesh, axis, axes)
        ahead = crossings.winding(axes[axis])
        looks += [ahead, ahead - ahead[..., -1:]]
    aligned = [np.moveaxis(look, -1, index // 2) for index, look in enumerate(looks)]
    return np.asarray(np.median(np.stack(aligned), axis=0), dtype=np.float32)


class _Crossings:
    """Where lines along one axis cross a surface, and whether inwards (+1) or outwards (-1)."""

    def __init__(self, mesh: Solid, axis: int, axes: list[Array]) -> None:
        import open3d as o3d

        others = [other for other in range(3) if other != axis]
        self._shape = tuple(len(axes[other]) for other in others)
        self._start = float(min(mesh.vertices[:, axis].min(), axes[axis][0])) - 1e-3
        rays = np.zeros((*self._shape, 6), dtype=np.float32)
        rays[..., others[0]] = axes[others[0]][:, None]
        rays[..., others[1]] = axes[others[1]][None, :]
        rays[..., axis], rays[..., 3 + axis] = self._start, 1.0
        caster: Any = o3d.t.geometry.RaycastingScene()
        caster.add_triangles(
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(mesh.vertices, dtype=np.float32)),
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(mesh.faces, dtype=np.uint32)),
        )
        found = caster.list_intersections(o3d.core.Tensor.from_numpy(rays.reshape(-1, 6)))
        a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
        faces = found['primitive_ids'].numpy().astype(np.int64)
        self._ray = found['ray_ids'].numpy().astype(np.int64)
        self._distance = found['t_hit'].numpy().astype(float)
        self._sign = -np.sign(np.cross(b - a, c - a)[:, axis])[faces]

    def winding(self, coordinates: Array) -> Array:
        """(lines, lines, N) winding numbers at coordinates along the axis."""
        steps = np.zeros((int(np.prod(self._shape)), len(coordinates) + 1))
        after = np.searchsorted(coordinates - self._start, self._distance)
        np.add.at(steps, (self._ray, after), self._sign)
        return np.cumsum(steps, axis=1)[:, :-1].reshape(*self._shape, len(coordinates))

    def longest_odd_stretch(self) -> float:
        """Longest stretch of any line where the winding number is neither 0 nor 1."""
        order = np.lexsort([self._distance, self._ray])
        ray, distance = self._ray[order], self._distance[order]
        if len(ray) < 2:
            return 0.0
        total = np.cumsum(self._sign[order])
        starts = np.flatnonzero(np.r_[True, np.diff(ray) > 0])
        before = np.r_[0.0, total][starts]
        level = total - np.repeat(before, np.diff(np.r_[starts, len(ray)]))
        stretch = np.where(np.diff(ray) == 0, np.diff(distance), 0.0)
        odd = (level[:-1] < -0.5) | (level[:-1] > 1.5)
        return float((stretch * odd).max())


def _between(mesh: Solid, axis: int, count: int) -> Array:
    """Coordinates inside the mesh's box, off its regular planes."""
    lower, upper = mesh.vertices[:, axis].min(), mesh.vertices[:, axis].max()
    return np.asarray(lower + (upper - lower) * (np.arange(count) + _OFFSET[axis]) / count)
