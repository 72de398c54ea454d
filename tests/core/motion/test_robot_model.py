import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.robots.link_tree import LinkTree


def test_distal_joints_follow_their_drivers(motion, robot):
    model = motion.model
    hand = np.array(robot.hand.open) + 0.3
    q = model.configuration(robot.arm.home, hand)
    names = [name for name in model.model.names if name != 'universe']
    expected = 1.05851325 * hand[robot.hand.joints.index('index_q1')] + 0.72349796
    assert q[names.index('index_q2')] == pytest.approx(expected)
    assert len(model.mimics) == 4


def test_wrist_pose_agrees_with_the_link_tree(motion, robot):
    tree = LinkTree.from_urdf(robot.urdf_path)
    rng = np.random.default_rng(0)
    for _ in range(20):
        arm = rng.uniform(-1.5, 1.5, 7)
        poses = tree.link_poses(tree.complete(dict(zip(robot.arm.joints, arm, strict=True))))
        np.testing.assert_allclose(motion.model.wrist_pose(arm), poses['base'], atol=1e-9)


def test_hand_vector_goes_by_name(motion, robot):
    names = tuple(reversed(robot.hand.joints))
    values = motion.model.hand_vector(names, np.arange(6.0))
    np.testing.assert_allclose(values, np.arange(6.0)[::-1])


def test_hand_vector_lists_what_is_wrong(motion, robot):
    names = ('finger', *robot.hand.joints[1:])
    with pytest.raises(Dex1bError, match=r"lacks joints \['index_q1'\].*\['finger'\]") as caught:
        motion.model.hand_vector(names, np.zeros(6))
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_unknown_joints_are_a_configuration_error(robot):
    arm = robot.arm.model_copy(update={'joints': ('shoulder', *robot.arm.joints[1:])})
    with pytest.raises(ConfigurationError, match='shoulder'):
        RobotModel(robot.model_copy(update={'arm': arm}))


def test_every_link_with_geometry_is_one_hull(motion):
    names = [str(item.name) for item in motion.model.geometry.geometryObjects]
    assert len(names) == len(set(names)) == 20
    assert all(item.geometry.num_points >= 8 for item in motion.model.geometry.geometryObjects)
