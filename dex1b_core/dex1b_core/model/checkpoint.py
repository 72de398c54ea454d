"""Trained generators on disk."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.network_file import load_network, read_network, write_network
from dex1b_core.model.settings import ModelSettings
from dex1b_core.robots.hand_model import HandModel

FORMAT = 'dexsimple-1'


@dataclass(frozen=True)
class ModelCard:
    """Where a network comes from; see also the Markdown file beside a shipped checkpoint.

    Attributes:
        hand: Its name.
        joints: Driven joints, in the order of its outputs.
        settings: Of the network.
        data: What it was trained on: rows, objects, rounds.
        training: Settings of the training.
        seed: Of the training.
    """

    hand: str
    joints: tuple[str, ...]
    settings: ModelSettings
    data: dict[str, Any]
    training: dict[str, Any]
    seed: int

    def to_json(self) -> str:
        """Everything."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From `to_json`."""
        values = json.loads(text)
        values['joints'] = tuple(values['joints'])
        values['settings'] = ModelSettings.from_dict(values['settings'])
        return cls(**values)


def save_checkpoint(path: Path, model: DexSimple, card: ModelCard) -> None:
    """Write in one step."""
    write_network(path, model, FORMAT, card.to_json())


def load_checkpoint(path: Path, hand: HandModel) -> tuple[DexSimple, ModelCard]:
    """Read a network for a hand.

    Raises:
        Dex1bError: MODEL_NOT_LOADED for a file that is missing, truncated, foreign, or for another
            hand; the message says which.
    """
    return load_network(
        path,
        FORMAT,
        hand,
        ModelCard.from_json,
        lambda card: DexSimple(card.settings, GraspCode(hand.kinematics).size),
    )


def read_card(path: Path) -> ModelCard:
    """What a checkpoint says of itself.

    Raises:
        Dex1bError: MODEL_NOT_LOADED as `load_checkpoint`.
    """
    return ModelCard.from_json(read_network(path, FORMAT)[1])
