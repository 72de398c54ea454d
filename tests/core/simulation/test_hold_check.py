"""The hold check on grasps whose outcome is known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from known_grasps import DRIVE, JAWS, SIDE, TABLE, jaws_source, judge, pinch, wrapped

from dex1b_core.geometry.convex_points import box
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.hold_protocol import HoldProtocol

SLIPPERY = replace(JAWS, friction=0.0, torsion=0.0)
LOOSE = {FailureReason.SLIPPED, FailureReason.ROTATED, FailureReason.DROPPED}


def test_firm_pinch_holds_and_is_clean(jaws):
    verdicts = judge(pinch(), JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.NONE]
    assert verdicts.stage.tolist() == ['']
    assert verdicts.directions.tolist() == [[1] * 6]
    assert verdicts.clean.all()
    assert verdicts.fingers.tolist() == [2]
    assert verdicts.contacts[0] >= 2


def test_firm_wrap_of_a_whole_hand_holds_at_the_default_settings(need_hand):
    need_hand('ability_right')
    verdicts = judge(wrapped())
    assert verdicts.reason.tolist() == [FailureReason.NONE]
    assert verdicts.fingers[0] >= 4
    assert verdicts.penetration[0] > 0.01  # the posture reaches through the cylinder
    assert not verdicts.clean.any()


def test_hand_20_cm_away_never_holds(jaws):
    shifts = np.vstack([np.eye(3), -np.eye(3)]) * 0.2
    poses = np.repeat(np.eye(4)[None], 6, axis=0)
    poses[:, :3, 3] = shifts
    verdicts = judge(pinch(6, object_T_hand=poses), JAWS, hand=jaws)
    assert verdicts.success.sum() == 0
    assert set(verdicts.reason.tolist()) == {FailureReason.MISSED}
    assert verdicts.contacts.sum() == 0


def test_open_hand_loses_the_object(jaws):
    verdicts = judge(pinch(squeeze=-0.04, grasp=-0.04), JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.MISSED]


def test_without_friction_the_object_slides_out(jaws):
    verdicts = judge(pinch(), replace(SLIPPERY, all_directions=True), hand=jaws)
    assert verdicts.reason[0] in LOOSE
    assert verdicts.stage.tolist() == ['+y']
    assert verdicts.directions.tolist() == [[1, 1, 0, 0, 0, 1]]  # the palm is below


def test_friction_bounds_what_is_held(jaws):
    """5 mm of 1000 N/m, shared by two jaws: 2.5 N on each face, so 1.5 N along them at .3."""
    squeezed = pinch(squeeze=-0.02)
    for force, friction, held in ((1.0, 0.3, True), (2.0, 0.3, False), (2.0, 0.5, True)):
        protocol = replace(JAWS, force=force, friction=friction, torsion=0.0)
        assert judge(squeezed, protocol, hand=jaws).success.all() == held, (force, friction)


def test_early_exit_leaves_directions_untried(jaws):
    assert judge(pinch(), SLIPPERY, hand=jaws).directions.tolist() == [[1, 1, 0, -1, -1, -1]]


def test_fewer_directions_may_be_needed(jaws):
    """Three of the six hold."""
    for needed, directions in ((2, [1, 1, -1, -1, -1, -1]), (3, [1, 1, 0, 0, 0, 1])):
        verdicts = judge(pinch(), replace(SLIPPERY, needed=needed), hand=jaws)
        assert verdicts.success.all()
        assert verdicts.stage.tolist() == ['']
        assert verdicts.directions.tolist() == [directions]
    verdicts = judge(pinch(), replace(SLIPPERY, needed=4), hand=jaws)
    assert verdicts.reason[0] in LOOSE
    assert verdicts.stage.tolist() == ['+y']
    assert verdicts.directions.tolist() == [[1, 1, 0, 0, 0, -1]]


def test_what_only_has_to_be_touched_may_move(jaws):
    """Soft jaws give way too far, but the object leans on one of them all the time."""
    soft = replace(JAWS, drive=replace(DRIVE, stiffness=5.0, damping=1.0))
    assert judge(pinch(), soft, hand=jaws).stage.tolist() == ['+x']
    touched = judge(pinch(), replace(soft, keeps_pose=False, needed=2), hand=jaws)
    assert touched.directions.tolist() == [[1, 1, -1, -1, -1, -1]]
    assert touched.success.all()
    lost = judge(pinch(), replace(SLIPPERY, keeps_pose=False), hand=jaws)
    assert lost.reason.tolist() == [FailureReason.DROPPED]
    assert lost.stage.tolist() == ['+y']


def test_may_begin_in_the_grasp_and_stay_there(jaws):
    deep = pinch(pregrasp=-SIDE / 2 + 0.011)
    at_grasp = replace(JAWS, from_pregrasp=False)
    assert judge(deep, at_grasp, hand=jaws).success.all()
    assert not judge(deep, replace(at_grasp, squeezes=False), hand=jaws).success.any()


def test_closing_from_one_side_ejects_the_object(jaws):
    low = pinch(shift=(0.0, 0.022, 0.0), grasp=-0.02, squeeze=0.0)
    turned = np.array(low.object_T_hand)
    turn = np.deg2rad(40.0)
    turned[0, :2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    verdicts = judge(replace(low, object_T_hand=turned), JAWS, hand=jaws)
    assert verdicts.reason[0] in {FailureReason.DROPPED, FailureReason.ROTATED}
    assert verdicts.stage.tolist() == ['closing']
    assert (verdicts.directions == -1).all()


@pytest.mark.parametrize('depth', [0.0, 0.002, 0.004])
def test_penetration_is_what_the_drawing_says(jaws, depth):
    verdicts = judge(pinch(grasp=-SIDE / 2 + depth), JAWS, hand=jaws)
    assert verdicts.penetration[0] == pytest.approx(depth, abs=1e-5)
    assert verdicts.self_penetration[0] == 0.0
    assert verdicts.clean[0] == (depth < 0.003)


def test_penetration_into_parts_counts_to_the_outside_of_the_whole(tmp_path):
    """Needles 2 mm thick, 4 mm deep in a cube of 2 mm slices: 2 mm aside they leave a slice."""
    needles = jaws_source(tmp_path, jaw='0.01 0.002 0.002')
    middles = np.arange(-0.024, 0.025, 0.002)
    slices = tuple(box([SIDE, SIDE, 0.002]) + np.array([0.0, 0.0, z]) for z in middles)
    sliced = pinch(grasp=-SIDE / 2 + 0.004, object_parts=slices)
    verdicts = judge(sliced, JAWS, hand=needles)
    assert verdicts.penetration[0] == pytest.approx(0.004, abs=1e-4)


def test_self_penetration_is_what_the_drawing_says(jaws):
    """Jaws whose faces pass each other by twice 1.5 mm, the object elsewhere."""
    verdicts = judge(pinch(grasp=0.0015, shift=(0.0, 0.2, 0.0)), JAWS, hand=jaws)
    assert verdicts.self_penetration[0] == pytest.approx(0.003, abs=1e-5)
    assert verdicts.penetration[0] == 0.0


def test_deep_grasp_fails_where_the_protocol_says_so(jaws):
    deep = pinch(grasp=-SIDE / 2 + 0.004)
    assert judge(deep, replace(JAWS, max_penetration=0.005), hand=jaws).success.all()
    verdicts = judge(deep, replace(JAWS, max_penetration=0.003), hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.INITIAL_PENETRATION]
    assert verdicts.stage.tolist() == ['measure']
    assert verdicts.directions.tolist() == [[1] * 6]


def test_deep_pregrasp_is_not_simulated(jaws):
    verdicts = judge(pinch(pregrasp=-SIDE / 2 + 0.011), JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.INITIAL_PENETRATION]
    assert verdicts.stage.tolist() == ['start']
    assert verdicts.start_penetration[0] == pytest.approx(0.011, abs=1e-5)
    assert (verdicts.directions == -1).all()


def test_instability_is_a_failure(jaws):
    """MuJoCo resets a state that blew up and goes on: the hand would be back and hold nothing."""
    drive = replace(DRIVE, stiffness=1e12, damping=0.0, effort_limit=1e15)
    verdicts = judge(pinch(), replace(JAWS, drive=drive), hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.UNSTABLE]


def test_grasps_that_are_not_finite_fail_and_harm_no_other(jaws):
    grasps = pinch(2)
    grasps.grasp[0] = np.nan
    verdicts = judge(grasps, JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.UNSTABLE, FailureReason.NONE]
    assert verdicts.stage.tolist() == ['start', '']


def test_nothing_of_the_hand_may_be_below_the_support(jaws):
    """The jaws reach 45 mm below the centre, the cube 25 mm; the palm 70 mm."""
    on_table = pinch(support_plane=TABLE)
    verdicts = judge(on_table, JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [FailureReason.TABLE_HIT]
    assert verdicts.stage.tolist() == ['measure']
    assert verdicts.directions.tolist() == [[1] * 6]  # it held
    assert verdicts.below[0, :2] == pytest.approx([0.045, 0.045])
    assert np.isnan(verdicts.below[0, 2])
    over = replace(on_table, support_plane=np.array([0.0, 0.0, -1.0, 0.0455]))
    assert judge(over, JAWS, hand=jaws).success.all()


def test_approach_counts_from_where_it_starts(jaws):
    plane = np.array([0.0, 0.0, -1.0, 0.05])  # hand from above in a world upside down
    approach = np.array([[0.0, 0.0, -1.0]])
    grasps = pinch(support_plane=plane, approach=approach)
    assert judge(grasps, JAWS, hand=jaws).below[0] == pytest.approx([0.0, 0.0, 0.075])
    away = replace(grasps, approach=-approach)
    assert judge(away, JAWS, hand=jaws).below[0] == pytest.approx([0.0, 0.0, 0.0])


def test_extrapolation_says_the_same_of_firm_loose_and_creeping_pinches(jaws):
    """Loads from far below to far above what friction carries, some of which only creep."""
    grasps = pinch(squeeze=-0.02)
    for force in (0.5, 1.0, 1.4, 1.6, 2.0, 4.0):
        protocol = replace(JAWS, friction=0.3, force=force)
        full = judge(grasps, protocol, hand=jaws)
        quick = judge(grasps, replace(protocol, extrapolates=True), hand=jaws)
        assert full.success == quick.success, force


def test_mass_and_force_may_follow_from_volume_and_mass():
    protocol = HoldProtocol(density=500.0, acceleration=9.81)
    assert protocol.mass_of(2e-4) == pytest.approx(0.1)
    assert protocol.push_on(0.1) == pytest.approx(0.981)
    assert HoldProtocol().mass_of(2e-4) == HoldProtocol.mass
    assert HoldProtocol().push_on(0.3) == HoldProtocol.force
