"""Convex parts of a hand in the frames that carry them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel


@dataclass(frozen=True)
class FrameParts:
    """P parts, see `HandParts`, each in the frame of `HandKinematics` that carries it.

    Attributes:
        frames: (P,) frame of each part.
        points: (P, K, 3) on its surface [m].
        normals: (P, D, 3) outward, of planes that enclose it.
        offsets: (P, D) of these planes [m].
        centres: (P, 1, 3) of its smallest box [m].
        halves: (P, 3, 3) half edges of that box, one a row [m].
    """

    frames: torch.Tensor
    points: torch.Tensor
    normals: torch.Tensor
    offsets: torch.Tensor
    centres: torch.Tensor
    halves: torch.Tensor

    @classmethod
    def build(cls, hand: HandModel) -> FrameParts:
        """Carry over the parts of a hand."""
        parts, kinematics = hand.parts, hand.kinematics
        poses = kinematics.frame_T_link[parts.links]
        turn, shift = poses[:, :3, :3], poses[:, None, :3, 3]
        normals = parts.planes[..., :3] @ turn.mT
        return cls(
            kinematics.link_frames[parts.links],
            parts.points @ turn.mT + shift,
            normals,
            parts.planes[..., 3] + (normals * shift).sum(dim=2),
            parts.centres[:, None] @ turn.mT + shift,
            parts.halves @ turn.mT,
        )

    def depth_of(self, columns: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """(B,) depth of the deepest of fixed points in any part [m]; 0 where none is inside.

        Args:
            columns: (F, 4, 3, B) poses from `HandKinematics.frame_columns`.
            points: (N, 3) [m].
        """
        poses = columns.permute(3, 0, 1, 2)
        deepest = columns.new_zeros(len(poses))
        for part, frame in enumerate(self.frames.tolist()):
            local = torch.bmm(points - poses[:, frame, 3:], poses[:, frame, :3].mT.contiguous())
            axes = self.halves[part]
            along = (local - self.centres[part]) @ axes.T
            grasp, point = (along.abs() < axes.square().sum(dim=1)).all(dim=2).nonzero().unbind(1)
            beyond = local[grasp, point] @ self.normals[part].T - self.offsets[part]
            deepest.scatter_reduce_(0, grasp, -beyond.amax(dim=1), 'amax')
        return deepest
