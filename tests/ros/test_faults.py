"""The fault bench: its faults are faults, its judge sees unsafe motion, and it runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from dex1b_core.errors import ErrorCode
from dex1b_core.motion import Stage
from dex1b_core.robots import load_robot
from dex1b_ros.faults import joint_state_faults as faulty
from dex1b_ros.faults.catalogue import faults
from dex1b_ros.faults.full_stack import Kill, kills
from dex1b_ros.faults.motion_watch import Recorded, seconds_to_rest, unsafe_motions

pytestmark = pytest.mark.ros

ROBOT = load_robot('xarm7_ability')
ARM, HAND = len(ROBOT.arm.joints), len(ROBOT.hand.joints)


def state() -> JointState:
    names = [*ROBOT.arm.joints, *ROBOT.hand.joints]
    message = JointState(name=names)
    message.position = [*ROBOT.arm.home, *(value + 0.5 for value in ROBOT.hand.open)]
    message.velocity, message.effort = [0.1] * len(names), [0.2] * len(names)
    message.header.stamp.sec = 100
    return message


def test_faults_change_what_they_say():
    assert faulty.dropped(state()) is None
    assert faulty.shifted(-5)(state()).header.stamp.sec == 95
    assert len(faulty.cut_short(state()).position) == len(state().name) - 1
    reversed_ = faulty.reversed_order(state())
    assert dict(zip(reversed_.name, reversed_.position, strict=True)) == dict(
        zip(state().name, state().position, strict=True)
    )
    less = faulty.without('joint4')(state())
    assert 'joint4' not in less.name
    assert len(less.name) == len(less.position) == len(less.effort)
    assert math.isnan(faulty.not_a_number('joint2')(state()).position[1])
    assert list(faulty.only(ROBOT.arm.joints)(state()).name) == list(ROBOT.arm.joints)
    two = faulty.in_turn(faulty.as_it_is, faulty.changed('joint2', 'position', 0.6, added=True))
    assert np.ptp([two(state()).position[1] for _ in range(4)]) == pytest.approx(0.6)
    moved = faulty.changed('joint2', 'position', 0.6, added=True)(state())
    assert moved.position[1] == pytest.approx(ROBOT.arm.home[1] + 0.6)
    gone = faulty.let_go(ROBOT, 1.1)(state())
    assert gone.position[ARM] == pytest.approx(ROBOT.hand.open[0] + 1.1)
    assert gone.effort[ARM] == 0.0
    repeat = faulty.frozen()
    first, later = repeat(state()), state()
    later.position, later.header.stamp.sec = [9.0] * len(later.name), 101
    assert list(repeat(later).position) == list(first.position)
    assert repeat(later).header.stamp.sec == 101


def recorded(*, stop_at: float, ramp: float = 0.2, speed: float = 0.5, opens: float = 0.0):
    """Two seconds at 50 Hz; the arm moves from the start on and stops within `ramp`."""
    times = np.arange(0, 2, 0.02)
    rate = np.clip((stop_at + ramp - times) / ramp, 0, 1)
    velocity = np.zeros((len(times), ARM))
    velocity[:, 0] = speed * rate
    hand = np.tile(np.array(ROBOT.hand.open) + 0.6, (len(times), 1))
    hand[times > 1.5] -= opens
    arm = np.cumsum(velocity, axis=0) * 0.02
    return Recorded(times, times + 1000.0, arm, velocity, hand)


def judged(motion, **options):
    defaults = {'fault_at': 0.5, 'rest_within': 0.5, 'keeps_grip': True}
    return unsafe_motions(ROBOT, motion, **(defaults | options))


def test_a_ramp_in_time_with_the_grip_kept_is_safe():
    motion = recorded(stop_at=0.6)
    assert judged(motion) == []
    assert seconds_to_rest(motion, 0.5) == pytest.approx(0.28, abs=0.03)


@pytest.mark.parametrize(('motion', 'options', 'text'), [
    (recorded(stop_at=1.2), {}, 'still moves'),
    (recorded(stop_at=0.6, ramp=0.001), {}, 'a jump'),
    (recorded(stop_at=0.6, speed=2.5), {}, 'velocity limit'),
    (recorded(stop_at=0.6, opens=0.3), {}, 'the hand opened by 0.30 rad'),
    (recorded(stop_at=0.6), {'rest_within': 0.0}, 'still moves'),
])  # fmt: skip
def test_unsafe_motions_are_seen(motion, options, text):
    assert any(text in what for what in judged(motion, **options))


def test_what_may_happen_is_not_held_against_it():
    assert judged(recorded(stop_at=0.6, ramp=0.001), may_stop_dead=True) == []
    assert judged(recorded(stop_at=0.6, opens=0.3), keeps_grip=False) == []
    assert judged(recorded(stop_at=1.7), rest_within=None) == []


def test_the_catalogue_has_every_fault_once_a_stage():
    rows = [(f.name, f.stage) for simulated in (False, True)
            for f in faults(simulated_time=simulated)]  # fmt: skip
    assert len(rows) == len(set(rows))
    assert len(rows) >= 75


def test_planning_nodes_are_killed_in_every_stage_and_only_needed_ones_may_end_a_pick():
    every = kills()
    assert len(every) == len(set(every)) == 32
    fine, lost = ErrorCode.NONE, ErrorCode.NODE_UNAVAILABLE
    assert Kill('perception', Stage.PERCEIVE).codes == {lost}
    assert Kill('perception', Stage.LIFT).codes == {fine}
    assert Kill('sim_check', Stage.PLAN).codes == {fine, lost}
    assert Kill('grasp_server', Stage.HOLD).codes == {lost}
    assert {kill.node for kill in kills('generator')} == {'generator'}
