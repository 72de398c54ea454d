from __future__ import annotations

import numpy as np
import pytest

from dex1b_core.robots import RobotDescription
from dex1b_core.viz.recording import DemoRecording
from dex1b_core.viz.robot_scene import RobotScene


@pytest.fixture(scope='module')
def scene(robot: RobotDescription) -> RobotScene:
    return RobotScene(robot)


def test_links_are_where_pinocchio_puts_them(scene: RobotScene, robot: RobotDescription) -> None:
    pin = pytest.importorskip('pinocchio')
    model = pin.buildModelFromUrdf(str(robot.urdf_path))
    generator = np.random.default_rng(1)
    names = (*robot.arm.joints, *robot.hand.joints)
    joints = dict(zip(names, generator.uniform(-0.5, 0.5, len(names)).tolist(), strict=True))
    poses = scene.poses(joints)
    data, q = model.createData(), pin.neutral(model)
    for name, value in joints.items():
        q[model.joints[model.getJointId(name)].idx_q] = value
    pin.framesForwardKinematics(model, data, q)
    for link in (*(f'link{i}' for i in range(1, 8)), robot.hand.root_link, 'index_L1'):
        expected = data.oMf[model.getFrameId(link)].homogeneous
        np.testing.assert_allclose(poses[link], expected, atol=1e-9)


def test_mimic_joints_follow(scene: RobotScene, robot: RobotDescription) -> None:
    joints = dict(zip((*robot.arm.joints, *robot.hand.joints),
                      (*robot.arm.home, *robot.hand.open), strict=True))  # fmt: skip

    def distal_in_proximal(position: float) -> np.ndarray:
        poses = scene.poses(joints | {'index_q1': position})
        return np.linalg.inv(poses['index_L1']) @ poses['index_L2']

    turned = np.linalg.inv(distal_in_proximal(0.2)) @ distal_in_proximal(0.8)
    angle = np.arccos((np.trace(turned[:3, :3]) - 1) / 2)
    assert angle == pytest.approx(1.05851325 * 0.6, abs=1e-6)


def test_the_hand_alone_is_placed_by_its_root(
    scene: RobotScene, robot: RobotDescription, recording: DemoRecording
) -> None:
    candidate = recording.candidates[0]
    poses = scene.hand_poses(candidate, candidate.grasp)
    assert set(poses) == {body.name for body in scene.hand_bodies}
    np.testing.assert_allclose(poses[robot.hand.root_link], candidate.planning_T_wrist, atol=1e-12)
    assert not {'link1', 'link7'} & set(poses)
