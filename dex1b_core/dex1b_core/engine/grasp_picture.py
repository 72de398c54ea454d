"""A few grasps of a run, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dex1b_core.data.demonstrations import Demonstrations
from dex1b_core.data.shards import ShardFolder
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.viz.canvas import Headline
from dex1b_core.viz.grasp_gallery import GalleryTile, draw_tiles
from dex1b_core.viz.verdict import GREEN, RED

_EACH = 4  # that held, and that failed


def draw_grasps(path: Path, shards: ShardFolder) -> Path | None:
    """Draw grasps of one object of the last shard, held and failed.

    None where there is nothing to draw, or its hand or object is not on this machine.
    """
    names = shards.names()
    if not names:
        return None
    rows = shards.read(names[-1])
    spec, scale = _most_varied(rows)
    mine = np.flatnonzero((rows.values('object') == spec) & (rows.values('scale') == scale))
    try:
        hand = HandModel(load_hand(rows.provenance.hand))
        model = load_object(spec, scale=scale)
    except Dex1bError:  # made elsewhere: the figures are worth a page without it
        return None
    held = rows.held[mine]
    chosen = [*mine[held][:_EACH], *mine[~held][:_EACH]]
    tiles = [_tile(rows, int(row), hand) for row in chosen]
    words = f'{int(held.sum())} of {len(mine)} held in this shard'
    draw_tiles(path, Headline(spec, words), hand, (model.vertices, model.faces), tiles)
    return path


def _most_varied(rows: Demonstrations) -> tuple[str, float]:
    """The object, and its scale, that has both kinds of grasps most evenly."""
    specs, scales, held = rows.values('object'), rows.values('scale'), rows.held
    best = max(
        dict.fromkeys(zip(specs.tolist(), scales.tolist(), strict=True)),
        key=lambda one: _rarer(held[(specs == one[0]) & (scales == one[1])]),
    )
    return str(best[0]), float(best[1])


def _rarer(held: np.ndarray) -> int:
    return int(min(held.sum(), (~held).sum()))


def _tile(rows: Demonstrations, row: int, hand: HandModel) -> GalleryTile:
    cells = rows.table.slice(row, 1).to_pylist()[0]
    pose = np.eye(4)
    pose[:3, :3] = np.reshape(cells['rotation'], (3, 3))
    pose[:3, 3] = cells['translation']
    order = [rows.provenance.joints.index(name) for name in hand.kinematics.joint_names]
    held = bool(rows.held[row])
    title = 'held' if held else (cells['reason'] or 'failed').lower().replace('_', ' ')
    detail = f'{cells["source"]}, predicted {cells["score"]:.0%}'
    posture = np.array(cells['grasp'], dtype=float)[order]
    return GalleryTile(pose, posture, title, detail, GREEN if held else RED)
