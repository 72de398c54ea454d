"""Straight, closing and ready postures of hands whose joints are known."""

import numpy as np
import pytest

from dex1b_core.robots.hand_import import import_hand
from dex1b_core.robots.hand_postures import Closing

ABILITY = 'mani_skill-3.0.1/robots/ability_hand/ability_hand_right.urdf'


@pytest.fixture(scope='module')
def hand():
    return import_hand(ABILITY).hand


def test_part_closed_moves_only_what_bends():
    closing = Closing(
        signs=np.array([1.0, -1.0, 0.0]),
        straight=np.array([0.0, 0.2, 9.0]),
        closed=np.array([1.0, -0.8, 9.0]),
        rest=np.array([0.0, 0.0, 0.3]),
    )
    np.testing.assert_allclose(closing.part_closed(0.3), [0.3, -0.1, 0.3])


def test_bending_joints_of_the_ability_hand(hand):
    assert hand.closing == {
        'thumb_q1': 0, 'thumb_q2': 1,
        'index_q1': 1, 'middle_q1': 1, 'ring_q1': 1, 'pinky_q1': 1,
    }  # fmt: skip


def test_the_ready_hand_is_more_closed_than_the_open_one(hand):
    by_joint = dict(zip(hand.joints, zip(hand.open, hand.ready, strict=True), strict=True))
    for joint, sign in hand.closing.items():
        is_open, ready = by_joint[joint]
        assert ready > is_open if sign else ready == is_open
