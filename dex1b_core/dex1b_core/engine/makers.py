"""What makes the proposals of a round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from dex1b_core.engine.settings import EngineSettings
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.learned_seeds import LearnedSettings, LearnedSynthesizer
from dex1b_core.model.success_file import load_predictor
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.ranking import Prediction, predicted_success
from dex1b_core.synthesis.seed_settings import REFINEMENT, seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer


@dataclass(frozen=True, eq=False)
class Networks:
    """Of a round, on disk.

    Attributes:
        generator: DexSimple.
        predictor: Of success; None where there is none.
    """

    generator: Path
    predictor: Path | None


@dataclass(frozen=True, eq=False)
class Makers:
    """Of proposals for one hand.

    Attributes:
        optimizer: From scratch.
        learner: By the network; None in the first round.
    """

    optimizer: SeedSynthesizer
    learner: LearnedSynthesizer | None

    @classmethod
    def of(cls, settings: EngineSettings, hand: HandModel, networks: Networks | None) -> Self:
        """From the networks of the round before.

        Raises:
            Dex1bError: MODEL_NOT_LOADED.
        """
        excess = 1.0 if networks is None else settings.excess
        predict = _prediction(networks, hand)
        seeds = seed_settings(150, settings.stiffness).with_excess(excess)
        optimizer = SeedSynthesizer(hand, seeds, predict=predict)
        if networks is None:
            return cls(optimizer, None)
        model, _ = load_checkpoint(networks.generator, hand)
        steps = replace(REFINEMENT, steps=settings.refine_steps)
        learned = LearnedSettings(draws=settings.draws, refinement=steps, seeds=seeds)
        return cls(optimizer, LearnedSynthesizer(hand, model, learned, predict=predict))


def _prediction(networks: Networks | None, hand: HandModel) -> Prediction:
    if networks is None or networks.predictor is None:
        return predicted_success
    return load_predictor(networks.predictor, hand)[0]
