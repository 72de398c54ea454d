"""A hand that leads a part gives way across its motion."""

import numpy as np
import pytest

from dex1b_core.motion.part_compliance import MOST, PartCompliance, bearing_force
from dex1b_core.motion.part_motion import PartMotion
from dex1b_core.motion.timing import time_path
from dex1b_core.robots import load_robot

ROBOT = load_robot('xarm7_ability')
HOME = np.array(ROBOT.arm.home)
SCALING = 0.1


@pytest.fixture(scope='module')
def motion() -> PartMotion:
    return PartMotion(ROBOT)


def way(motion: PartMotion):
    path = HOME + np.linspace(0.0, 0.15, 12)[:, None] * np.array([1.0, 0, 0, 0, 0, 0, 0])
    return time_path(path, motion.arm_limits, scaling=SCALING)


def efforts_of(motion: PartMotion, positions: np.ndarray, force: np.ndarray) -> np.ndarray:
    """Of an arm whose hand exerts a force (3,), planning frame [N]."""
    local = motion.model.wrist_pose(positions)[:3, :3].T @ force
    return motion._ik.jacobian(positions).T @ np.r_[local, np.zeros(3)]


def test_what_opens_the_part_bears_not() -> None:
    ahead = np.array([0.0, 1.0, 0.0])
    np.testing.assert_allclose(bearing_force(np.array([30.0, 40.0, 5.0]), ahead), [30, 0, 5])
    np.testing.assert_allclose(bearing_force(np.array([0.0, -40.0, 0.0]), ahead), [0, -40, 0])


def test_forces_are_told_from_efforts_in_the_planning_frame(motion: PartMotion) -> None:
    force = np.array([12.0, -30.0, 8.0])
    efforts = efforts_of(motion, HOME, force)
    np.testing.assert_allclose(motion.force_vector(HOME, efforts), force, atol=0.2)
    assert motion.hand_force(HOME, efforts) == pytest.approx(np.linalg.norm(force), rel=0.01)


def test_the_whole_way_is_shifted_against_the_force(motion: PartMotion) -> None:
    trajectory = way(motion)
    compliance = PartCompliance(motion, SCALING)
    ahead = compliance.ahead(trajectory, 0.0)
    up = np.array([0.0, 0.0, 1.0])
    efforts = efforts_of(motion, HOME, 40.0 * up + 20.0 * ahead)
    assert compliance.bearing(trajectory, 0.0, HOME, efforts) == pytest.approx(40.0, rel=0.02)
    assert compliance.give_way(trajectory, HOME, efforts).shift == pytest.approx(40 / 3e5, rel=0.02)
    given = compliance.give_way(trajectory, HOME, 0.75 * efforts, 4)
    assert given.shift == pytest.approx(0.0016, rel=0.02)
    assert given.rest.duration >= trajectory.duration - 1e-9
    for shifted, planned in ((given.rest.positions[0], trajectory.positions[0]),
                             (given.rest.positions[-1], trajectory.positions[-1])):  # fmt: skip
        moved = motion.model.wrist_pose(shifted) @ np.linalg.inv(motion.model.wrist_pose(planned))
        place = motion.model.wrist_pose(shifted) - motion.model.wrist_pose(planned)
        np.testing.assert_allclose(moved[:3, :3], np.eye(3), atol=1e-3)
        np.testing.assert_allclose(place[:3, 3], [0.0, 0.0, -0.0016], atol=1e-4)
    np.testing.assert_allclose(given.aside.positions[0], HOME)
    np.testing.assert_allclose(given.aside.positions[-1], given.rest.positions[0])
    for trajectory in (given.aside, given.rest):
        motion.validate(trajectory, scaling=SCALING)


def test_one_step_is_small_whatever_the_force(motion: PartMotion) -> None:
    efforts = efforts_of(motion, HOME, np.array([0.0, 0.0, 1200.0]))
    given = PartCompliance(motion, SCALING).give_way(way(motion), HOME, efforts)
    assert given.shift == pytest.approx(MOST)


def test_a_way_begins_where_the_hand_met_the_part(motion: PartMotion) -> None:
    trajectory = way(motion)
    compliance = PartCompliance(motion, SCALING)
    efforts = efforts_of(motion, HOME, np.array([0.0, 0.0, 1200.0]))
    beside = compliance.give_way(trajectory, HOME, efforts).aside.positions[-1]
    moved = compliance.moved_to(trajectory, beside)
    np.testing.assert_allclose(moved.positions[0], beside, atol=1e-3)
    assert compliance.left(moved, 0.0) == pytest.approx(compliance.left(trajectory, 0.0), abs=1e-4)
    assert compliance.left(moved, moved.duration) == 0.0
    ends = motion.hand_places(np.stack([moved.positions[-1], trajectory.positions[-1]]))
    np.testing.assert_allclose(ends[0] - ends[1], [0.0, 0.0, -MOST], atol=1e-4)
