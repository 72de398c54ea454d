"""Do grasps that pass the check on what one camera saw hold on the true object?

    .venv/bin/python -m benchmarks.filter_quality --out out/filter

For each object: one noisy depth view, its shape hypotheses, candidates of the optimiser; each goes
through K trials on the hypotheses, and through one on the true mesh, which is the truth. Precision:
of those that pass, how many hold; recall: of those that hold, how many pass. What is there is not
made again: stop it and start it as you like. Writes filter.md and filter.json.
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
from dex1b_core.simulation.lift_check import LiftChecker, prepare_object
from dex1b_core.simulation.world import SimWorld
from dex1b_core.synthesis import make_generator

COUNTS = (1, 3, 8)
SIDES = (0.03, 0.082, 0.26)  # [m] smallest side from, to; largest side to
Held = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--objects', type=int, default=30, help='YCB objects, by number')
    parser.add_argument('--each', type=int, default=12, help='candidates of each object')
    parser.add_argument('--engine', default='sapien', choices=['sapien', 'mujoco'])
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--part', default='0/1', help='this process does objects I of N: I/N')
    parser.add_argument('--out', type=Path, default=Path('out/filter'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    robot = load_robot(arguments.robot)
    part, parts = map(int, arguments.part.split('/'))
    for name in graspable(arguments.objects)[part::parts]:
        path = arguments.out / f'{name}.{arguments.engine}.s{arguments.seed}.json'
        if not path.is_file():
            rows = trials_of(name, robot, arguments)
            path.write_text(json.dumps(rows) + '\n')
            print(name, len(rows), flush=True)
    write(arguments.out, f'{arguments.engine}.s{arguments.seed}')


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
    settings = CheckSettings(trials=max(COUNTS), engine=arguments.engine)
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
    truth = true_shape(world, observation)
    plane = observation.support_plane
    true = LiftChecker.of_robot(robot, prepare_object(truth.shapes[0], plane), settings)
    checkers = [LiftChecker.of_robot(robot, shape, settings) for shape in shapes]
    trials = draw_trials(settings, shapes=len(shapes), seed=seed)
    rows = []
    for candidate in made.candidates[: arguments.each]:
        results = [checkers[trial.shape].run(candidate, plane, trial) for trial in trials]
        rows.append(
            {
                'object': name,
                'holds': true.run(candidate, plane, Trial(friction=settings.friction)).held,
                'held': [result.held for result in results],
                'reasons': [int(result.reason) for result in results],
            }
        )
    return rows


def write(folder: Path, suffix: str) -> None:
    """Write filter.md and filter.json."""
    rows = [
        row
        for path in sorted(folder.glob(f'*.{suffix}.json'))
        for row in json.loads(path.read_text())
    ]
    if not rows:
        return
    holds = np.array([row['holds'] for row in rows])
    objects = len({row['object'] for row in rows})
    report: dict[str, Any] = {
        'objects': objects,
        'candidates': len(rows),
        'hold_on_truth': float(holds.mean()),
        'k': {},
        'threshold_of_8': {},
    }
    lines = [
        f'{len(rows)} candidates on {objects} objects, {holds.mean():.1%} hold on the true mesh.\n',
        '| rule | pass | precision | recall |',
        '|---|---|---|---|',
    ]
    for count in COUNTS:
        passed = np.array([passes(row, count) for row in rows])
        report['k'][count] = rates(passed, holds)
        lines.append(_line(f'K = {count}, as the check judges', report['k'][count]))
    for threshold in range(1, max(COUNTS) + 1):
        passed = np.array([sum(row['held']) >= threshold for row in rows])
        report['threshold_of_8'][threshold] = rates(passed, holds)
        lines.append(_line(f'at least {threshold} of 8 held', report['threshold_of_8'][threshold]))
    (folder / 'filter.md').write_text('\n'.join(lines) + '\n')
    (folder / 'filter.json').write_text(json.dumps(report, indent=2) + '\n')
    print((folder / 'filter.md').read_text())


def passes(row: dict[str, Any], count: int) -> bool:
    """The check's verdict on the first `count` trials."""
    results = [TrialResult(FailureReason(reason)) for reason in row['reasons'][:count]]
    return verdict(results, CheckSettings()).result is CheckResult.PASSED


def rates(passed: Held, holds: Held) -> dict[str, float | None]:
    """Share that passes, precision and recall; None without any."""
    both = int((passed & holds).sum())
    return {
        'pass': float(passed.mean()),
        'precision': both / int(passed.sum()) if passed.any() else None,
        'recall': both / int(holds.sum()) if holds.any() else None,
    }


def _line(name: str, found: dict[str, float | None]) -> str:
    cells = ['-' if value is None else f'{value:.1%}' for value in found.values()]
    return f'| {name} | {" | ".join(cells)} |'


if __name__ == '__main__':
    main()
