"""Grasps of one hand as a batch of tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from dex1b_core.robots.hand_model import HandModel, HandPoints


@dataclass(frozen=True)
class GraspBatch:
    """B wrist poses with postures, planning frame.

    Attributes:
        rotation: (B, 3, 3) of the hand's root link.
        translation: (B, 3) [m].
        pregrasp: (B, J) posture before contact [rad].
        grasp: (B, J) posture at contact [rad].
        approach: (B, 3) unit direction of the final approach.
    """

    rotation: torch.Tensor
    translation: torch.Tensor
    pregrasp: torch.Tensor
    grasp: torch.Tensor
    approach: torch.Tensor

    def __len__(self) -> int:
        return len(self.translation)

    def select(self, keep: torch.Tensor) -> GraspBatch:
        """The grasps with these indices, or where a mask is true."""
        return GraspBatch(
            self.rotation[keep], self.translation[keep], self.pregrasp[keep],
            self.grasp[keep], self.approach[keep],
        )  # fmt: skip

    def with_grasp(self, grasp: torch.Tensor) -> GraspBatch:
        """The same with other grasp postures."""
        return replace(self, grasp=grasp)


def concatenate(batches: list[GraspBatch]) -> GraspBatch:
    """One batch of several."""
    return GraspBatch(
        *(
            torch.cat([getattr(batch, name) for batch in batches])
            for name in ('rotation', 'translation', 'pregrasp', 'grasp', 'approach')
        )
    )


def place(
    hand: HandModel,
    points: HandPoints,
    posture: torch.Tensor,
    rotation: torch.Tensor,
    translation: torch.Tensor,
) -> torch.Tensor:
    """(B, N, 3) points of the hand in the planning frame [m]."""
    poses = torch.zeros(len(translation), 1, 4, 4)
    poses[:, 0, :3, :3], poses[:, 0, :3, 3], poses[:, 0, 3, 3] = rotation, translation, 1.0
    return points.place(poses @ hand.kinematics.forward(posture))
