"""Thumb and palm of a gripper that bends both fingers alike, and of a hand."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_directions import find_thumb, palm_directions

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import motion_of, write_gripper


@pytest.fixture(scope='module')
def gripper(tmp_path_factory):
    return motion_of(write_gripper(tmp_path_factory.mktemp('gripper')))


def test_a_doubtful_thumb_is_said(gripper):
    thumb, [note] = find_thumb(gripper)
    last = gripper.fingers[thumb].links[-1]
    assert 'which finger is the thumb is not clear' in note
    assert f"'{last}'" in note


def test_the_thumb_of_a_hand_stands_apart():
    motion = motion_of(load_hand('ability_right').urdf_path)
    thumb, notes = find_thumb(motion)
    assert motion.fingers[thumb].links[-1] == 'thumb_L2'
    assert notes == ()


def test_the_palm_looks_where_the_finger_bends_to(gripper):
    left = [finger.links[-1] for finger in gripper.fingers].index('left_far')
    normal, along, lateral = palm_directions(gripper, np.zeros(4), [left])
    np.testing.assert_allclose(normal, [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(along, [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(np.abs(lateral), [0, 1, 0], atol=1e-6)
