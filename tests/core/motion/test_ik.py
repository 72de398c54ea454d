import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.motion.cartesian import straight_line
from dex1b_core.motion.ik import ArmIk


@pytest.fixture(scope='module')
def ik(motion):
    return ArmIk(motion.model)


def test_solves_every_reachable_pose(motion, robot, ik):
    rng = np.random.default_rng(5)
    home = np.array(robot.arm.home)
    low, high = np.maximum(ik.lower, -3.1), np.minimum(ik.upper, 3.1)
    for _ in range(100):
        pose = motion.model.wrist_pose(rng.uniform(low, high))
        solution = next(ik.solutions(pose, seeds=[home], restarts=24, rng=rng))
        np.testing.assert_allclose(motion.model.wrist_pose(solution.positions), pose, atol=1e-5)
        assert (solution.positions >= ik.lower).all()
        assert (solution.positions <= ik.upper).all()
        assert solution.margin >= robot.arm.joint_margin - 1e-9


def test_solutions_are_distinct_and_unwound(motion, robot, ik):
    home = np.array(robot.arm.home)
    pose = motion.model.wrist_pose(home + 0.2)
    rng = np.random.default_rng(0)
    found = [s.positions for s in ik.solutions(pose, seeds=[home], restarts=12, rng=rng)]
    assert len(found) >= 3
    for k, a in enumerate(found):
        assert all(np.abs(a - b).max() > 0.1 for b in found[:k])
    turns = [6, 4, 2, 0]  # joints that may turn more than once
    assert all(np.abs(a - home)[turns].max() <= np.pi + 1e-6 for a in found)


def test_out_of_reach_has_no_solution(robot, ik):
    pose = make_transform(np.eye(3), [2.0, 0.0, 0.5])
    home, rng = np.array(robot.arm.home), np.random.default_rng(0)
    assert not list(ik.solutions(pose, seeds=[home], restarts=3, rng=rng))


def test_a_straight_line_is_straight(motion, robot, ik):
    home = np.array(robot.arm.home)
    pose = motion.model.wrist_pose(home)
    path = straight_line(ik, home, pose, [0.05, 0.0, -0.1], step=0.01, joint_jump=0.3)
    points = np.array([motion.model.wrist_pose(q)[:3, 3] for q in path]) - pose[:3, 3]
    along = points @ np.array([0.05, 0.0, -0.1]) / np.linalg.norm([0.05, 0.0, -0.1])
    off = points - along[:, None] * np.array([0.05, 0.0, -0.1]) / np.linalg.norm([0.05, 0, -0.1])
    assert np.abs(off).max() < 1e-5
    np.testing.assert_allclose(points[-1], [0.05, 0.0, -0.1], atol=1e-5)
    assert np.diff(along).max() < 0.0101


def test_a_line_out_of_reach_says_how_far_it_got(motion, robot, ik):
    home = np.array(robot.arm.home)
    with pytest.raises(Dex1bError, match=r'after \d+ of 1000 mm') as caught:
        straight_line(
            ik, home, motion.model.wrist_pose(home), [1.0, 0, 0], step=0.02, joint_jump=0.3
        )
    assert caught.value.error_code == ErrorCode.NO_PATH
