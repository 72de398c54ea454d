"""Networks on disk: safetensors, which cannot carry code, with a description inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots.hand_model import HandModel


class NetworkCard(Protocol):
    """What every network says of itself."""

    @property
    def hand(self) -> str:
        """Its name."""

    @property
    def joints(self) -> tuple[str, ...]:
        """Driven joints, in order."""


Card = TypeVar('Card', bound=NetworkCard)
Model = TypeVar('Model', bound=nn.Module)


def write_network(path: Path, model: nn.Module, form: str, card: str) -> None:
    """Write in one step; `form` says what it is, `card` describes it (JSON)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.partial')
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    save_file(tensors, partial, metadata={'format': form, 'card': card})
    partial.replace(path)


def read_network(path: Path, form: str) -> tuple[dict[str, torch.Tensor], str]:
    """Tensors and card.

    Raises:
        Dex1bError: MODEL_NOT_LOADED for a file that is missing, truncated or of another form.
    """
    if not path.is_file():
        raise refused(path, 'there is no such file')
    try:
        with safetensors.safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, UnicodeError) as error:
        raise refused(path, f'it is truncated or no safetensors file ({error})') from error
    if metadata.get('format') != form:
        raise refused(
            path, f"its format is '{metadata.get('format')}'; expected '{form}' of 'dex1b engine'"
        )
    if 'card' not in metadata:
        raise refused(path, 'it has no card that says what it is for')
    return tensors, metadata['card']


def load_network(
    path: Path,
    form: str,
    hand: HandModel,
    parse: Callable[[str], Card],
    build: Callable[[Card], Model],
) -> tuple[Model, Card]:
    """A network for a hand, in the mode of use.

    Args:
        path: Of the file.
        form: What it must be.
        hand: Whom it must be for.
        parse: Makes a card of JSON.
        build: Makes a network as the card says; its tensors are then replaced.

    Raises:
        Dex1bError: MODEL_NOT_LOADED for a file that is missing, truncated, foreign, or for another
            hand, for tensors that do not fit or hold NaN; the message says which.
    """
    tensors, text = read_network(path, form)
    try:
        card = parse(text)
    except (Dex1bError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise refused(path, f'its card is malformed ({type(error).__name__}: {error})') from error
    expected = tuple(hand.kinematics.joint_names)
    if card.joints != expected:
        raise refused(
            path,
            f"it is for hand '{card.hand}' with joints {', '.join(card.joints)}; expected one for "
            f"'{hand.hand.key}' with {', '.join(expected)}",
        )
    try:
        with torch.device('meta'):  # whatever sizes the card claims, nothing is allocated
            model = build(card)
        model.load_state_dict(tensors, assign=True)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise refused(path, f'its tensors do not fit its settings: {error}') from error
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise refused(path, 'it holds numbers that are not finite; train it again')
    return model.eval(), card


def refused(path: Path, why: str) -> Dex1bError:
    """MODEL_NOT_LOADED, with the reason."""
    return Dex1bError(ErrorCode.MODEL_NOT_LOADED, f'checkpoint {path}: {why}')
