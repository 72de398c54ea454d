"""An articulated object as the optimiser needs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.sdf import VoxelSdf, build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.geometry.solids import Solid, fuse
from dex1b_core.geometry.surface import SurfacePoints, sample_surface
from dex1b_core.synthesis.objective import JointTask, SceneBatch

RESOLUTION = 80  # voxels along each side of the distance fields
SAMPLES = 8192  # of surfaces, among which hands start
HANDLE_MARGIN = 0.012  # [m] around the handle where contacts should lie
ROOM = 0.06  # [m] before a start, where a hand must have
FREE = 0.035  # [m] so much space
FAR = 0.6  # of the largest distance from a hinge: nearer it takes too much force
EDGE = 0.02  # [m] behind an edge, across which fingers can close,
THIN = 0.03  # [m] what is held has no more than half of this thickness
FEWEST = 30  # starts below which a condition is given up


@dataclass(frozen=True)
class GraspTarget:
    """Object frame, with the joint where it starts.

    Attributes:
        target: The object.
        moving: Signed distance to the moving part.
        fixed: Signed distance to the base.
        points: (P, 3) where hands may start [m].
        normals: (P, 3) outward there.
        region: (3,) lower and (3,) upper corner of the box around the handle [m]; None without one.
        plane: (4,) support, unit normal and offset.
        task: The joint.
    """

    target: ArticulatedObject
    moving: VoxelSdf
    fixed: VoxelSdf
    points: torch.Tensor
    normals: torch.Tensor
    region: tuple[torch.Tensor, torch.Tensor] | None
    plane: torch.Tensor
    task: JointTask

    @classmethod
    def of(cls, target: ArticulatedObject) -> GraspTarget:
        """Prepare an object."""
        solid = target.moving_solid(target.start)
        moving = build_sdf(solid.vertices, solid.faces, resolution=RESOLUTION)
        base = target.fixed_solid
        fixed = build_sdf(base.vertices, base.faces, resolution=RESOLUTION)
        corners = target.moved_corners(target.start)
        region = None
        if target.handle:
            held = np.concatenate([corners[index] for index in target.handle])
            low, high = held.min(axis=0) - HANDLE_MARGIN, held.max(axis=0) + HANDLE_MARGIN
            region = _tensor(low), _tensor(high)
            solid = _hull_of_handle(target, corners)
        drawn = sample_surface(solid, SAMPLES, seed=1)
        keep = _starts(target, drawn, moving, fixed)
        joint = target.joint
        return cls(
            target,
            moving,
            fixed,
            _tensor(drawn.points[keep]),
            _tensor(drawn.normals[keep]),
            region,
            torch.tensor([0.0, 0.0, 1.0, -target.height]),
            JointTask(_tensor(joint.axis), _tensor(joint.origin), joint.slides),
        )

    def scene(self, centre: torch.Tensor) -> SceneBatch:
        """For B grasps that each hold around a point (3, B) [m]."""
        count = centre.shape[1]
        each = torch.zeros(count, dtype=torch.int64)
        return SceneBatch(
            SdfBatch.build([self.moving], each),
            centre,
            self.plane[:, None].expand(4, count),
            region=self.region,
            base=SdfBatch.build([self.fixed], each),
            task=self.task,
        )


def _hull_of_handle(target: ArticulatedObject, corners: list[Array]) -> Solid:
    return fuse([convex_part(corners[index]) for index in target.handle])


def _starts(
    target: ArticulatedObject, drawn: SurfacePoints, moving: VoxelSdf, fixed: VoxelSdf
) -> Array:
    """Indices of points with room before them; far from a hinge; without a handle, of edges."""
    points, normals = _tensor(drawn.points), _tensor(drawn.normals)
    before = points + ROOM * normals
    room = torch.minimum(moving.distance(before), fixed.distance(before))
    keep = (room > FREE) & (before[:, 2] > target.height + FREE)
    conditions = []
    if not target.joint.slides:
        arm = np.cross(target.joint.axis, drawn.points - target.joint.origin)
        reach = torch.as_tensor(np.linalg.norm(arm, axis=1))
        farthest = reach[keep].max() if bool(keep.any()) else reach.max()
        conditions.append(reach > FAR * farthest)
    if not target.handle:
        behind = moving.distance(points - EDGE * normals)
        conditions.append((behind < 0.0) & (behind > -0.5 * THIN))
    for condition in conditions:
        if int((keep & condition).sum()) >= FEWEST:
            keep &= condition
    if not bool(keep.any()):
        keep = torch.ones(len(points), dtype=torch.bool)
    return keep.nonzero().flatten().numpy()


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
