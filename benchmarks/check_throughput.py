"""What checking costs beside simulating: hold checks a second on one core, and early exit.

    .venv/bin/python -m benchmarks.check_throughput --json out/throughput.json

For each engine and object: unranked seeds through the whole of dexgraspbench, all directions, and
the same commands and pushes as bare steps of the same scene. Then what early exit is worth, and
what extrapolating (`HoldProtocol.extrapolates`) changes: time saved beside the full check and
beside early exit alone, share of grasps with the full check's verdict. Last: all as one batch.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from dex1b_core.data import GraspSet
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.engine import ENGINES, EngineName
from dex1b_core.simulation.grasp_judge import source_of
from dex1b_core.simulation.hold_check import AXES, HoldChecker, Postures
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.urdf_bodies import read_body_tree
from dex1b_core.synthesis.seed_file import grasp_set_of
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

OBJECTS = ('shape:sphere', 'ycb:025_mug', 'ycb:035_power_drill')
FULL = HoldProtocol(all_directions=True)
EARLY = HoldProtocol()
DRIFT = HoldProtocol(extrapolates=True)
COLUMNS = (
    'object', 'parts', 'engine', 'hold', 'bare [ms]', 'full [ms]', 'overhead', 'early exit [ms]',
    'saves', 'extrapolates [ms]', 'saves', 'beside early exit', 'same verdict',
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hand', default='allegro_right')
    parser.add_argument('--objects', default=','.join(OBJECTS))
    parser.add_argument('--n', type=int, default=8)
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    rows = []
    print(f'| {" | ".join(COLUMNS)} |\n{"|---" * len(COLUMNS)}|')
    for name in arguments.objects.split(','):
        grasps = made(arguments.hand, name, arguments.n)
        for engine in ENGINES:
            rows.append(measured(grasps, name, engine))
            print(line(rows[-1]), flush=True)
    rows += [mixed(rows, engine) for engine in ENGINES]
    print('\n'.join(map(line, rows[-len(ENGINES) :])))
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(rows, indent=2) + '\n')


def made(hand: str, name: str, count: int) -> GraspSet:
    """Unranked seeds: some hold, some do not."""
    model, hand_model = load_object(name), HandModel(load_hand(hand))
    target, settings = SeedObject.of_model(model), SeedSettings().with_excess(1.0)
    seeds = SeedSynthesizer(hand_model, settings).synthesize(target, count, seed=2)
    gain = settings.grip.stiffness
    return grasp_set_of(hand_model, hand, model, target, seeds, stiffness=gain)


def measured(grasps: GraspSet, name: str, engine: EngineName) -> dict[str, Any]:
    """Processor time a grasp [ms] of the full check, bare steps, and checks that end early.

    Overhead is that of grasps that go through all of it.
    """
    tree = read_body_tree(source_of(grasps))
    checkers = {
        key: HoldChecker(tree, grasps.object_parts, protocol, engine)
        for key, protocol in (('full', FULL), ('early', EARLY), ('drift', DRIFT))
    }
    times: dict[str, list[float]] = {key: [] for key in (*checkers, 'bare')}
    held, whole, same = 0, [], []
    for row in range(len(grasps)):
        pose = grasps.object_T_hand[row]
        postures = Postures(grasps.pregrasp[row], grasps.grasp[row], grasps.squeeze[row])
        trials = {}
        for key, checker in checkers.items():
            start = time.process_time()
            trials[key] = checker.run(pose, postures)
            times[key].append(time.process_time() - start)
        whole.append(
            bool((trials['full'].directions >= 0).all())
        )  # else it ended before the pushes
        held += trials['full'].held
        same.append(trials['drift'].held == trials['full'].held)
        start = time.process_time()
        bare(checkers['full'], pose, postures)
        times['bare'].append(time.process_time() - start)
    mean = {key: 1e3 * float(np.mean(values)) for key, values in times.items()}
    own, steps = (float(np.array(times[key])[whole].sum()) for key in ('full', 'bare'))
    return {
        'object': name,
        'parts': len(grasps.object_parts),
        'engine': engine,
        'n': len(grasps),
        'held': held,
        'ms': mean,
        'whole': sum(whole),
        'overhead': own / steps - 1.0 if steps > 0 else None,
        'same_by_drift': sum(same),
        **saved(mean),
    }


def saved(ms: dict[str, float]) -> dict[str, float]:
    """Parts of the mean time of the full check, the last of that with early exit alone."""
    return {
        'early_exit_saves': 1.0 - ms['early'] / ms['full'],
        'early_exit_and_drift_save': 1.0 - ms['drift'] / ms['full'],
        'drift_saves': 1.0 - ms['drift'] / ms['early'],
    }


def mixed(rows: list[dict[str, Any]], engine: EngineName) -> dict[str, Any]:
    """All grasps of an engine as one batch."""
    own = [row for row in rows if row['engine'] == engine]
    counts = [row['n'] for row in own]
    ms = {key: float(np.average([row['ms'][key] for row in own], weights=counts))
          for key in own[0]['ms']}  # fmt: skip
    sums = {key: sum(row[key] for row in own) for key in ('n', 'held', 'same_by_drift')}
    return {'object': 'all', 'parts': '', 'engine': engine, 'ms': ms, 'overhead': None, **sums,
            **saved(ms)}  # fmt: skip


def bare(checker: HoldChecker, pose: np.ndarray, postures: Postures) -> None:
    """The commands and pushes of the full check, and nothing else."""
    engine, protocol = checker.engine, checker.protocol
    engine.place(pose, postures.pregrasp, np.eye(4))
    ways = ((postures.pregrasp, postures.grasp), (postures.grasp, postures.squeeze))
    for start, end in ways:
        for stage in range(1, protocol.stages + 1):
            engine.command(start + (end - start) * (stage / protocol.stages))
            engine.advance(protocol.stage_s)
    closed = engine.save()
    for axis in AXES:
        engine.restore(closed)
        engine.push(protocol.force * axis)
        engine.advance(protocol.hold_s)


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    ms = row['ms']
    overhead = '-' if row['overhead'] is None else f'{row["overhead"]:.0%}'
    return (
        f'| {row["object"]} | {row["parts"]} | {row["engine"]} | {row["held"]}/{row["n"]} | '
        f'{ms["bare"]:.0f} | {ms["full"]:.0f} | {overhead} | {ms["early"]:.0f} | '
        f'{row["early_exit_saves"]:.0%} | {ms["drift"]:.0f} | '
        f'{row["early_exit_and_drift_save"]:.0%} | {row["drift_saves"]:.0%} | '
        f'{row["same_by_drift"] / row["n"]:.1%} |'
    )


if __name__ == '__main__':
    main()
