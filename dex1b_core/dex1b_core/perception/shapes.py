"""Closed shapes that an object seen from one side (or a few) might have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import Plane, invert, transform_points
from dex1b_core.perception.boxes import plane_frame
from dex1b_core.perception.freespace import View, cautious, contour_points, depth_behind
from dex1b_core.perception.meshing import convex_hull
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.perception.settings import DEFAULT_HYPOTHESES, HypothesisName
from dex1b_core.perception.smooth import smooth_solid
from dex1b_core.perception.symmetry import Symmetry, find_symmetry
from dex1b_core.perception.voxels import VoxelGrid

Array = NDArray[np.float64]
FREE_MARGIN = 0.004  # a copied point this deep in observed free space is dropped [m]
SYMMETRIC: tuple[HypothesisName, ...] = (
    'smooth', 'symmetric_extrusion', 'extrusion', 'carved_hull', 'hull',
)  # fmt: skip
"""The most trusted first, of an object with a plausible symmetry."""
ASYMMETRIC: tuple[HypothesisName, ...] = (
    'smooth', 'extrusion', 'carved_hull', 'symmetric_extrusion', 'hull',
)  # fmt: skip
"""The same without one."""


def reconstruct_shapes(
    points: Array,
    normals: Array,
    plane: Plane,
    views: Sequence[View],
    *,
    hypotheses: Sequence[HypothesisName] = DEFAULT_HYPOTHESES,
    voxel: float = 0.003,
    max_faces: int = 1500,
) -> tuple[ShapeHypothesis, ...]:
    """Hypotheses on the full shape, most trusted first; one that is empty is left out.

    `smooth`: a smooth surface through the visible one; where nothing is seen, it follows
    `symmetric_extrusion`, or `extrusion` when no symmetry is plausible.
    `symmetric_extrusion`: the visible surface and its copies under the best upright symmetry,
    extruded to the plane, without what was seen empty (or is a copy of what was seen empty).
    `extrusion`: the visible surface, extruded to the plane, without what was seen empty.
    `carved_hull`: hull of the surface and its shadow on the plane, without what was seen empty.
    `hull`: hull of the surface and its shadow on the plane.

    Args:
        points: (N, 3) visible surface, planning frame [m].
        normals: (N, 3) unit, towards the camera.
        plane: What the object stands on.
        views: Where it was seen.
        hypotheses: Which ones to make, in any order.
        voxel: Resolution [m].
        max_faces: Of each shape.

    Raises:
        Dex1bError: SHAPE_INVALID when the points span no volume.
    """
    seen = _Seen(points, normals, plane, views, voxel, max_faces)
    order = SYMMETRIC if len(hypotheses) < 2 or seen.symmetry.believed else ASYMMETRIC
    shapes = [seen.make(name) for name in order if name in hypotheses]
    return tuple(
        ShapeHypothesis(s.name, transform_points(seen.planning_T_plane, s.vertices), s.faces)
        for s in shapes
        if s is not None
    )


class _Seen:
    """An object in the plane frame; what several hypotheses need is computed once."""

    def __init__(
        self,
        points: Array,
        normals: Array,
        plane: Plane,
        views: Sequence[View],
        voxel: float,
        max_faces: int,
    ) -> None:
        self.planning_T_plane = plane_frame(plane)
        self.plane_T_planning = invert(self.planning_T_plane)
        self.points = transform_points(self.plane_T_planning, points)
        self.normals = normals @ self.planning_T_plane[:3, :3]
        shadow = np.column_stack([self.points[:, :2], np.zeros(len(points))])
        self.standing = np.concatenate([self.points, shadow])
        self.hull = convex_hull(self.standing, 'hull')
        self.views, self.voxel, self.max_faces = views, voxel, max_faces

    def make(self, name: HypothesisName) -> ShapeHypothesis | None:
        """One hypothesis; None when nothing is left of it."""
        match name:
            case 'hull':
                return self.hull
            case 'symmetric_extrusion':
                return self.grid.mesh(self.symmetric_extrusion, name, self.max_faces)
            case 'extrusion':
                return self.grid.mesh(self.extrusion, name, self.max_faces)
            case 'carved_hull':
                carved = self.grid.inside(self.hull) * self.empty
                return self.grid.mesh(carved, name, self.max_faces)
            case 'smooth':
                return self._smooth()

    @cached_property
    def symmetry(self) -> Symmetry:
        contour = np.concatenate(
            [transform_points(self.plane_T_planning, contour_points(view)) for view in self.views]
        )
        camera = self.views[0].planning_T_camera
        eye = transform_points(self.plane_T_planning, camera[None, :3, 3])[0]
        return find_symmetry(
            self.points, self.normals, contour, self.planning_T_plane, self.views, eye
        )

    @cached_property
    def completed(self) -> Array:
        """Visible points and those copies that do not contradict the views."""
        parts = [self.points]
        for copy in self.symmetry.copies(self.points):
            behind = depth_behind(transform_points(self.planning_T_plane, copy), self.views)
            parts.append(copy[behind > -FREE_MARGIN])
        return np.concatenate(parts)

    @cached_property
    def grid(self) -> VoxelGrid:
        return VoxelGrid(np.concatenate([self.completed, self.standing]), self.voxel)

    @cached_property
    def empty(self) -> Array:
        """0 in voxels seen empty, 1 in others."""
        return self.grid.emptiness(self.planning_T_plane, self.views)

    @cached_property
    def extrusion(self) -> Array:
        return self.grid.extrude(self.points) * self.empty

    @cached_property
    def symmetric_extrusion(self) -> Array:
        filled = self.grid.extrude(self.completed) * self.empty
        near = self.grid.near(self.points)
        turns = self.symmetry.turns
        # many copies would each shave the edges
        views = [cautious(view) for view in self.views] if len(turns) > 1 else self.views
        for turn in turns:
            copied = self.grid.emptiness(
                self.planning_T_plane,
                views,
                axis=self.symmetry.axis,
                turn=turn,
                where=(filled > 0) & ~near,
            )
            filled = np.minimum(filled, copied)
        return filled

    def _smooth(self) -> ShapeHypothesis | None:
        guess = self.symmetric_extrusion if self.symmetry.believed else self.extrusion
        solid = smooth_solid(
            self.points, self.normals, guess, self.grid, self.planning_T_plane, self.views
        )
        try:
            return self.grid.mesh(solid, 'smooth', self.max_faces)
        except Dex1bError:
            return None  # the other hypotheses remain
