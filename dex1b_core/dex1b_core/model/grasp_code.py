"""Grasps as the vectors that a network reads and writes."""

from __future__ import annotations

import torch

from dex1b_core.robots.kinematics import HandKinematics

UNIT = 0.1  # [m] that is 1 to the network


class GraspCode:
    """Translation from the cloud's centre, rotation by its first two columns, joints.

    The rotation is continuous (Zhou et al. 2019), joints are -1 to 1 between their limits.
    """

    def __init__(self, kinematics: HandKinematics) -> None:
        self._middle = 0.5 * (kinematics.lower + kinematics.upper)
        self._half = 0.5 * (kinematics.upper - kinematics.lower)
        self._lower, self._upper = kinematics.lower, kinematics.upper
        self.size = 9 + len(self._middle)

    def encode(
        self,
        rotation: torch.Tensor,
        translation: torch.Tensor,
        posture: torch.Tensor,
        centre: torch.Tensor,
    ) -> torch.Tensor:
        """(B, size) of (B, 3, 3), (B, 3) [m], (B, J) [rad] and the clouds' centres (B, 3) [m]."""
        columns = rotation[:, :, :2].transpose(1, 2).reshape(-1, 6)
        joints = (posture - self._middle) / self._half
        return torch.cat([(translation - centre) / UNIT, columns, joints], dim=1)

    def decode(
        self, code: torch.Tensor, centre: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Rotation (B, 3, 3), translation (B, 3) [m] and posture (B, J) [rad], within limits."""
        first = torch.nn.functional.normalize(code[:, 3:6], dim=1)
        second = code[:, 6:9] - (code[:, 6:9] * first).sum(dim=1, keepdim=True) * first
        second = torch.nn.functional.normalize(second, dim=1)
        rotation = torch.stack([first, second, torch.linalg.cross(first, second)], dim=2)
        posture = (self._middle + code[:, 9:] * self._half).clamp(self._lower, self._upper)
        return rotation, UNIT * code[:, :3] + centre, posture
