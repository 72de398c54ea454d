"""Voxels around one object: what is inside, what was seen empty, and the surface between."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import transform_points
from dex1b_core.perception.freespace import View, depth_behind
from dex1b_core.perception.meshing import volume_mesh
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.perception.symmetry import rotate

Array = NDArray[np.float64]
FOOT = 0.009  # height up to which the plane disturbs what is seen empty [m]
MAX_VOXELS = 200_000  # larger objects get larger voxels
SLAB = 0.004  # half height of the slice whose outline is filled [m]


class VoxelGrid:
    """Voxels of the plane frame around points of an object, from the plane up.

    Attributes:
        corners: (2, 3) of the box around the points [m].
        origin: (3,) centre of the first voxel.
        voxel: Edge [m]; as asked for, or larger for a large object.
        shape: Number of voxels along each axis.
        centres: (X * Y * Z, 3) of the voxels.
    """

    def __init__(self, points: Array, voxel: float) -> None:
        self.corners = np.stack([points.min(axis=0), points.max(axis=0)])
        extent = np.maximum(np.ptp(points, axis=0), 5 * voxel)
        self.voxel = voxel = max(voxel, float(np.prod(extent) / MAX_VOXELS) ** (1 / 3))
        low = points.min(axis=0) - 2.5 * voxel
        low[2] = voxel / 2  # the object stands on the plane
        high = points.max(axis=0) + 2.5 * voxel
        self.origin = low
        self.shape = tuple(int(n) for n in np.ceil((high - low) / voxel) + 1)
        steps = np.stack(np.meshgrid(*(np.arange(n) for n in self.shape), indexing='ij'), axis=-1)
        self.centres = (low + steps * voxel).reshape(-1, 3)

    def behind(self, planning_T_plane: Array, views: Sequence[View]) -> Array:
        """How far voxels lie behind the seen surface [m], (X, Y, Z), as `depth_behind`."""
        centres = transform_points(planning_T_plane, self.centres)
        return depth_behind(centres, views).reshape(self.shape)

    def sample(self, field: Array, places: Array) -> Array:
        """(N,) values of an (X, Y, Z) field at (N, 3) places, linear, constant beyond it."""
        from scipy import ndimage

        cells = ((places - self.origin) / self.voxel).T
        return np.asarray(ndimage.map_coordinates(field, cells, order=1, mode='nearest'))

    def emptiness(
        self,
        planning_T_plane: Array,
        views: Sequence[View],
        *,
        axis: Array | None = None,
        turn: float = 0.0,
        where: NDArray[np.bool_] | None = None,
    ) -> Array:
        """0 where (the turned copy of) a voxel was seen empty, 1 where not, soft between.

        Outside `where` no voxel counts as empty.
        """
        chosen = np.ones(len(self.centres), dtype=bool) if where is None else where.ravel()
        centres = self.centres[chosen]
        if axis is not None:
            centres = rotate(centres, axis, turn)
        behind = depth_behind(transform_points(planning_T_plane, centres), views)
        result = np.ones(len(chosen))
        result[chosen] = np.clip(0.5 + behind / (2 * self.voxel), 0, 1)
        return result.reshape(self.shape)

    def near(self, points: Array) -> NDArray[np.bool_]:
        """True in voxels with a point in or beside them."""
        filled = np.zeros(self.shape, np.uint8)
        cells = np.rint((points - self.origin) / self.voxel).astype(int)
        cells = cells[((cells >= 0) & (cells < self.shape)).all(axis=1)]
        filled[tuple(cells.T)] = 1
        from scipy import ndimage

        return np.asarray(ndimage.binary_dilation(filled, iterations=1))

    def extrude(self, points: Array) -> Array:
        """Outlines of the slices, each with all above it."""
        filled = np.zeros(self.shape)
        below = np.zeros(self.shape[:2], np.uint8)
        order = np.argsort(points[:, 2])
        points, heights = points[order], points[order, 2]
        for layer in range(self.shape[2] - 1, -1, -1):
            height = self.origin[2] + layer * self.voxel
            first, last = np.searchsorted(heights, [height - SLAB, height + SLAB])
            if last - first >= 3:
                cells = (points[first:last, :2] - self.origin[:2]) / self.voxel
                outline = cv2.convexHull(cells.astype(np.float32))[:, 0]
                # OpenCV's x is the second index; 4 fractional bits
                fixed = np.rint(outline[:, ::-1] * 16).astype(np.int32)
                cv2.fillConvexPoly(below, fixed, 1, shift=4)
            filled[:, :, layer] = below
        return filled

    def inside(self, hull: ShapeHypothesis) -> Array:
        """1 in voxels inside a convex mesh."""
        corners = hull.vertices[hull.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        offsets = np.einsum('ij,ij->i', normals, corners[:, 0])
        inside = np.ones(len(self.centres), dtype=bool)
        for start in range(0, len(normals), 32):
            part = slice(start, start + 32)
            alive = np.flatnonzero(inside)
            over = self.centres[alive] @ normals[part].T > offsets[part]
            inside[alive[over.any(axis=1)]] = False
        return inside.reshape(self.shape).astype(float)

    def trim_foot(self, filled: Array) -> Array:
        """The lowest layers reach no farther than the object above them.

        Depth noise leaves a thin sheet on the plane wherever the camera could not look.
        """
        from scipy import ndimage

        layer = int(FOOT / self.voxel)
        if self.shape[2] < 3 * layer:
            return filled
        footprint = ndimage.grey_dilation(filled[:, :, layer], footprint=np.ones((3, 3)))
        trimmed = filled.copy()
        trimmed[:, :, :layer] = np.minimum(filled[:, :, :layer], footprint[:, :, None])
        return trimmed

    def mesh(self, filled: Array, name: str, max_faces: int) -> ShapeHypothesis | None:
        """Smoothed surface, standing on the plane; None when nothing is left."""
        from scipy import ndimage

        # below the plane goes on as at the plane, so that smoothing does not round the foot
        smooth = ndimage.gaussian_filter(self.trim_foot(filled), 0.8, mode='nearest')
        if smooth.max() <= 0.5:
            return None
        shape = volume_mesh(smooth, self.origin, self.voxel, max_faces=max_faces, name=name)
        vertices = shape.vertices.copy()
        vertices[:, 2] = np.maximum(vertices[:, 2], 0.0)
        return ShapeHypothesis(name, vertices, shape.faces)
