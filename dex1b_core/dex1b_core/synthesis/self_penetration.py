"""E_S of Dex1B: how far parts of a hand lie inside each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.frame_parts import FrameParts


@dataclass(frozen=True)
class NearPoints:
    """N points that may soon lie in another part: while grasps move little, only they count.

    Attributes:
        grasp: (N,) index in the batch.
        part: (N,) that the point is on.
        point: (N,) index among the part's points.
        other: (N,) part that it comes near to.
        plane: (N,) plane of that part which it would cross.
    """

    grasp: torch.Tensor
    part: torch.Tensor
    point: torch.Tensor
    other: torch.Tensor
    plane: torch.Tensor


class SelfPenetration:
    """Overlaps of a hand with itself: points of its convex parts behind each other's planes.

    `columns` are poses (F, 4, 3, B) from `HandKinematics.frame_columns`.
    """

    def __init__(self, hand: HandModel) -> None:
        self._parts = FrameParts.build(hand)
        self._radii = self._parts.halves.square().sum(dim=(1, 2)).sqrt()
        self._pairs = hand.self_collision_pairs

    def near(self, columns: torch.Tensor, margin: float) -> NearPoints:
        """Points inside another part, or less than a margin [m] outside all of its planes."""
        return self._near(columns.detach(), margin)[0]

    def deepest(self, columns: torch.Tensor) -> torch.Tensor:
        """(B,) depth of the deepest point in another part [m], 0 where none is inside."""
        near, beyond = self._near(columns.detach(), 0.0)
        deepest = columns.new_zeros(columns.shape[-1])
        return deepest.scatter_reduce_(0, near.grasp, -beyond, 'amax')

    def energy(self, columns: torch.Tensor, near: NearPoints, margin: float) -> torch.Tensor:
        """E_S = sum over near points p of max(0, margin - (n . p - d)) [m] with their planes n, d.

        Args:
            columns: Poses; differentiable.
            near: Points that count.
            margin: Parts keep so far from each other [m].

        Returns:
            (B,) [m].
        """
        batch = columns.shape[-1]
        rows = columns.permute(0, 3, 1, 2).reshape(-1, 4, 3)
        one = rows.index_select(0, self._parts.frames[near.part] * batch + near.grasp)
        two = rows.index_select(0, self._parts.frames[near.other] * batch + near.grasp)
        point = self._parts.points[near.part, near.point][:, :, None]
        normal = self._parts.normals[near.other, near.plane][:, :, None]
        apart = (point * one[:, :3]).sum(dim=1) + one[:, 3] - two[:, 3]
        beyond = ((normal * two[:, :3]).sum(dim=1) * apart).sum(dim=1)
        depth = (margin + self._parts.offsets[near.other, near.plane] - beyond).clamp_min(0.0)
        return columns.new_zeros(batch).index_add(0, near.grasp, depth)

    def _near(self, columns: torch.Tensor, margin: float) -> tuple[NearPoints, torch.Tensor]:
        """Near points and how far each is beyond its plane [m]."""
        grasp, one, other = self._near_parts(columns, margin)
        poses = columns.permute(3, 0, 1, 2)
        points = self._in_frame_of(poses, self._parts.points, grasp, one, other)
        normals, offsets = self._parts.normals[other], self._parts.offsets[other]
        beyond, plane = torch.baddbmm(-offsets[:, None], points, normals.transpose(1, 2)).max(dim=2)
        pair, point = (beyond < margin).nonzero(as_tuple=True)
        near = NearPoints(grasp[pair], one[pair], point, other[pair], plane[pair, point])
        return near, beyond[pair, point]

    def _near_parts(
        self, columns: torch.Tensor, margin: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Grasps and both orders of parts that no plane of either keeps a margin [m] apart."""
        first, second = self._pairs.unbind(dim=1)
        poses = columns[self._parts.frames]
        centres = (self._parts.centres[:, 0, :, None, None] * poses[:, :3]).sum(dim=1) + poses[:, 3]
        reach = (self._radii[first] + self._radii[second] + margin)[:, None]
        close = (centres[first] - centres[second]).square().sum(dim=1) < reach.square()
        pair, grasp = close.nonzero(as_tuple=True)
        one, other = torch.cat([first[pair], second[pair]]), torch.cat([second[pair], first[pair]])
        both = torch.cat([grasp, grasp])
        poses = columns.permute(3, 0, 1, 2)
        centre = self._in_frame_of(poses, self._parts.centres, both, one, other)
        own, target = (poses[both, self._parts.frames[parts], :3] for parts in (one, other))
        turn = own @ target.mT
        box = torch.cat([centre, self._parts.halves[one] @ turn], dim=1)
        along = box @ self._parts.normals[other].mT
        gap = (along[:, 0] - along[:, 1:].abs().sum(dim=1) - self._parts.offsets[other]).amax(dim=1)
        near = (gap < margin).view(2, -1).all(dim=0).repeat(2)
        return both[near], one[near], other[near]

    def _in_frame_of(
        self,
        poses: torch.Tensor,
        points: torch.Tensor,
        grasp: torch.Tensor,
        one: torch.Tensor,
        other: torch.Tensor,
    ) -> torch.Tensor:
        """(N, K, 3) points (P, K, 3) of parts `one` in the frames that carry parts `other`."""
        own, target = poses[grasp, self._parts.frames[one]], poses[grasp, self._parts.frames[other]]
        world = points[one] @ own[:, :3] + (own[:, 3:] - target[:, 3:])
        return world @ target[:, :3].mT
