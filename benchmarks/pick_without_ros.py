"""The whole pick without ROS, for many objects: camera, shape, grasps, physics check, lift.

    python -m benchmarks.pick_without_ros --objects 006_mustard_bottle,025_mug --backend optimizer

Judges by ground truth: lifted by 0.10 m and held for 2 s.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.object_model import load_object
from dex1b_core.motion import ArmMotion
from dex1b_core.perception import DepthFrame, PerceptionSettings, RobotMask, observe
from dex1b_core.planning.pipeline import GraspPlanner, PlanOptions
from dex1b_core.robots import load_robot
from dex1b_core.simulation.camera import load_camera
from dex1b_core.simulation.check_pool import CheckPool
from dex1b_core.simulation.world import SimWorld
from dex1b_core.synthesis import make_generator

SCALING, LIFT_M, HOLD_S = 0.5, 0.15, 2.5
REPORTED = 'front_side_white'  # the camera of the tables in docs/checks.md and docs/benchmarks


class LocalStages:
    """The pipeline's stages in this process."""

    def __init__(self, robot, backend: str, pool: CheckPool) -> None:
        self.motion, self.pool = ArmMotion(robot), pool
        self.generator = make_generator(backend, robot)
        self.start = {}, {}

    def generate(self, observation, *, count, seed):
        result = self.generator.generate(observation, count=count, seed=seed)
        return result.candidates, result.rejections

    def reach(self, candidates, observation, *, seed):
        return self.motion.reach(candidates, observation, seed=seed)

    def check(self, candidates, observation, *, seed, enough, time_budget_s):
        return self.pool.check(
            candidates, observation, seed=seed, enough=enough, time_budget_s=time_budget_s
        )

    def plan_motion(self, candidate, observation, *, seed):
        arm, hand = self.start
        return self.motion.plan_pick(
            candidate, observation, arm_start=arm, hand_start=hand, velocity_scaling=SCALING,
            lift_height=LIFT_M, seed=seed,
        )  # fmt: skip


def look(world: SimWorld, seed: int, camera_name: str = REPORTED) -> DepthFrame:
    description = load_camera(camera_name)
    camera = world.camera(description)
    rendering = camera.look(moved=True, colour=True)
    depth = camera.measure(rendering, seed=seed, noise=True)
    return DepthFrame(
        depth, description.intrinsics, description.world_T_camera, rendering.colour, 0.0, 'camera'
    )


def follow(world: SimWorld, plan, heights: list[float]) -> None:
    """Track the planned stages at every physics step, then hold."""
    dt = world.settings.dt
    for stage in plan.stages:
        for step in range(int(np.ceil(stage.duration / dt))):
            for motion in (stage.arm, stage.hand):
                if motion is not None:
                    position, _, _ = motion.sample([(step + 1) * dt])
                    world.robot.set_targets(motion.names, position[0])
            world.step()
            heights.append(world.object_pose()[2, 3])
    for _ in range(int(HOLD_S / dt)):
        world.step()
        heights.append(world.object_pose()[2, 3])


def trial(name: str, robot, stages: LocalStages, mask: RobotMask, seed: int, camera: str) -> dict:
    begin = time.monotonic()
    world = SimWorld(robot, load_object(name), seed=seed)
    positions = world.robot.positions()
    stages.start = (
        {j: positions[j] for j in robot.arm.joints},
        {j: positions[j] for j in robot.hand.joints},
    )
    row = {'object': name, 'success': False}
    try:
        scene = observe(
            [look(world, seed, camera)], settings=PerceptionSettings(), robot_mask=mask,
            link_poses=world.robot.link_poses(),
        )  # fmt: skip
        row['observe_s'] = time.monotonic() - begin
        planner = GraspPlanner(stages, PlanOptions())
        plan = planner.plan(scene.observation, seed=seed)
    except Dex1bError as error:
        return row | {'error': f'{error.error_code.name}: {error.message}'}
    best = plan.candidates[0]
    heights = [world.object_pose()[2, 3]]
    follow(world, plan.motion, heights)
    rise = np.array(heights) - heights[0]
    return row | {
        'success': bool((rise[-int(2.0 / world.settings.dt) :] > 0.10).all()),
        'lift': round(float(rise.max()), 3),
        'end': round(float(rise[-1]), 3),
        'held': f'{best.sim_check.successes}/{best.sim_check.trials}',
        'approach': best.approach.round(2).tolist(),
        'timings': [(s, round(t, 1)) for s, t in plan.timings],
        'rejections': [(r.stage, r.code.name, r.count) for r in plan.rejections],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--objects', required=True)
    parser.add_argument('--backend', default='optimizer')
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--seeds', default='1')
    parser.add_argument('--camera', default='front_side')
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    robot = load_robot(arguments.robot)
    mask = RobotMask.from_urdf(robot.urdf_path)
    rows = []
    with CheckPool(robot, workers=2) as pool:
        stages = LocalStages(robot, arguments.backend, pool)
        for seed in map(int, arguments.seeds.split(',')):
            for name in arguments.objects.split(','):
                rows.append(
                    trial(name, robot, stages, mask, seed, arguments.camera) | {'seed': seed}
                )
                print(json.dumps(rows[-1]), flush=True)
    print(f'lifted {sum(row["success"] for row in rows)} of {len(rows)}')
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + '\n')


if __name__ == '__main__':
    main()
