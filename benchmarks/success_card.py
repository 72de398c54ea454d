r"""Write the card of the shipped predictors of success from what they say of themselves.

.venv/bin/python -m benchmarks.success_card
"""

from __future__ import annotations

from pathlib import Path

from dex1b_core.config import config_folder
from dex1b_core.model.network_file import read_network
from dex1b_core.model.success_file import FORMAT, SuccessCard

HEADS = (
    'hand', 'judged', 'objects', 'held %', 'AUC', 'of the line', 'better half holds %',
    'of the line', 'calibration error',
)  # fmt: skip
TEXT = """# Predictors of success

Say of a finished grasp of one hand, before any physics, how probably it holds all six pushes in
MuJoCo and in SAPIEN ([engine](../../docs/engine.md#predictor-of-success)). They rank grasps; no
robot should move on their word alone.

Trained on the verdicts of the engine's first round: the optimiser's unranked grasps of procedural
shapes ([split](../split/training.txt)), three in ten on a plane; no YCB object. Figures are of
objects that the network at work had not seen; *the line* is the regression by which hands without a
predictor are ranked. Apache-2.0.

"""
AGAIN = """
Again, the same weights on the same machine:

    dex1b engine run --folder RUN --hand HAND --rounds 1 --proposals PROPOSALS --shapes 300 --seed 0
    cp RUN/checkpoints/round-00.success.safetensors config/checkpoints/HAND.success.safetensors

with 6400 proposals for Ability and Allegro, 3200 for the others.
"""


def row_of(card: SuccessCard) -> str:
    """Of the table."""
    report = card.report
    cells = [
        card.hand, report['grasps'], report['objects'], f'{100 * report["held"]:.1f}',
        f'{report["auc"]:.3f}', f'{report["auc_linear"]:.3f}',
        f'{100 * report["better_half"]:.1f}', f'{100 * report["better_half_linear"]:.1f}',
        f'{report["calibration_error"]:.3f}',
    ]  # fmt: skip
    return f'| {" | ".join(map(str, cells))} |'


def page(folder: Path) -> str:
    """Of all predictors of a folder."""
    paths = sorted(folder.glob('*.success.safetensors'))
    cards = [SuccessCard.from_json(read_network(path, FORMAT)[1]) for path in paths]
    rows = [f'| {" | ".join(HEADS)} |', '|---' * len(HEADS) + '|', *map(row_of, cards)]
    return TEXT + '\n'.join(rows) + '\n' + AGAIN


if __name__ == '__main__':
    target = config_folder() / 'checkpoints'
    (target / 'success.md').write_text(page(target))
