"""Do grasps that pass the check on what one camera saw hold on the true object?

    .venv/bin/python -m benchmarks.filter_quality --out out/filter

For each object: one noisy depth view, its shape hypotheses, candidates of the optimiser; each goes
through K trials on the hypotheses, in one engine or by turns in both, and through one on the true
mesh in each engine. A grasp is truly good when it holds in both. Precision: of those that pass, how
many are good; recall: of the good ones, how many pass. What is there is not made again: stop it and
start it as you like.
Writes filter.md and filter.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from benchmarks.check_vs_lift import true_shape
from benchmarks.pick_without_ros import look
from dex1b_core.assets import object_mesh_path, object_names
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.object_model import load_object
from dex1b_core.perception import PerceptionSettings, RobotMask, observe
from dex1b_core.planning import CheckResult, FailureReason
from dex1b_core.robots import load_robot
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial, TrialResult, draw_trials, verdict
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.lift_check import LiftChecker, prepare_object
from dex1b_core.simulation.world import SimWorld
from dex1b_core.synthesis import make_generator

COUNTS = (1, 3, 8)
ENGINES: tuple[EngineName, ...] = ('sapien', 'mujoco')
CHOICES = {'both': ENGINES, **{engine: (engine,) for engine in ENGINES}}
SIDES = (0.03, 0.082, 0.26)  # [m] smallest side from, to; largest side to
Held = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--objects', type=int, default=30, help='YCB objects, by number')
    parser.add_argument('--each', type=int, default=12, help='candidates of each object')
    parser.add_argument('--filter-engines', default='sapien', choices=CHOICES, help='of the trials')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--part', default='0/1', help='this process does objects I of N: I/N')
    parser.add_argument('--out', type=Path, default=Path('out/filter'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    suffix = f'{arguments.filter_engines}.truth2.s{arguments.seed}'
    robot = load_robot(arguments.robot)
    part, parts = map(int, arguments.part.split('/'))
    for name in graspable(arguments.objects)[part::parts]:
        path = arguments.out / f'{name}.{suffix}.json'
        if not path.is_file():
            rows = trials_of(name, robot, arguments)
            path.write_text(json.dumps(rows) + '\n')
            print(name, len(rows), flush=True)
    write(arguments.out, suffix)


def graspable(count: int) -> list[str]:
    """The first YCB models whose sides a hand can hold."""
    found = []
    for name in object_names():
        sides = np.sort(trimesh.load(object_mesh_path(name), force='mesh').extents)
        if SIDES[0] <= sides[0] <= SIDES[1] and sides[2] <= SIDES[2]:
            found.append(name)
    return found[:count]


def trials_of(
    name: str, robot: RobotDescription, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """A row for each candidate: whether it held on the true shape, and in each trial."""
    seed = arguments.seed
    settings = CheckSettings(trials=max(COUNTS))
    nominal = Trial(friction=settings.friction)
    world = SimWorld(robot, load_object(name), seed=seed)
    try:
        scene = observe(
            [look(world, seed)], settings=PerceptionSettings(),
            robot_mask=RobotMask.from_urdf(robot.urdf_path), link_poses=world.robot.link_poses(),
        )  # fmt: skip
        observation = scene.observation
        generator = make_generator('optimizer', robot)
        made = generator.generate(observation, count=4 * arguments.each, seed=seed)
        shapes = [prepare_object(s, observation.support_plane) for s in observation.shapes]
    except Dex1bError as error:
        print(f'{name}: {error.message}', flush=True)
        return []
    plane = observation.support_plane
    truth = prepare_object(true_shape(world, observation).shapes[0], plane)
    chosen = CHOICES[arguments.filter_engines]
    own = {engine: settings.model_copy(update={'engine': engine}) for engine in ENGINES}
    true = {engine: LiftChecker.of_robot(robot, truth, own[engine]) for engine in ENGINES}
    seen = {e: [LiftChecker.of_robot(robot, shape, own[e]) for shape in shapes] for e in chosen}
    trials = draw_trials(settings, shapes=len(shapes), seed=seed)
    turns = engine_turns(chosen, trials=len(trials), shapes=len(shapes))
    rows = []
    for candidate in made.candidates[: arguments.each]:
        results = [
            seen[engine][trial.shape].run(candidate, plane, trial)
            for engine, trial in zip(turns, trials, strict=True)
        ]
        rows.append(
            {
                'object': name,
                'holds': {e: true[e].run(candidate, plane, nominal).held for e in ENGINES},
                'engines': turns,
                'held': [result.held for result in results],
                'reasons': [int(result.reason) for result in results],
            }
        )
    return rows


def engine_turns(engines: tuple[EngineName, ...], *, trials: int, shapes: int) -> list[EngineName]:
    """The engine of each trial: all shapes in one, then all in the next.

    From trial to trial, two engines would meet one of two shapes each.
    """
    return [engines[trial // shapes % len(engines)] for trial in range(trials)]


def write(folder: Path, suffix: str) -> None:
    """Write filter.md and filter.json."""
    rows = [
        row
        for path in sorted(folder.glob(f'*.{suffix}.json'))
        for row in json.loads(path.read_text())
    ]
    if not rows:
        return
    objects = len({row['object'] for row in rows})
    holds = {
        name: np.array([all(row['holds'][engine] for engine in engines) for row in rows])
        for name, engines in CHOICES.items()
    }
    good = ', '.join(f'{held.mean():.1%} in {name}' for name, held in holds.items())
    heads = [f'precision, recall: {name}' for name in CHOICES]
    lines = [
        f'{len(rows)} candidates on {objects} objects, trials of {suffix}; on the true mesh hold '
        f'{good}.\n',
        f'| rule | pass | {" | ".join(heads)} |',
        '|---|---|' + '---|' * len(heads),
    ]
    rules = {
        f'K = {count}, as the check judges': np.array([passes(row, count) for row in rows])
        for count in COUNTS
    } | {
        f'at least {threshold} of 8 held': np.array([sum(row['held']) >= threshold for row in rows])
        for threshold in range(1, max(COUNTS) + 1)
    }
    report: dict[str, Any] = {
        'rows': suffix,
        'objects': objects,
        'candidates': len(rows),
        'hold_on_truth': {name: float(held.mean()) for name, held in holds.items()},
        'rules': {},
    }
    for rule, passed in rules.items():
        found = {name: rates(passed, held) for name, held in holds.items()}
        report['rules'][rule] = {'pass': float(passed.mean()), 'truths': found}
        lines.append(f'| {rule} | {passed.mean():.1%} | {" | ".join(map(_cell, found.values()))} |')
    (folder / 'filter.md').write_text('\n'.join(lines) + '\n')
    (folder / 'filter.json').write_text(json.dumps(report, indent=2) + '\n')
    print((folder / 'filter.md').read_text())


def passes(row: dict[str, Any], count: int) -> bool:
    """The check's verdict on the first `count` trials."""
    results = [TrialResult(FailureReason(reason)) for reason in row['reasons'][:count]]
    return verdict(results, CheckSettings()).result is CheckResult.PASSED


def rates(passed: Held, holds: Held) -> dict[str, float | None]:
    """Precision and recall; None without any."""
    both = int((passed & holds).sum())
    return {
        'precision': both / int(passed.sum()) if passed.any() else None,
        'recall': both / int(holds.sum()) if holds.any() else None,
    }


def _cell(found: dict[str, float | None]) -> str:
    return ', '.join('-' if value is None else f'{value:.1%}' for value in found.values())


if __name__ == '__main__':
    main()
