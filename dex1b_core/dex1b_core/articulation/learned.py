"""Grasps of moving parts that a network proposes and a short descent improves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import torch

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.grasp_target import GraspTarget
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.synthesizer import ArticulationSettings, ArticulationSynthesizer
from dex1b_core.config import config_folder
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.robots.hand_model import HandModel


def shipped_articulation_checkpoint(hand: str) -> Path:
    """Where the network of a hand lies, whether or not there is one."""
    return config_folder() / 'checkpoints' / f'{hand}.articulation.safetensors'


@dataclass(frozen=True)
class LearnedArticulationSettings:
    """How proposals become grasps.

    Attributes:
        draws: Proposals for each grasp refined; those of least energy go on.
        each: Of them about one place in a row, of which one goes on.
        temperature: See `GraspSampler.sample`.
        making: Of the rest: refinement, squeeze, how many grasps are refined for each returned.
    """

    draws: int = 16
    each: int = 4
    temperature: float = 1.0
    making: ArticulationSettings = field(default_factory=ArticulationSettings)


class LearnedArticulationSynthesizer:
    """`ArticulationSynthesizer` with a network's proposals instead of random starts."""

    def __init__(
        self,
        hand: HandModel,
        model: DexSimple,
        settings: LearnedArticulationSettings | None = None,
    ) -> None:
        self.settings = settings or LearnedArticulationSettings()
        self._sampler = GraspSampler(hand, model)
        self._synthesizer = ArticulationSynthesizer(hand, self.settings.making)

    def synthesize(
        self, target: ArticulatedObject, cloud: torch.Tensor, count: int, *, seed: int
    ) -> ArticulationGrasps:
        """The best `count` grasps by prediction; the same seed gives the same grasps.

        Args:
            target: The object, as the descent knows it.
            cloud: (N, 3) what the network is shown of the moving part, object frame [m].
            count: How many to return.
            seed: Of every random draw.

        Raises:
            Dex1bError: see `GraspSampler.sample`.
        """
        making = self.settings.making
        total = max(making.fewest, math.ceil(making.excess * count))
        return self.optimise(GraspTarget.of(target), cloud, total, seed=seed).best(count)

    def optimise(
        self,
        target: GraspTarget,
        cloud: torch.Tensor,
        count: int,
        *,
        seed: int,
        weights: torch.Tensor | None = None,
    ) -> ArticulationGrasps:
        """`count` grasps, not ranked; `weights` (N,) says how often they are about each point."""
        proposals = self._sampler.sample(
            cloud, self.settings.draws * count, torch.Generator().manual_seed(seed),
            plane=target.plane, weights=weights, joint=target.target.joint,
            temperature=self.settings.temperature, each=self.settings.each,
        )  # fmt: skip
        return self._synthesizer.refine(
            target, proposals, count, seed=seed, each=self.settings.each
        )
