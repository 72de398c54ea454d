"""What there is to open below a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dex1b_core.data.shards import SUFFIX
from dex1b_core.viz.browser.grasp_rows import is_grasps

MOST_ENTRIES = 500
_DEPTH = 6


@dataclass(frozen=True)
class DataEntry:
    """One thing to open.

    Attributes:
        kind: 'shards' (a folder), 'grasps' (a .npz file) or 'page' (.html).
        path: Of it.
        label: Path below the folder that was searched.
    """

    kind: str
    path: Path
    label: str


def find_entries(root: Path) -> list[DataEntry]:
    """Shards, grasps and pages below a folder, by name, at most MOST_ENTRIES of them."""
    found: list[DataEntry] = []
    for folder, below, names in os.walk(root):
        here = Path(folder)
        depth = len(here.relative_to(root).parts)
        below[:] = sorted(n for n in below if not n.startswith('.')) if depth < _DEPTH else []
        label = str(here.relative_to(root))
        if any(name.endswith(SUFFIX) for name in names):
            found.append(DataEntry('shards', here, f'{label}/ (shards)'))
        for name in sorted(names):
            path = here / name
            kind = 'page' if path.suffix == '.html' else ''
            if path.suffix == '.npz' and is_grasps(path):
                kind = 'grasps'
            if kind:
                found.append(DataEntry(kind, path, str(path.relative_to(root))))
        if len(found) >= MOST_ENTRIES:
            break
    return found[:MOST_ENTRIES]
