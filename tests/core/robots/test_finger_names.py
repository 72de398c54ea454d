"""Names of fingers from the file's own names, or from where they stand."""

import numpy as np
import pytest

from dex1b_core.robots.finger_names import finger_names
from dex1b_core.robots.hand_structure import FingerChain


def fingers(*links):
    return [FingerChain((), (link,), ()) for link in links]


@pytest.mark.parametrize(
    ('links', 'expected'),
    [
        (('R_th_l2', 'R_ff_l2', 'R_mf_l2'), ['thumb', 'index', 'middle']),
        (('thumb', 'ring_L2', 'pinky_L2'), ['thumb', 'ring', 'little']),
        (('thumb', 'LittleFinger', 'IndexFinger'), ['thumb', 'little', 'index']),
    ],
)
def test_telling_names_are_kept(links, expected):
    assert finger_names(fingers(*links), [0, 1, 2], np.zeros(3), thumb=0) == expected


def test_others_are_named_by_place_from_the_thumbs_side():
    side = np.array([0.02, -0.03, 0.03, 0.0])
    found = finger_names(fingers('a', 'b', 'c', 'd'), [0, 1, 2, 3], side, thumb=0)
    assert found == ['thumb', 'ring', 'index', 'middle']


def test_names_that_are_not_unique_do_not_count():
    side = np.array([0.0, 0.01, 0.02])
    found = finger_names(fingers('thumb', 'index_a', 'index_b'), [0, 1, 2], side, thumb=0)
    assert found == ['thumb', 'index', 'middle']


def test_more_than_four_fingers_are_numbered():
    side = np.arange(6.0)
    found = finger_names(fingers(*'abcdef'), [0, 1, 2, 3, 4, 5], side, thumb=0)
    assert found == ['thumb', *(f'finger_{i}' for i in range(1, 6))]
