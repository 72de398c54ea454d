"""How often MuJoCo and SAPIEN say the same of a grasp, before and after contacts are matched.

    .venv/bin/python -m benchmarks.engine_agreement --out out/agreement

Unranked seeds of two hands on 20 objects, each at one of five frictions; all six directions. What
is there is not made again: stop it and start it as you like. Writes agreement.md and .json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.seeds import YCB
from dex1b_core.data import GraspSet, read_grasps
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import Verdicts, wilson
from dex1b_core.synthesis.seed_file import write_seeds
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seeds import SeedSynthesizer

HANDS = 'allegro_right,ability_right'
# contacts were matched on shapes 100 to 122
OBJECTS = (*(f'ycb:{name}' for name in YCB[::2]), *(f'shape:random-{i}' for i in range(10)))
FRICTIONS = (0.3, 0.45, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Setting:
    """A row of the table: one protocol in both engines."""

    name: str
    protocol: HoldProtocol


SETTINGS = (
    Setting('published contacts, torsional friction .02 m', HoldProtocol(extrapolates=True)),
    Setting('published contacts', HoldProtocol(torsion=0.0, extrapolates=True)),
    Setting('matched', HoldProtocol(torsion=0.0, published_contacts=False, extrapolates=True)),
)


@dataclass(frozen=True)
class Pair:
    """What both engines say of grasps at a friction."""

    hand: str
    friction: float
    mujoco: NDArray[np.bool_]
    sapien: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hands', default=HANDS)
    parser.add_argument('--objects', default=','.join(OBJECTS))
    parser.add_argument('--n', type=int, default=13, help='grasps of each hand and object')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--out', type=Path, default=Path('out/agreement'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Pair]] = {setting.name: [] for setting in SETTINGS}
    for hand in arguments.hands.split(','):
        files = [
            seeds(arguments.out, hand, name, arguments.n) for name in arguments.objects.split(',')
        ]
        with GraspJudge(source_of(read_grasps(files[0])), workers=arguments.workers) as judge:
            for path in files:
                for setting in SETTINGS:
                    found[setting.name] += pairs(judge, path, hand, setting)
            write(arguments.out, found)
    print((arguments.out / 'agreement.md').read_text())


def seeds(folder: Path, hand: str, name: str, count: int) -> Path:
    """A file of unranked seeds."""
    stem = ''.join(c if c.isalnum() or c in '-_' else '-' for c in name)
    path = folder / f'{hand}.{stem}.n{count}.npz'
    if not path.is_file():
        model, hand_model = load_object(name), HandModel(load_hand(hand))
        target, settings = SeedObject.of_model(model), SeedSettings().with_excess(1.0)
        made = SeedSynthesizer(hand_model, settings).synthesize(target, count, seed=5)
        gain = settings.grip.stiffness
        write_seeds(path, hand_model, hand, model, target, made, seed=5, stiffness=gain)
    return path


def pairs(judge: GraspJudge, path: Path, hand: str, setting: Setting) -> list[Pair]:
    """Each grasp at one friction, in both engines."""
    grasps = read_grasps(path)
    made = []
    for number, friction in enumerate(FRICTIONS):
        rows = np.arange(number, len(grasps), len(FRICTIONS))
        if not len(rows):
            continue
        some = grasps.select(rows)
        held = [
            verdicts(judge, some, path, setting, friction, engine).success
            for engine in ('mujoco', 'sapien')
        ]
        made.append(Pair(hand, friction, *held))
    return made


def verdicts(
    judge: GraspJudge,
    grasps: GraspSet,
    path: Path,
    setting: Setting,
    friction: float,
    engine: EngineName,
) -> Verdicts:
    """Of one engine; SAPIEN's do not depend on MuJoCo's contacts."""
    index = 0 if engine == 'sapien' else [s.name for s in SETTINGS].index(setting.name)
    kept = path.with_suffix(f'.{engine}{index}.friction{friction:g}.npz')
    if not kept.is_file():
        protocol = replace(setting.protocol, friction=friction)
        judge.judge(grasps, protocol, engine)[0].save(kept)
    return Verdicts.load(kept)


def write(folder: Path, found: dict[str, list[Pair]]) -> None:
    """Write agreement.md and agreement.json."""
    heads = ['', 'n', 'same verdict', '95 %', 'kappa', 'MuJoCo holds', 'SAPIEN holds',
             *(f'friction {friction:g}' for friction in FRICTIONS)]  # fmt: skip
    lines = [f'| {" | ".join(heads)} |', '|' + '---|' * len(heads)]
    report: dict[str, Any] = {}
    for name, own in found.items():
        for hand in ('', *dict.fromkeys(pair.hand for pair in own)):
            chosen = [pair for pair in own if hand in ('', pair.hand)]
            row = summary(chosen)
            report[f'{name} {hand}'.strip()] = row
            low, high = row['interval_percent']
            cells = [
                f'{name}{f", {hand}" if hand else ""}', str(row['n']), f'{row["same"]:.1%}',
                f'{low:.0f}-{high:.0f}', f'{row["kappa"]:.2f}', f'{row["mujoco"]:.1%}',
                f'{row["sapien"]:.1%}',
                *(f'{row["by_friction"][f]:.1%}' for f in FRICTIONS),
            ]  # fmt: skip
            lines.append(f'| {" | ".join(cells)} |')
    (folder / 'agreement.md').write_text('\n'.join(lines) + '\n')
    (folder / 'agreement.json').write_text(json.dumps(report, indent=2) + '\n')


def summary(own: list[Pair]) -> dict[str, Any]:
    """Agreement, and Cohen's kappa, which chance does not raise."""
    mujoco = np.concatenate([pair.mujoco for pair in own])
    sapien = np.concatenate([pair.sapien for pair in own])
    same = mujoco == sapien
    chance = mujoco.mean() * sapien.mean() + (1 - mujoco.mean()) * (1 - sapien.mean())
    by_friction = {}
    for friction in FRICTIONS:
        some = [pair.mujoco == pair.sapien for pair in own if pair.friction == friction]
        by_friction[friction] = float(np.concatenate(some).mean()) if some else float('nan')
    return {
        'n': len(same),
        'same': float(same.mean()),
        'interval_percent': wilson(int(same.sum()), len(same)),
        'kappa': float((same.mean() - chance) / (1 - chance)) if chance < 1 else 1.0,
        'mujoco': float(mujoco.mean()),
        'sapien': float(sapien.mean()),
        'only_mujoco': int((mujoco & ~sapien).sum()),
        'only_sapien': int((sapien & ~mujoco).sum()),
        'by_friction': by_friction,
    }


if __name__ == '__main__':
    main()
