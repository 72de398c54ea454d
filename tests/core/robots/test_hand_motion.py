"""Where a gripper's fingers are, and how far they get, against their known geometry."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import motion_of, write_gripper


@pytest.fixture(scope='module')
def gripper(tmp_path_factory):
    return motion_of(write_gripper(tmp_path_factory.mktemp('gripper')))


def test_straight_fingers_end_and_begin_where_the_file_says(gripper):
    tips, bases, axes = gripper.measure(np.zeros((1, 4)))
    np.testing.assert_allclose(tips[0], [[0.04, 0, 0.15], [-0.04, 0, 0.15]], atol=1e-6)
    np.testing.assert_allclose(bases[0], [[0.04, 0, 0.05], [-0.04, 0, 0.05]], atol=1e-6)
    np.testing.assert_allclose(axes[0], [[0, -1, 0], [0, 1, 0]], atol=1e-6)


def test_joints_that_bend_a_finger_are_parallel(gripper):
    for cosines in gripper.parallelism():
        assert list(cosines.values()) == pytest.approx([1.0, 1.0], abs=1e-6)


def test_no_tip_gets_farther_than_its_finger_is_long(gripper):
    assert (gripper.reach <= 0.1 + 1e-6).all()
    assert (gripper.reach > 0.095).all()
