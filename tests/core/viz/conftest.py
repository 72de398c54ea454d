from __future__ import annotations

import numpy as np
import pytest

from dex1b_core.assets import AssetError
from dex1b_core.planning import CheckResult, FailureReason, GraspCandidate, SimCheck
from dex1b_core.robots import RobotDescription, load_robot
from dex1b_core.viz.recording import DemoRecording

STAGES = ((0.0, 'perceive'), (1.0, 'pregrasp'), (3.0, 'approach'), (4.0, 'close'), (5.0, 'lift'),
          (6.0, 'hold'))  # fmt: skip


@pytest.fixture(scope='session')
def robot() -> RobotDescription:
    description = load_robot('xarm7_ability')
    try:
        _ = description.urdf_path
    except AssetError as error:
        pytest.fail(f'{error}')
    return description


@pytest.fixture(scope='session')
def recording(robot: RobotDescription, tmp_path_factory: pytest.TempPathFactory) -> DemoRecording:
    """An arm that swings, a box that rises: enough to draw, not a grasp."""
    import trimesh

    mesh = tmp_path_factory.mktemp('object') / 'box.stl'
    trimesh.creation.box((0.06, 0.06, 0.15)).export(mesh)
    times = np.arange(0.0, 8.0, 0.1)
    heights = np.interp(times, [5.0, 6.0], [0.0, 0.15])
    poses = np.tile(np.eye(4), (len(times), 1, 1))
    poses[:, :3, 3] = np.stack([np.full_like(times, 0.45), np.zeros_like(times), heights], axis=1)
    driven = np.array([*robot.arm.home, *robot.hand.open])
    swing = np.zeros_like(driven)
    swing[0] = 0.1
    generator = np.random.default_rng(0)
    return DemoRecording(
        robot=robot.name,
        object_mesh=str(mesh),
        object_name='box',
        seed=3,
        times=times,
        joint_names=(*robot.arm.joints, *robot.hand.joints),
        joint_positions=driven + times[:, None] * swing,
        object_poses=poses,
        stages=STAGES,
        colour=generator.integers(0, 255, (480, 640, 3), dtype=np.uint8),
        segmentation=generator.integers(0, 255, (480, 640, 3), dtype=np.uint8),
        candidates=tuple(candidate(robot, rank) for rank in range(3)),
        executed_id='plan-3/1',
        lift_heights=heights,
    )


def candidate(robot: RobotDescription, rank: int) -> GraspCandidate:
    pose = np.eye(4)
    pose[:3, :3] = np.stack([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ np.diag([1, -1, -1])
    pose[:3, 3] = [0.37, 0.0, 0.25]
    posture = np.array(robot.hand.open)
    return GraspCandidate(
        hand=robot.hand.key,
        planning_T_wrist=pose,
        joint_names=robot.hand.joints,
        pregrasp=posture,
        grasp=posture + 0.1,
        squeeze=posture + 0.2,
        approach=np.array([1.0, 0.0, 0.0]),
        approach_distance=0.1,
        score=0.9 - 0.1 * rank,
        id=f'plan-3/{rank}',
        sim_check=SimCheck(CheckResult.PASSED, FailureReason.NONE, trials=6, successes=6 - rank),
    )
