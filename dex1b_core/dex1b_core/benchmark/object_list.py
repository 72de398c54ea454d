"""Lists of objects to benchmark on."""

from __future__ import annotations

from pathlib import Path

from dex1b_core.assets import object_names
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.mesh_file import SUFFIXES

PROCEDURAL = tuple(f'shape:random-{seed}' for seed in range(20))
"""Shapes that reports use; development uses those from random-100 on."""


def object_list(what: str) -> list[str]:
    """Names as `load_object` takes them.

    Args:
        what: 'ycb', 'procedural', a text file with a name or path on each line ('#' begins a
            comment; paths are relative to the file), a folder of mesh files, or names separated by
            commas.

    Raises:
        Dex1bError: INVALID_REQUEST when nothing is named.
    """
    if what == 'ycb':
        return [f'ycb:{name}' for name in object_names()]
    if what == 'procedural':
        return list(PROCEDURAL)
    if ',' in what:  # longer than a path may be
        return _named(what)
    path = Path(what)
    if path.is_dir():
        found = sorted(str(p) for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        return _require(found, f'{path}: no mesh file; expected some of {", ".join(SUFFIXES)}')
    if path.suffix == '.txt':
        try:
            lines = [line.split('#')[0].strip() for line in path.read_text().splitlines()]
        except OSError as error:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, f'{path}: not a readable list of objects: {error}'
            ) from error
        return _require([_resolved(line, path) for line in lines if line], f'{path}: no name in it')
    return _named(what)


def _named(what: str) -> list[str]:
    return _require([name.strip() for name in what.split(',') if name.strip()], 'no object named')


def _resolved(name: str, listed_in: Path) -> str:
    beside = listed_in.parent / name
    return str(beside) if ':' not in name and beside.is_file() else name


def _require(names: list[str], otherwise: str) -> list[str]:
    if not names:
        raise Dex1bError(ErrorCode.INVALID_REQUEST, otherwise)
    return names
