"""How often MuJoCo and SAPIEN say the same of a grasp, and how often each of them repeats itself.

    .venv/bin/python -m benchmarks.engine_agreement --out out/agreement

Unranked seeds of two hands on 20 objects, each at one of five frictions; all six directions. What
is there is not made again: stop it and start it as you like. Writes agreement.md and .json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.seeds import YCB
from dex1b_core.data import GraspSet, read_grasps
from dex1b_core.geometry import make_transform
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.success_file import prediction_for
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.perturbation import UNPERTURBED, Perturbation, draw_perturbations
from dex1b_core.simulation.verdicts import Verdicts, wilson
from dex1b_core.synthesis.seed_file import write_seeds
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

HANDS = 'allegro_right,ability_right'
# contacts were matched on shapes 100 to 122
OBJECTS = (*(f'ycb:{name}' for name in YCB[::2]), *(f'shape:random-{i}' for i in range(10)))
FRICTIONS = (0.3, 0.45, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Judgement:
    """How a verdict comes about.

    Attributes:
        engine: Which simulates.
        protocol: What is asked; friction is each grasp's own.
        worlds: In which; a grasp holds when it does in most of them.
    """

    engine: EngineName
    protocol: HoldProtocol
    worlds: tuple[Perturbation, ...] = (UNPERTURBED,)


_PUBLISHED = HoldProtocol(extrapolates=True)
_PLAIN = replace(_PUBLISHED, torsion=0.0)
_MATCHED = replace(_PLAIN, published_contacts=False)
_SAPIEN = Judgement(
    'sapien', _MATCHED
)  # which has neither torsional friction nor MuJoCo's contacts
_WORLDS = draw_perturbations(5, seed=0)
_MOVED = (Perturbation(hand_T_moved=make_transform(np.eye(3), [0.001, 0.0, 0.0])),)
ROWS = {
    'published contacts, torsional friction .02 m': (Judgement('mujoco', _PUBLISHED), _SAPIEN),
    'published contacts': (Judgement('mujoco', _PLAIN), _SAPIEN),
    'matched': (Judgement('mujoco', _MATCHED), _SAPIEN),
    'matched, most of five perturbed worlds': (
        Judgement('mujoco', _MATCHED, _WORLDS),
        Judgement('sapien', _MATCHED, _WORLDS),
    ),
    'MuJoCo and MuJoCo, the hand 1 mm off': (
        Judgement('mujoco', _MATCHED),
        Judgement('mujoco', _MATCHED, _MOVED),
    ),
    'SAPIEN and SAPIEN, the hand 1 mm off': (_SAPIEN, Judgement('sapien', _MATCHED, _MOVED)),
}


@dataclass(frozen=True)
class Pair:
    """What two judgements say of grasps at a friction."""

    hand: str
    friction: float
    one: NDArray[np.bool_]
    other: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hands', default=HANDS)
    parser.add_argument('--objects', default=','.join(OBJECTS))
    parser.add_argument('--n', type=int, default=13, help='grasps of each hand and object')
    parser.add_argument(
        '--ranked', action='store_true', help='what `dex1b synth` returns instead of unranked seeds'
    )
    parser.add_argument('--rows', default=','.join(map(str, range(len(ROWS)))), help='by number')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--out', type=Path, default=Path('out/agreement'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = [list(ROWS)[int(number)] for number in arguments.rows.split(',')]
    found: dict[str, list[Pair]] = {name: [] for name in names}
    for hand in arguments.hands.split(','):
        files = [
            seeds(arguments.out, hand, name, arguments.n, ranked=arguments.ranked)
            for name in arguments.objects.split(',')
        ]
        with GraspJudge(source_of(read_grasps(files[0])), workers=arguments.workers) as judge:
            for path in files:
                for name in found:
                    found[name] += pairs(judge, path, hand, *ROWS[name])
            write(arguments.out, found)
    print((arguments.out / 'agreement.md').read_text())


def seeds(folder: Path, hand: str, name: str, count: int, *, ranked: bool) -> Path:
    """A file of seeds."""
    stem = ''.join(c if c.isalnum() or c in '-_' else '-' for c in name)
    path = folder / f'{hand}.{stem}.n{count}{".ranked" if ranked else ""}.npz'
    if not path.is_file():
        model, hand_model = load_object(name), HandModel(load_hand(hand))
        settings = SeedSettings() if ranked else SeedSettings().with_excess(1.0)
        target = SeedObject.of_model(model)
        maker = SeedSynthesizer(hand_model, settings, predict=prediction_for(hand_model))
        made = maker.synthesize(target, count, seed=5)
        gain = settings.grip.stiffness
        write_seeds(path, hand_model, hand, model, target, made, seed=5, stiffness=gain)
    return path


def pairs(judge: GraspJudge, path: Path, hand: str, one: Judgement, other: Judgement) -> list[Pair]:
    """Each grasp at one friction, judged twice."""
    grasps = read_grasps(path)
    made = []
    for number, friction in enumerate(FRICTIONS):
        rows = np.arange(number, len(grasps), len(FRICTIONS))
        if len(rows):
            held = [verdicts(judge, grasps.select(rows), path, j, friction) for j in (one, other)]
            made.append(Pair(hand, friction, *held))
    return made


def verdicts(
    judge: GraspJudge, grasps: GraspSet, path: Path, judgement: Judgement, friction: float
) -> NDArray[np.bool_]:
    """(N,) held; read back where it was judged before."""
    protocol = replace(judgement.protocol, friction=friction)
    digest = hashlib.sha256(repr((protocol, judgement.worlds)).encode()).hexdigest()[:12]
    held = []
    for number in range(len(judgement.worlds)):
        kept = path.with_suffix(f'.{judgement.engine}.{digest}.{number}.npz')
        if not kept.is_file():
            world = judgement.worlds[number]
            judge.judge(grasps, protocol, judgement.engine, perturbations=[world])[0].save(kept)
        held.append(Verdicts.load(kept).success)
    most: NDArray[np.bool_] = np.mean(held, axis=0) > 0.5
    return most


def write(folder: Path, found: dict[str, list[Pair]]) -> None:
    """Write agreement.md and agreement.json."""
    heads = ['', 'n', 'same verdict', '95 %', 'kappa', 'one holds', 'other holds',
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
                f'{low:.0f}-{high:.0f}', f'{row["kappa"]:.2f}', f'{row["one"]:.1%}',
                f'{row["other"]:.1%}',
                *(f'{row["by_friction"][f]:.1%}' for f in FRICTIONS),
            ]  # fmt: skip
            lines.append(f'| {" | ".join(cells)} |')
    (folder / 'agreement.md').write_text('\n'.join(lines) + '\n')
    (folder / 'agreement.json').write_text(json.dumps(report, indent=2) + '\n')


def summary(own: list[Pair]) -> dict[str, Any]:
    """Agreement, and Cohen's kappa, which chance does not raise."""
    one = np.concatenate([pair.one for pair in own])
    other = np.concatenate([pair.other for pair in own])
    same = one == other
    chance = one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())
    by_friction = {}
    for friction in FRICTIONS:
        some = [pair.one == pair.other for pair in own if pair.friction == friction]
        by_friction[friction] = float(np.concatenate(some).mean()) if some else float('nan')
    return {
        'n': len(same),
        'same': float(same.mean()),
        'interval_percent': wilson(int(same.sum()), len(same)),
        'kappa': float((same.mean() - chance) / (1 - chance)) if chance < 1 else 1.0,
        'one': float(one.mean()),
        'other': float(other.mean()),
        'only_one': int((one & ~other).sum()),
        'only_other': int((other & ~one).sum()),
        'by_friction': by_friction,
    }


if __name__ == '__main__':
    main()
