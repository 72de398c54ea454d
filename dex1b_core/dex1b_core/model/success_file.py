"""Success predictors on disk, and those that ship."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dex1b_core.config import config_folder
from dex1b_core.model.network_file import load_network, write_network
from dex1b_core.model.success import SuccessPredictor, SuccessSettings
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.ranking import Prediction, details_size, predicted_success

FORMAT = 'success-1'


@dataclass(frozen=True)
class SuccessCard:
    """Where a predictor comes from.

    Attributes:
        hand: Its name.
        joints: Driven joints.
        settings: Of the networks.
        report: `SuccessReport.to_dict`, on objects that they had not seen.
        seed: Of the training.
    """

    hand: str
    joints: tuple[str, ...]
    settings: SuccessSettings
    report: dict[str, Any]
    seed: int

    def to_json(self) -> str:
        """Everything."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From `to_json`."""
        values = json.loads(text)
        settings = values['settings']
        values['settings'] = SuccessSettings(**settings | {'hidden': tuple(settings['hidden'])})
        values['joints'] = tuple(values['joints'])
        return cls(**values)


def save_predictor(path: Path, model: SuccessPredictor, card: SuccessCard) -> None:
    """Write in one step."""
    write_network(path, model, FORMAT, card.to_json())


def load_predictor(path: Path, hand: HandModel) -> tuple[SuccessPredictor, SuccessCard]:
    """Read a predictor for a hand.

    Raises:
        Dex1bError: MODEL_NOT_LOADED for a file that is missing, truncated, foreign, or for another
            hand; the message says which.
    """
    size = details_size(len(hand.finger_names))
    return load_network(
        path,
        FORMAT,
        hand,
        SuccessCard.from_json,
        lambda card: SuccessPredictor(card.settings, size),
    )


def shipped_predictor(hand: str) -> Path:
    """Where the predictor of a described hand is, if there is one."""
    return config_folder() / 'checkpoints' / f'{hand}.success.safetensors'


def prediction_for(hand: HandModel) -> Prediction:
    """The shipped predictor, or the linear one for hands without.

    Raises:
        Dex1bError: MODEL_NOT_LOADED for one that is damaged or of another hand.
    """
    path = shipped_predictor(hand.hand.key)
    return load_predictor(path, hand)[0] if path.is_file() else predicted_success
