"""Grasps of known objects that a network proposes and a short descent improves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.descent import DescentSettings
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import REFINEMENT, SeedSettings
from dex1b_core.synthesis.seeds import Seeds, SeedSynthesizer


@dataclass(frozen=True)
class LearnedSettings:
    """How proposals become grasps.

    Attributes:
        refinement: Of the descent.
        excess: Proposals for each grasp returned; the best by prediction are kept.
        seeds: Of the rest: objective, pregrasp and squeeze.
    """

    refinement: DescentSettings = REFINEMENT
    excess: float = 1.5
    seeds: SeedSettings = field(default_factory=SeedSettings)


class LearnedSynthesizer:
    """`SeedSynthesizer` with a network's proposals instead of random starts and exploration."""

    def __init__(
        self, hand: HandModel, model: DexSimple, settings: LearnedSettings | None = None
    ) -> None:
        self.settings = settings or LearnedSettings()
        self._sampler = GraspSampler(hand, model)
        self._synthesizer = SeedSynthesizer(hand, self.settings.seeds)

    def synthesize(
        self, target: SeedObject, cloud: torch.Tensor, count: int, *, seed: int
    ) -> Seeds:
        """Grasps of an object, best first; the same seed gives the same grasps.

        Args:
            target: The object, as the descent knows it.
            cloud: (N, 3) what the network is shown of it, same frame [m].
            count: How many to return.
            seed: Of every random draw.

        Raises:
            Dex1bError: see `GraspSampler.sample`.
        """
        generator = torch.Generator().manual_seed(seed)
        left, chunk = math.ceil(self.settings.excess * count), self.settings.seeds.chunk
        proposals = []
        while left > 0:
            drawn = min(left, chunk)
            proposals.append(self._sampler.sample(cloud, drawn, generator, plane=target.plane))
            left -= drawn
        parts = [
            self._synthesizer.refine(
                target, proposal, seed=seed + number, descent=self.settings.refinement
            )
            for number, proposal in enumerate(proposals)
        ]
        return Seeds.joined(parts).best(count)
