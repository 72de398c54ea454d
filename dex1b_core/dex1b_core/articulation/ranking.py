"""Which grasps will move their part: a prediction from what can be measured without physics."""

from __future__ import annotations

import torch

WEIGHTS = (-0.3, -0.2, 0.2, 0.1, 0.5, 1.0, 0.3, 0.3, 0.5, -1.0, -0.3, -0.5, -0.1)
CONSTANT = -1.0


def predicted_success(features: torch.Tensor) -> torch.Tensor:
    """(B,) probability from features (B, K) of `features.FeatureFinder`."""
    return torch.sigmoid(features @ torch.tensor(WEIGHTS) + CONSTANT)
