"""A page on a run of the data engine: what each round yielded, what it cost, how training went."""

from __future__ import annotations

import shlex
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.grasp_picture import draw_grasps
from dex1b_core.engine.rounds import curve_path
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.status import SOURCES, RoundStatus
from dex1b_core.model.training import TrainingCurve
from dex1b_core.viz.page import RunPage, bars, columns, figure, reasons, section, table

_COLOURS = {'optimizer': '#7d8794', 'dexsimple': '#1f78b5', 'mujoco': '#299e59',
            'sapien': '#e0a030'}  # fmt: skip
_WORDS = {'divergence': 'divergence [nats]', 'penetration': 'penetration [mm²]',
          'distance': 'distance of fingertips [mm²]'}  # fmt: skip


def training_curves(folder: Path, rounds: Sequence[RoundStatus]) -> dict[int, TrainingCurve]:
    """Of the rounds of which there is one, by number."""
    paths = {row.round: curve_path(folder, row.round) for row in rounds}
    found = {
        number: TrainingCurve.from_json(path.read_text())
        for number, path in paths.items()
        if path.is_file()
    }
    return {number: curve for number, curve in found.items() if len(curve.step) > 1}


def report_page(
    settings: EngineSettings,
    rounds: Sequence[RoundStatus],
    curves: Mapping[int, TrainingCurve],
    shards: ShardFolder | None = None,
) -> str:
    """HTML that needs no other file; with shards, grasps of the last round are drawn."""
    cells = [
        [
            str(row.round), str(row.proposed), str(row.valid), f'{row.share:.1%}',
            *(_share(row, source) for source in SOURCES), str(row.objects), f'{row.per_second:.2f}',
        ]
        for row in rounds
    ]  # fmt: skip
    heads = ('round', 'proposed', 'valid', 'yield', *SOURCES, 'objects', 'valid a core second')
    with tempfile.TemporaryDirectory() as folder:
        pictures = [figure('Yield and processor time', _draw_rounds(Path(folder), rounds))]
        if curves:
            pictures.append(figure('Training', _draw_curves(Path(folder), curves)))
        drawn = None if shards is None else draw_grasps(Path(folder) / 'grasps.png', shards)
        if drawn is not None:
            pictures.append(figure('Grasps of the last shard', drawn))
    spent: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    known: dict[str, str] = {}
    for row in rounds:
        spent.update(row.seconds)
        failed.update(row.reasons)
        known |= row.versions
    return RunPage(
        title=f'Data engine: {settings.hand}',
        command=run_command(settings),
        versions=known,
        values={
            'hand': settings.hand,
            'valid grasps': sum(row.valid for row in rounds),
            'proposed': sum(row.proposed for row in rounds),
            'seed': settings.seed,
        },
        parts=[
            *pictures,
            section('Rounds', table(heads, cells)),
            columns(bars('Processor time [s]', spent, digits=0), reasons('Failed for', failed)),
        ],
    ).html()


def run_command(settings: EngineSettings) -> str:
    """The command that repeats a run; RUN and OBJECTS stand for a folder and a list of objects.

    Options of settings that the command cannot set are those of its defaults.
    """
    parts = [
        'dex1b', 'engine', 'run', '--hand', settings.hand, '--rounds', settings.rounds,
        '--proposals', settings.proposals, '--random', f'{settings.random:g}',
        '--table', f'{settings.table:g}', '--excess', f'{settings.excess:g}',
        '--debias' if settings.debias else '--no-debias',
        '--training-steps', settings.training_steps, '--per-task', settings.per_task,
        '--seed', settings.seed, '--folder', 'RUN',
    ]  # fmt: skip
    parts += ['--objects', 'OBJECTS'] if settings.objects else ['--shapes', settings.shapes]
    return shlex.join(str(part) for part in parts)


def _share(row: RoundStatus, source: str) -> str:
    made, held = row.by_source.get(source, (0, 0))
    return f'{held / made:.1%} of {made}' if made else '-'


def _draw_rounds(folder: Path, rounds: Sequence[RoundStatus]) -> Path:
    """Bars: yield by source, and processor time of a valid grasp by stage."""
    chart, (left, right) = _subplots(2)
    numbers = [row.round for row in rounds]
    for place, source in enumerate(SOURCES):
        rows = [row for row in rounds if row.by_source.get(source, (0, 0))[0]]
        heights = [100.0 * row.by_source[source][1] / row.by_source[source][0] for row in rows]
        left.bar(
            [row.round + 0.36 * (place - 0.5) for row in rows], heights, 0.34,
            color=_COLOURS[source], label=source,
        )  # fmt: skip
    left.set(ylabel='held [%]', ylim=(0, 100))
    below = [0.0] * len(rounds)
    known = {name for row in rounds for name in row.seconds}
    for stage in [name for name in _COLOURS if name in known]:
        spent = [1e3 * row.seconds.get(stage, 0.0) / max(1, row.valid) for row in rounds]
        right.bar(numbers, spent, 0.6, bottom=below, color=_COLOURS[stage], label=stage)
        below = [low + more for low, more in zip(below, spent, strict=True)]
    right.set(ylabel='core time of a valid grasp [ms]', ylim=(0, 1.35 * max(below, default=1.0)))
    for axes in (left, right):
        axes.set(xlabel='round', xticks=numbers)
        axes.legend(frameon=False, ncols=2, loc='upper left')
    return _saved(chart, folder / 'rounds.png')


def _draw_curves(folder: Path, curves: Mapping[int, TrainingCurve]) -> Path:
    """A panel for each loss, a line for each round."""
    names = list(dict.fromkeys(name for curve in curves.values() for name in curve.losses))
    chart, panels = _subplots(len(names))
    for axes, name in zip(panels, names, strict=True):
        for number, curve in curves.items():
            if name in curve.losses:
                axes.plot(curve.step, curve.losses[name], label=f'round {number}')
        axes.set(xlabel='step', title=_WORDS.get(name, name), yscale='log')
        axes.legend(frameon=False)
    return _saved(chart, folder / 'curves.png')


def _subplots(count: int) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    chart = Figure(figsize=(4.6 * count, 3.4), layout='constrained')
    panels = chart.subplots(1, count, squeeze=False)[0]
    for axes in panels:
        axes.spines[['top', 'right']].set_visible(False)
    return chart, list(panels)


def _saved(chart: Any, path: Path) -> Path:
    chart.savefig(path, dpi=110)
    return path
