"""Predicts from the engine's verdicts which grasps will hold, before any physics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from dex1b_core.model.decoder import mlp
from dex1b_core.synthesis.ranking import GraspMeasures


@dataclass(frozen=True)
class SuccessSettings:
    """Of a predictor and its training.

    Attributes:
        hidden: Widths of the layers.
        folds: Networks; each has not seen the objects of its own fold.
        epochs: Over the rows.
        batch: Rows of a step.
        rate: Of AdamW at first; it falls to zero along a cosine.
        decay: Of weights.
    """

    hidden: tuple[int, ...] = (64, 64)
    folds: int = 5
    epochs: int = 15
    batch: int = 256
    rate: float = 2e-3
    decay: float = 1.0


class SuccessPredictor(nn.Module):
    """Several small networks on measures of a grasp and its fingers, calibrated together.

    Call it with `GraspMeasures`: it is a `Prediction`.
    """

    lower: torch.Tensor
    upper: torch.Tensor
    mean: torch.Tensor
    deviation: torch.Tensor
    calibration: torch.Tensor

    def __init__(self, settings: SuccessSettings, size: int) -> None:
        super().__init__()
        self.settings = settings
        self.nets = nn.ModuleList(mlp((size, *settings.hidden, 1)) for _ in range(settings.folds))
        self.register_buffer('lower', torch.full((size,), -torch.inf))
        self.register_buffer('upper', torch.full((size,), torch.inf))
        self.register_buffer('mean', torch.zeros(size))
        self.register_buffer('deviation', torch.ones(size))
        self.register_buffer('calibration', torch.tensor([1.0, 0.0]))

    def forward(self, measures: GraspMeasures) -> torch.Tensor:
        """(B,) probability of holding, on the device of the measures."""
        features = measures.details()
        return self.probability(features.to(self.mean.device)).to(features.device)

    def probability(self, features: torch.Tensor) -> torch.Tensor:
        """(B,) of `GraspMeasures.details` (B, D)."""
        logits = torch.stack([self.logit(fold, features) for fold in range(len(self.nets))])
        return self.calibrated(logits.mean(dim=0))

    def logit(self, fold: int, features: torch.Tensor) -> torch.Tensor:
        """(B,) of one network; not calibrated."""
        # what training has not seen says no more than the last that it has
        known = features.clamp(self.lower, self.upper)
        logit: torch.Tensor = self.nets[fold]((known - self.mean) / self.deviation)[:, 0]
        return logit

    def calibrated(self, logits: torch.Tensor) -> torch.Tensor:
        """(B,) probabilities of logits."""
        slope, offset = self.calibration
        return torch.sigmoid(slope * logits + offset)
