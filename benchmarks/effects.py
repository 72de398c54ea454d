"""What each part of the synthesis is worth: rates with it changed or left out, over several seeds.

    .venv/bin/python -m benchmarks.effects --hand allegro_right --out out/effects

Procedural shapes, unranked unless a row says otherwise; the hold check extrapolates. Writes
effects.md and, for every row and seed, a file that is not made again: stop it and start it as you
like.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.judging import judge
from dex1b_core.data import GraspSet, read_grasps
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import Verdicts
from dex1b_core.synthesis.objective import EnergyWeights
from dex1b_core.synthesis.seed_file import write_seeds
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings, seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

Array = NDArray[np.float64]
FIRST_SHAPE = 200  # neither reported nor tuned on
QUICK = HoldProtocol(extrapolates=True)


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        name: What is different.
        settings: Of the synthesis.
        change: Of the grasps, before they are judged.
        protocol: By which they are judged.
    """

    name: str
    settings: SeedSettings
    change: Callable[[GraspSet, HandModel], GraspSet] = lambda grasps, hand: grasps
    protocol: HoldProtocol = QUICK


def no_squeeze(grasps: GraspSet, hand: HandModel) -> GraspSet:
    return replace(grasps, squeeze=grasps.grasp)


def closed_joints(grasps: GraspSet, hand: HandModel) -> GraspSet:
    closing = hand.closing.double().numpy()
    return replace(grasps, squeeze=grasps.grasp + 0.2 * closing)


def no_pregrasp(grasps: GraspSet, hand: HandModel) -> GraspSet:
    return replace(grasps, pregrasp=grasps.grasp)


def opened_joints(grasps: GraspSet, hand: HandModel) -> GraspSet:
    closing = hand.closing.double().numpy()
    return replace(grasps, pregrasp=grasps.grasp - 0.15 * closing)


def variants() -> list[Variant]:
    """All rows; the first is what the others are compared with."""
    base = SeedSettings().with_excess(1.0)
    descent, objective, grip = base.descent, base.objective, base.grip

    def steps(count: int) -> SeedSettings:
        return seed_settings(count, grip.stiffness).with_excess(1.0)

    def draws(factor: float) -> SeedSettings:
        draws, many = factor * base.draws, factor * base.draws_underactuated
        return replace(base, draws=max(1.0, draws), draws_underactuated=max(1.0, many))

    def energies(**changes: Any) -> SeedSettings:
        return replace(base, objective=replace(objective, **changes))

    def descending(**changes: Any) -> SeedSettings:
        return replace(base, descent=replace(descent, **changes))

    pressing = {name: getattr(descent.weights, name) for name in ('balance', 'lean', 'touch')}
    soft = replace(QUICK.drive, stiffness=1.0)
    heavier = {name: 2.0 * value for name, value in pressing.items()}
    return [
        Variant('as it is', base),
        Variant('ranked: best of 1.5', base.with_excess(1.5)),
        Variant('ranked: best of 3', base.with_excess(3.0)),
        Variant('no squeeze', base, no_squeeze),
        Variant('squeeze: joints closed .2 rad', base, closed_joints),
        Variant('squeeze: forces not balanced', replace(base, grip=replace(grip, balance_steps=0))),
        Variant('no pregrasp', base, no_pregrasp),
        Variant('pregrasp: joints opened .15 rad', base, opened_joints),
        Variant('closest contacts not balanced', descending(weights=EnergyWeights())),
        Variant('closest contacts twice the weight', descending(weights=EnergyWeights(**heavier))),
        Variant('starts not screened', draws(0.0)),
        Variant('twice the starts', draws(2.0)),
        Variant('closure of DexGraspNet', energies(friction_aware=False)),
        Variant('4 contacts drawn', descending(contacts=4)),
        Variant('contacts never redrawn', descending(redraw=0.0)),
        Variant('self-collision margin 0', energies(self_margin=0.0)),
        Variant('12 pad points a link', energies(pad_points=12)),
        Variant('75 steps', steps(75)),
        Variant('300 steps', steps(300)),
        Variant('referee: friction .3', base, protocol=replace(QUICK, friction=0.3)),
        Variant('referee: gain 1, squeeze for 5', base, protocol=replace(QUICK, drive=soft)),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hand', default='allegro_right')
    parser.add_argument('--objects', type=int, default=10)
    parser.add_argument('--n', type=int, default=12, help='grasps of each object')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--out', type=Path, default=Path('out/effects'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, list[Verdicts]]] = []
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        for row, variant in enumerate(variants()):
            found = []
            for seed in range(arguments.seeds):
                tasks = [
                    pool.submit(
                        judged, arguments.hand, row, shape, seed, arguments.n, arguments.out
                    )
                    for shape in range(FIRST_SHAPE, FIRST_SHAPE + arguments.objects)
                ]
                found.append(Verdicts.joined([task.result() for task in tasks]))
            rows.append((variant.name, found))
            print(line(variant.name, found), flush=True)
            write(arguments.out / 'effects', arguments, rows)


def judged(hand: str, row: int, shape: int, seed: int, count: int, folder: Path) -> Verdicts:
    """Make and judge one object's grasps, or read what an earlier run left."""
    variant = variants()[row]
    path = folder / f'{hand}.{variant.name.replace(" ", "_")}.{shape}.s{seed}.n{count}.npz'
    if path.is_file():
        return Verdicts.load(path)
    hand_model = HandModel(load_hand(hand))
    digest = hashlib.sha256(repr(variant.settings).encode()).hexdigest()[:12]
    made = folder / f'made.{hand}.{digest}.{shape}.s{seed}.n{count}.npz'
    if not made.is_file():  # rows that change nothing but grasps or protocol share them
        model = load_object(f'shape:random-{shape}')
        target = SeedObject.of_model(model)
        seeds = SeedSynthesizer(hand_model, variant.settings).synthesize(target, count, seed=seed)
        gain = variant.settings.grip.stiffness
        write_seeds(made, hand_model, hand, model, target, seeds, seed=seed, stiffness=gain)
    verdicts = judge(variant.change(read_grasps(made), hand_model), variant.protocol)
    verdicts.save(path)
    return verdicts


def rates(found: list[Verdicts], what: str) -> Array:
    """(S,) rates [%] of each seed."""
    return np.array([100.0 * getattr(verdicts, what).mean() for verdicts in found])


def line(name: str, found: list[Verdicts]) -> str:
    """A row of the table: mean over seeds, lowest and highest."""
    cells = [name, str(sum(map(len, found)))]
    for what in ('success', 'clean'):
        values = rates(found, what)
        cells.append(f'{values.mean():.1f} ({values.min():.1f}-{values.max():.1f})')
    return f'| {" | ".join(cells)} |'


def write(
    stem: Path, arguments: argparse.Namespace, rows: list[tuple[str, list[Verdicts]]]
) -> None:
    """Write effects.md and effects.json."""
    heads = f'| {arguments.hand} | n | all six % (seeds) | clean % (seeds) |\n|---|---|---|---|'
    lines = [heads, *(line(name, found) for name, found in rows)]
    stem.with_suffix('.md').write_text('\n'.join(lines) + '\n')
    report = {
        name: {what: rates(found, what).tolist() for what in ('success', 'clean')}
        for name, found in rows
    }
    stem.with_suffix('.json').write_text(json.dumps(report, indent=2) + '\n')


if __name__ == '__main__':
    main()
