"""Grasps of known objects that a network proposes and a short descent improves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch

from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.constraints import Constraints
from dex1b_core.synthesis.descent import DescentSettings
from dex1b_core.synthesis.ranking import Prediction, predicted_success
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import REFINEMENT, SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer
from dex1b_core.synthesis.seeds import Seeds

DRAWS = 64
DRAWS_OF_A_PLACE = 4


@dataclass(frozen=True)
class LearnedSettings:
    """How proposals become grasps.

    Attributes:
        draws: Proposals for each grasp refined; those of least energy go on.
        each: Of them about one place in a row, of which one goes on.
        temperature: See `GraspSampler.sample`.
        flow_steps: See `GraspSampler.sample`.
        refinement: Of the descent.
        seeds: Of the rest: objective, pregrasp, squeeze, and how many grasps are refined for each
            one returned.
    """

    draws: int = DRAWS
    each: int = DRAWS_OF_A_PLACE
    temperature: float = 1.0
    flow_steps: int | None = None
    refinement: DescentSettings = REFINEMENT
    seeds: SeedSettings = field(default_factory=SeedSettings)

    @classmethod
    def quick(cls) -> Self:
        """Many proposals, improved little: for small batches, where a step costs the same for all.

        The scale of the noise makes good for the diversity that picking costs.
        """
        return cls(
            draws=8,
            temperature=1.2,
            flow_steps=3,
            refinement=replace(REFINEMENT, steps=20),
            seeds=SeedSettings().with_excess(8.0),
        )


class LearnedSynthesizer:
    """`SeedSynthesizer` with a network's proposals instead of random starts and exploration.

    A cone of approach and a region of contacts become conditions of the network: the direction of
    the fingers and the place that they are about.
    """

    def __init__(
        self,
        hand: HandModel,
        model: DexSimple,
        settings: LearnedSettings | None = None,
        constraints: Constraints | None = None,
        predict: Prediction = predicted_success,
    ) -> None:
        self.settings = settings or LearnedSettings()
        self._sampler = GraspSampler(hand, model)
        self._synthesizer = SeedSynthesizer(hand, self.settings.seeds, constraints, predict=predict)

    def synthesize(
        self,
        target: SeedObject,
        cloud: torch.Tensor,
        count: int,
        *,
        seed: int,
        weights: torch.Tensor | None = None,
        others: Sequence[SeedObject] = (),
    ) -> Seeds:
        """Grasps of an object, best first; the same seed gives the same grasps.

        Args:
            target: The object, as the descent knows it.
            cloud: (N, 3) what the network is shown of it, same frame [m].
            count: How many to return.
            seed: Of every random draw.
            weights: (N,) how often grasps are about each point; evenly by default.
            others: What the object may be as well; a grasp counts by its mean over all.

        Raises:
            Dex1bError: see `GraspSampler.sample`; NO_CANDIDATES when the constraints leave none.
        """
        generator = torch.Generator().manual_seed(seed)
        left, chunk = self._synthesizer.total(count), self.settings.seeds.chunk
        parts: list[Seeds] = []
        while left > 0:
            size = min(left, chunk)
            proposals = self._propose(target, cloud, size, seed + len(parts), generator, weights)
            parts.append(
                self._synthesizer.refine(
                    target, proposals, seed=seed + len(parts), descent=self.settings.refinement
                )
            )
            left -= size
        return self._synthesizer.best(target, Seeds.joined(parts), count, others)

    def _propose(
        self,
        target: SeedObject,
        cloud: torch.Tensor,
        count: int,
        seed: int,
        generator: torch.Generator,
        weights: torch.Tensor | None,
    ) -> GraspBatch:
        constraints, draws = self._synthesizer.constraints, self.settings.draws * count
        if constraints.contact_region is not None:
            places = torch.zeros(len(cloud))
            places[constraints.start_points(cloud)] = 1.0
            weights = places if weights is None else weights * places
        drawn = self._sampler.sample(
            cloud, draws, generator, plane=target.plane, weights=weights,
            heading=constraints.approach_directions(draws, generator),
            temperature=self.settings.temperature, steps=self.settings.flow_steps,
            each=self.settings.each,
        )  # fmt: skip
        return self._synthesizer.least_energy(
            target, drawn, count, seed=seed, each=self.settings.each
        )
