"""Does the physics check predict the lift? Verdicts against the whole arm in the world.

    python -m benchmarks.check_vs_lift --objects 025_mug,011_banana --each 6

Lifts candidates that passed and candidates that failed alike, on the true object, and counts.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.pick_without_ros import LocalStages, follow, look
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.object_model import load_object
from dex1b_core.perception import PerceptionSettings, RobotMask, observe
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.planning import CheckResult, ReachResult
from dex1b_core.robots import load_robot
from dex1b_core.simulation.check_pool import CheckPool
from dex1b_core.simulation.world import SimWorld


def true_shape(world: SimWorld, observation):
    """The observation with the object's own mesh in place of the reconstruction."""
    model, pose = world.model, world.object_pose()
    vertices = (model.mesh.vertices - model.foot) @ pose[:3, :3].T + pose[:3, 3]
    return replace(observation, shapes=(ShapeHypothesis('true', vertices, model.mesh.faces),))


def spread(checked, each: int):
    """Up to `each` candidates, half of them passed, the failed of different reasons first."""
    passed = sorted(
        (c for c in checked if c.sim_check.result == CheckResult.PASSED), key=lambda c: -c.score
    )
    failed = [c for c in checked if c.sim_check.result == CheckResult.FAILED]
    seen = Counter()
    ranked = []
    for candidate in failed:
        ranked.append((seen[candidate.sim_check.reason], len(ranked), candidate))
        seen[candidate.sim_check.reason] += 1
    failed = [candidate for _, _, candidate in sorted(ranked, key=lambda item: item[:2])]
    half = each // 2
    return passed[: max(half, each - len(failed))] + failed[: max(each - half, each - len(passed))]


def lift(name: str, robot, stages: LocalStages, candidate, observation, seed: int) -> bool | str:
    """Whether the whole arm lifts the object with this candidate."""
    world = SimWorld(robot, load_object(name), seed=seed)
    try:
        plan = stages.plan_motion(candidate, observation, seed=seed)
    except Dex1bError as error:
        return error.error_code.name
    heights = [world.object_pose()[2, 3]]
    follow(world, plan, heights)
    rise = np.array(heights) - heights[0]
    return bool((rise[-int(2.0 / world.settings.dt) :] > 0.10).all())


def rows_of(name: str, robot, stages, mask, arguments) -> list[dict]:
    world = SimWorld(robot, load_object(name), seed=arguments.seed)
    positions = world.robot.positions()
    stages.start = (
        {j: positions[j] for j in robot.arm.joints},
        {j: positions[j] for j in robot.hand.joints},
    )
    scene = observe(
        [look(world, arguments.seed)], settings=PerceptionSettings(), robot_mask=mask,
        link_poses=world.robot.link_poses(),
    )  # fmt: skip
    observation = scene.observation
    if arguments.true_shape:
        observation = true_shape(world, observation)
    candidates, _ = stages.generate(observation, count=48, seed=arguments.seed)
    reached = stages.reach(candidates, observation, seed=arguments.seed)
    reached = [c for c in reached if c.reachability.result == ReachResult.REACHABLE]
    checked = stages.check(reached, observation, seed=arguments.seed, enough=0, time_budget_s=120)
    rows = []
    for candidate in spread(checked, arguments.each):
        check = candidate.sim_check
        row = {
            'object': name,
            'passed': check.result == CheckResult.PASSED,
            'trials': f'{check.successes}/{check.trials}',
            'reason': check.reason.name,
            'lifted': lift(name, robot, stages, candidate, observation, arguments.seed),
        }
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--objects', required=True)
    parser.add_argument('--backend', default='heuristic')
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--each', type=int, default=6, help='candidates lifted for each object')
    parser.add_argument('--true-shape', action='store_true', help='check on the true mesh')
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    robot = load_robot(arguments.robot)
    mask = RobotMask.from_urdf(robot.urdf_path)
    rows: list[dict] = []
    with CheckPool(robot, workers=2) as pool:
        stages = LocalStages(robot, arguments.backend, pool)
        for name in arguments.objects.split(','):
            rows += rows_of(name, robot, stages, mask, arguments)
    judged = [row for row in rows if isinstance(row['lifted'], bool)]
    table = Counter((row['passed'], row['lifted']) for row in judged)
    agree = table[True, True] + table[False, False]
    print(f'agreement {agree} of {len(judged)}; passed and lifted {table[True, True]}, passed and '
          f'lost {table[True, False]}, failed and lifted {table[False, True]}, failed and lost '
          f'{table[False, False]}; no motion {len(rows) - len(judged)}')  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + '\n')


if __name__ == '__main__':
    main()
