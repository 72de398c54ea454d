"""What is read off a hand's file before it moves: tips, limits, the palm's middle."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots import HandDescription
from dex1b_core.robots.hand_draft import draft_hand, palm_centre

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import LIMIT, structure_of, write_gripper


def draft(path):
    return draft_hand(*structure_of(path), path, urdf='a.urdf', name='a', root=None, licence='none')


def test_fingers_without_a_tip_link_end_in_the_middle_of_their_end_face(tmp_path):
    hand = draft(write_gripper(tmp_path))
    assert [finger.tip for finger in hand.fingers.values()] == ['left_far_tip', 'right_far_tip']
    for finger in hand.fingers.values():
        np.testing.assert_allclose(finger.tip_offset, [0, 0, 0.05], atol=1e-6)


def test_a_model_without_tip_links_gets_tip_frames(need_hand):
    hand = need_hand('shadow_right')
    finger = hand.fingers['index']
    assert finger.tip_offset is not None
    assert f'link name="{finger.tip}"' in hand.urdf_path.read_text()
    assert isinstance(hand, HandDescription)


def test_limits_are_those_of_the_file_where_they_make_sense(tmp_path):
    far = '<limit lower="0" upper="1" effort="1e6" velocity="100"/>'
    hand = draft(write_gripper(tmp_path, far=far))
    assert dict(zip(hand.joints, hand.effort_limits, strict=True)) == {
        'left_near': 1.0, 'left_far': 2.0, 'right_near': 1.0, 'right_far': 2.0,
    }  # fmt: skip
    assert dict(zip(hand.joints, hand.velocity_limits, strict=True)) == {
        'left_near': 1.0, 'left_far': 4.0, 'right_near': 1.0, 'right_far': 4.0,
    }  # fmt: skip


def test_a_finger_that_only_follows_another_is_refused(tmp_path):
    path = write_gripper(tmp_path)
    text = path.read_text()
    for name, leader in (('right_near', 'left_near'), ('right_far', 'left_far')):
        head, tail = text.split(f'<joint name="{name}"')
        text = f'{head}<joint name="{name}"' + tail.replace(
            LIMIT, f'{LIMIT}<mimic joint="{leader}"/>', 1
        )
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"link 'right_far' has no driven joint"):
        draft(path)


def test_the_palms_middle_is_that_of_its_geometry(tmp_path):
    structure, hulls = structure_of(write_gripper(tmp_path))
    np.testing.assert_allclose(palm_centre('palm', structure, hulls), [0, 0, 0.025], atol=1e-9)
    bare = hulls | {'palm': []}
    np.testing.assert_array_equal(palm_centre('palm', structure, bare), np.zeros(3))
