"""What turns conditions into grasp codes, and how it learns to."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Fit:
    """What a decoder makes of known grasps while it learns.

    Attributes:
        code: (B, D) its guess at each, to measure hands by.
        trust: (B,) 0 to 1: how far the guess is meant to be a grasp.
        losses: Scalars by their name in `LossWeights`.
    """

    code: torch.Tensor
    trust: torch.Tensor
    losses: Mapping[str, torch.Tensor]


class GraspDecoder(nn.Module, ABC):
    """Draws codes (B, D) for conditions (B, C)."""

    @abstractmethod
    def fit(self, code: torch.Tensor, condition: torch.Tensor, generator: torch.Generator) -> Fit:
        """Losses on known grasps."""

    @abstractmethod
    def sample(
        self,
        condition: torch.Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        steps: int | None = None,
    ) -> torch.Tensor:
        """A code for each condition.

        Args:
            condition: (B, C).
            generator: Of the noise that codes are made from.
            temperature: Scale of that noise.
            steps: In which it is done, where it is done in steps; by default those of the settings.
        """


def mlp(widths: tuple[int, ...]) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
