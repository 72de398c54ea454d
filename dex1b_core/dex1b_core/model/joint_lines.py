"""Joints of what is to be moved, as a network is told them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch

from dex1b_core.model.grasp_code import UNIT
from dex1b_core.simulation.object_joint import ObjectJoint

SIZE = 7


@dataclass(frozen=True)
class JointLines:
    """Of O objects, in the frames of their clouds.

    Attributes:
        axis: (O, 3) unit; positive motion is wanted.
        origin: (O, 3) a point of the axis [m].
        slides: (O,) prismatic rather than revolute.
    """

    axis: torch.Tensor
    origin: torch.Tensor
    slides: torch.Tensor

    @classmethod
    def of(cls, joints: Sequence[ObjectJoint]) -> Self:
        """In the objects' frames."""
        return cls(
            torch.tensor([joint.axis.tolist() for joint in joints]),
            torch.tensor([joint.origin.tolist() for joint in joints]),
            torch.tensor([joint.slides for joint in joints]),
        )

    def turned(self, turns: torch.Tensor) -> JointLines:
        """Turned (O, 3, 3) with their clouds."""
        axis, origin = ((turns @ value[..., None])[..., 0] for value in (self.axis, self.origin))
        return JointLines(axis, origin, self.slides)

    def told(self, of: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """(B, SIZE): axis, arm from the axis to a point of each grasp, and whether it slides.

        Args:
            of: (B,) index of each grasp's joint.
            points: (B, 3) associated points, frame of the clouds [m].
        """
        axis, slides = self.axis[of], self.slides[of][:, None]
        offset = points - self.origin[of]
        arm = offset - (offset * axis).sum(dim=1, keepdim=True) * axis
        return torch.cat([axis, torch.where(slides, 0.0, arm / UNIT), slides.float()], dim=1)
