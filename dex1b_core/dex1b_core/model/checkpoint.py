"""Trained networks on disk: safetensors, which cannot carry code, with a description inside."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import safetensors
import torch
from safetensors.torch import save_file

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
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
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.partial')
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    save_file(tensors, partial, metadata={'format': FORMAT, 'card': card.to_json()})
    partial.replace(path)


def load_checkpoint(path: Path, hand: HandModel) -> tuple[DexSimple, ModelCard]:
    """Read a network for a hand.

    Raises:
        Dex1bError: MODEL_NOT_LOADED for a file that is missing, truncated, foreign, or for another
            hand; the message says which.
    """
    tensors, card = _read(path)
    joints = tuple(hand.kinematics.joint_names)
    if card.joints != joints:
        raise _refused(
            path,
            f"it is for hand '{card.hand}' with joints {', '.join(card.joints)}; expected one for "
            f"'{hand.hand.key}' with {', '.join(joints)}",
        )
    model = DexSimple(card.settings, GraspCode(hand.kinematics).size)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise _refused(path, f'its tensors do not fit its settings: {error}') from error
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise _refused(path, 'it holds numbers that are not finite; train it again')
    return model.eval(), card


def read_card(path: Path) -> ModelCard:
    """What a checkpoint says of itself.

    Raises:
        Dex1bError: MODEL_NOT_LOADED as `load_checkpoint`.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[dict[str, torch.Tensor], ModelCard]:
    if not path.is_file():
        raise _refused(path, 'there is no such file')
    try:
        with safetensors.safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise _refused(path, f'it is truncated or no safetensors file ({error})') from error
    if metadata.get('format') != FORMAT:
        raise _refused(
            path, f"its format is '{metadata.get('format')}'; expected '{FORMAT}' of 'dex1b engine'"
        )
    return tensors, ModelCard.from_json(metadata['card'])


def _refused(path: Path, why: str) -> Dex1bError:
    return Dex1bError(ErrorCode.MODEL_NOT_LOADED, f'checkpoint {path}: {why}')
