"""What DexSimple is trained to make small (Dex1B, section IV and Table VI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from dex1b_core.model.dataset import GraspBatchSample
from dex1b_core.robots.hand_model import HandModel

Geometry = Literal['surface', 'points', 'none']
_DEPTH = 0.001  # [m] that counts as one


@dataclass(frozen=True)
class LossWeights:
    """Factors of the losses.

    Attributes:
        reconstruction: Mean squared error over all outputs; of the velocity of a flow.
        divergence: KL of a CVAE's posterior from a standard normal, summed over the latent.
        penetration: Depth of spheres in the object, squared [mm^2]; mean over grasps of the sum.
        distance: Distance of fingertips to the object, squared [mm^2]; mean over grasps of the sum.
    """

    reconstruction: float = 1.0
    divergence: float = 0.01
    penetration: float = 1e-4
    distance: float = 1e-4


def reconstruction(code: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Mean of |g - g'|^2 over outputs and batch."""
    return ((code - made) ** 2).mean()


def divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, variance) || N(0, 1)), summed over the latent, mean over the batch."""
    each = 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance)
    return each.sum(dim=1).mean()


class GeometryLosses:
    """Penetration and distance of decoded hands."""

    def __init__(self, hand: HandModel, kind: Geometry) -> None:
        self.hand, self.kind = hand, kind
        self._fingers = hand.contact_fingers
        self._numbers = sorted(set(hand.contact_fingers.tolist()))

    def __call__(
        self,
        batch: GraspBatchSample,
        rotation: torch.Tensor,
        translation: torch.Tensor,
        posture: torch.Tensor,
        trust: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Penetration and distance, each a scalar; see `LossWeights`; `trust` (B,) weighs grasps.

        'surface' reads the signed distance to the true surface. 'points' is the paper's: the
        distance to the nearest point of the cloud, which is 0 again for what is deep inside.
        """
        back = batch.turns[batch.cloud].transpose(1, 2)
        pose = torch.zeros(len(rotation), 1, 4, 4, device=rotation.device)
        pose[:, 0, :3, :3] = back @ rotation
        pose[:, 0, :3, 3] = (back @ translation[..., None])[..., 0]
        pose[:, 0, 3, 3] = 1.0
        links = pose @ self.hand.kinematics.forward(posture)
        spheres, tips = self.hand.spheres.place(links), self.hand.contacts.place(links)
        depth = torch.relu(self.hand.spheres.radii - self._distance(batch, spheres)) / _DEPTH
        gaps = self._distance(batch, tips).abs() / _DEPTH
        nearest = torch.stack(
            [
                torch.where(self._fingers == finger, gaps, torch.inf).amin(dim=1)
                for finger in self._numbers
            ]
        )
        return (
            (trust * (depth**2).sum(dim=1)).mean(),
            (trust * (nearest**2).sum(dim=0)).mean(),
        )

    def _distance(self, batch: GraspBatchSample, points: torch.Tensor) -> torch.Tensor:
        """(B, S) of (B, S, 3) points in the objects' frames [m]."""
        if self.kind == 'surface':
            return batch.sdfs.distance(points.permute(1, 2, 0).contiguous()).T
        clouds = (batch.clouds @ batch.turns)[batch.cloud]
        return torch.cdist(points, clouds).amin(dim=2)
