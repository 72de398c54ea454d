"""Arrays kept on disk; several processes may read and write at once."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """Arrays by name in the order in which they were written; None when there is no usable file."""
    try:
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile):
        return None


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write beside the target, then rename, so that no reader sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix='.tmp')
    contents: dict[str, Any] = dict(arrays)
    try:
        with os.fdopen(handle, 'wb') as file:
            np.savez(file, **contents)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
