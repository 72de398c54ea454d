"""Move values made of tensors to another device."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from pydantic import BaseModel

from dex1b_core.errors import Dex1bError, ErrorCode

Value = TypeVar('Value')


def moved(value: Value, device: torch.device | str) -> Value:
    """The same value with every tensor in it on another device.

    Goes into lists, tuples, dictionaries and the attributes of this library's own objects; what
    else there is, is shared with the original.
    """
    return _moved(value, torch.device(device))  # type: ignore[no-any-return]


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, tuple | list):
        return type(value)(_moved(item, device) for item in value)
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    is_ours = type(value).__module__.startswith('dex1b_core.') and hasattr(value, '__dict__')
    if not is_ours or isinstance(value, BaseModel | type):
        return value
    twin = copy.copy(value)
    for name, item in vars(value).items():
        object.__setattr__(twin, name, _moved(item, device))
    return twin


def usable_device(name: str) -> torch.device:
    """A device by name, once it is known to work.

    Args:
        name: 'cpu', 'cuda' or 'cuda:N'.

    Raises:
        Dex1bError: DEVICE_ERROR when there is no such device; the message lists those that are.
    """
    there = ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]
    try:
        device = torch.device(name)
        usable = (
            device.type in {'cpu', 'cuda'}
            and (f'cuda:{device.index or 0}' if device.type == 'cuda' else 'cpu') in there
        )
    except RuntimeError:
        usable = False
    if not usable:
        raise Dex1bError(
            ErrorCode.DEVICE_ERROR,
            f"no device '{name}' on this machine; there are: {', '.join(there)}",
        )
    return device
