"""Reads the dictionaries that `np.save` pickles, without running what a file may ask for."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dex1b_core.errors import Dex1bError, ErrorCode

_NUMPY = {'_reconstruct', 'ndarray', 'dtype', 'scalar', '_frombuffer'}
_OTHERS = {('_codecs', 'encode')}  # how older pickles hold bytes


def read_pickled_dict(path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """What np.load(path, allow_pickle=True).item() gives, if it is a dictionary of plain data.

    Raises:
        Dex1bError: INVALID_REQUEST when it is none, lacks one of `keys` or asks for anything but
            arrays.
    """
    try:
        with path.open('rb') as file:
            version = np.lib.format.read_magic(file)
            read_header = getattr(np.lib.format, f'read_array_header_{version[0]}_{version[1]}')
            shape, _, dtype = read_header(file)
            found = _DataOnly(file).load() if dtype.hasobject else None
    except Exception as error:  # unpickling of damaged files raises almost anything
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{path}: not a readable grasp file: {error}'
        ) from error
    content = found.item() if isinstance(found, np.ndarray) and shape == () else None
    if not isinstance(content, dict):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path}: holds no dictionary; expected what np.save writes of one',
        )
    missing = [key for key in keys if key not in content]
    if missing:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path}: lacks {", ".join(missing)}; it has {", ".join(map(str, content))}',
        )
    return content


class _DataOnly(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        is_numpy = module_name.split('.')[0] == 'numpy' and global_name in _NUMPY
        if not is_numpy and (module_name, global_name) not in _OTHERS:
            raise pickle.UnpicklingError(f'it asks for {module_name}.{global_name}; refused')
        return super().find_class(module_name, global_name)
