"""Rates of raw seeds over hands and objects, judged by the hold check.

    .venv/bin/python -m benchmarks.seeds --hands allegro_right,ability_right --n 64 --out out/seeds

Runs `dex1b synth` for every hand and object, then the hold check at the usual and at the hard
friction, and writes seeds.md and seeds.json. What is there already is not done again: stop it and
start it as you like. What follows `--` goes to `dex1b synth`, for example `-- --table`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.judging import judge
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import Verdicts

# The first 20 YCB models by number whose smallest side is 30-82 mm and largest at most 260 mm.
YCB = (
    '003_cracker_box', '004_sugar_box', '005_tomato_soup_can', '006_mustard_bottle',
    '007_tuna_fish_can', '008_pudding_box', '009_gelatin_box', '010_potted_meat_can', '011_banana',
    '012_strawberry', '013_apple', '014_lemon', '015_peach', '016_pear', '017_orange', '018_plum',
    '021_bleach_cleanser', '024_bowl', '025_mug', '035_power_drill',
)  # fmt: skip
OBJECTS = (*(f'ycb:{name}' for name in YCB), *(f'shape:random-{seed}' for seed in range(20)))
FRICTIONS = (HoldProtocol.friction, 0.3)  # the usual and the hard setting


@dataclass(frozen=True)
class Row:
    """One hand on one object.

    Attributes:
        hand, spec: Names.
        synthesis: What `dex1b synth` reported.
        verdicts: At each of `FRICTIONS`.
    """

    hand: str
    spec: str
    synthesis: dict[str, Any]
    verdicts: tuple[Verdicts, ...]


def main() -> None:
    own, extra = sys.argv[1:], []
    if '--' in own:
        own, extra = own[: own.index('--')], own[own.index('--') + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hands', default='allegro_right,ability_right')
    parser.add_argument('--objects', default=','.join(OBJECTS))
    parser.add_argument('--n', type=int, default=64, help='candidates for each hand and object')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--jobs', type=int, default=2, help='processes that judge')
    parser.add_argument(
        '--quick', action='store_true', help='extrapolate what hardly moves: not for reports'
    )
    parser.add_argument('--out', type=Path, default=Path('out/seeds'))
    arguments = parser.parse_args(own)
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for hand in arguments.hands.split(','):
        for spec in arguments.objects.split(','):
            row = run(hand, spec, arguments, extra)
            if row is not None:
                rows.append(row)
                write(arguments.out, rows)
    print((arguments.out / 'seeds.md').read_text())


def run(hand: str, spec: str, arguments: argparse.Namespace, extra: list[str]) -> Row | None:
    """Make and judge candidates, or read what an earlier run left; None when synthesis failed."""
    object_name = ''.join(c if c.isalnum() or c in '-_' else '-' for c in spec)
    stem = arguments.out / f'{hand}.{object_name}.n{arguments.n}.s{arguments.seed}'
    found, report = stem.with_name(stem.name + '.npz'), stem.with_name(stem.name + '.json')
    if not (found.is_file() and report.is_file()):
        command = [
            str(Path(sys.executable).with_name('dex1b')), 'synth', '--hand', hand,
            '--object', spec, '--n', str(arguments.n), '--seed', str(arguments.seed),
            '--out', str(found), '--json', str(report), *extra,
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            print(f'{hand} {spec}: {result.stderr.strip()}', file=sys.stderr)
            return None
    synthesis = json.loads(report.read_text())
    verdicts = []
    for friction in FRICTIONS:
        kind = '.quick' if arguments.quick else ''
        path = stem.with_name(f'{stem.name}.friction{friction:g}{kind}.npz')
        if not path.is_file() or path.stat().st_mtime < found.stat().st_mtime:
            protocol = HoldProtocol(friction=friction, extrapolates=arguments.quick)
            judge(found, protocol, jobs=arguments.jobs).save(path)
        verdicts.append(Verdicts.load(path))
    row = Row(hand, spec, synthesis, tuple(verdicts))
    rates = ', '.join(f'{100 * v.success.mean():.0f} %' for v in verdicts)
    print(f'{hand} {spec}: {rates}', file=sys.stderr)
    return row


def write(folder: Path, rows: list[Row]) -> None:
    """Write seeds.md and seeds.json."""
    hands = list(dict.fromkeys(row.hand for row in rows))
    by_hand = {hand: [row for row in rows if row.hand == hand] for hand in hands}
    heads = ['', 'n', 'all six %', '95 %', 'clean %', f'friction {FRICTIONS[1]:g} %', 'raw/s',
             'pen mm p50/p95', 'self mm p50/p95', 'objects held']  # fmt: skip
    text = ['# Raw seeds', '', 'Hands', '']
    text += _markdown(heads, ([hand, *_cells(own)] for hand, own in by_hand.items()))
    for hand, own in by_hand.items():
        text += ['', hand, '']
        text += _markdown(heads[:-1], ([row.spec, *_cells([row])[:-1]] for row in own))
    (folder / 'seeds.md').write_text('\n'.join(text) + '\n')
    (folder / 'seeds.json').write_text(
        json.dumps({hand: _report(own) for hand, own in by_hand.items()}, indent=2) + '\n'
    )


def _report(rows: list[Row]) -> dict[str, Any]:
    wall_s = sum(row.synthesis['wall_s'] for row in rows)
    usual, hard = (Verdicts.joined(v) for v in zip(*(row.verdicts for row in rows), strict=True))
    return {
        'raw_per_s': len(usual) / wall_s if wall_s > 0 else None,
        'objects': len(rows),
        'objects_held': sum(bool(row.verdicts[0].success.any()) for row in rows),
        'usual': usual.summary(),
        'hard': hard.summary(),
        'by_object': {
            row.spec: {
                'raw_per_s': row.synthesis['raw_per_s'],
                **{
                    name: verdicts.summary()
                    for name, verdicts in zip(('usual', 'hard'), row.verdicts, strict=True)
                },
            }
            for row in rows
        },
    }


def _cells(rows: list[Row]) -> list[str]:
    report = _report(rows)
    usual, hard = report['usual'], report['hard']
    low, high = usual['success_interval_percent']
    return [
        str(usual['n']),
        f'{usual["success_percent"]:.1f}',
        f'{low:.0f}-{high:.0f}',
        f'{usual["clean_percent"]:.1f}',
        f'{hard["success_percent"]:.1f}',
        '-' if report['raw_per_s'] is None else f'{report["raw_per_s"]:.1f}',
        *('-' if usual[key] is None else f'{usual[key]["p50"]:.1f}/{usual[key]["p95"]:.1f}'
          for key in ('penetration_mm', 'self_penetration_mm')),
        f'{report["objects_held"]} of {report["objects"]}',
    ]  # fmt: skip


def _markdown(heads: list[str], rows: Iterator[list[str]]) -> list[str]:
    lines = [f'| {" | ".join(heads)} |', '|' + '---|' * len(heads)]
    return [*lines, *(f'| {" | ".join(row)} |' for row in rows)]


if __name__ == '__main__':
    main()
