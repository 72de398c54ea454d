import numpy as np
import pytest

from dex1b_core.execution import ExecutionSettings, GripJudge
from dex1b_core.robots import load_robot

GRASP = np.array([0.9, 0.9, 0.9, 0.9, -1.4, 0.8])  # index middle ring pinky thumb_q1 thumb_q2
SQUEEZE = GRASP + np.array([0.35, 0.35, 0.35, 0.0, 0.0, 0.35])  # the pinky takes no part
EFFORTS = np.full(6, 0.8)
UNKNOWN = np.full(6, np.nan)


@pytest.fixture
def judge():
    return GripJudge(load_robot('xarm7_ability').hand, GRASP, SQUEEZE, ExecutionSettings())


def test_fingers_that_stay_behind_their_command_hold(judge):
    grip = judge.judge(GRASP + 0.1 * (SQUEEZE - GRASP), EFFORTS)
    assert grip.held
    assert set(grip.loaded) == {'thumb', 'index', 'middle', 'ring'}
    assert grip.mean_effort == pytest.approx(0.8)


def test_fingers_that_reach_their_command_hold_nothing(judge):
    grip = judge.judge(SQUEEZE - 0.01, EFFORTS)
    assert not grip.held
    assert set(grip.free) == {'thumb', 'index', 'middle', 'ring'}
    assert '0.010 rad' in grip.reason


def test_some_fingers_may_miss_but_not_the_thumb(judge):
    positions = SQUEEZE.copy()
    positions[[1, 5]] = GRASP[[1, 5]]
    assert judge.judge(positions, UNKNOWN).held
    positions[5] = SQUEEZE[5]
    assert not judge.judge(positions, UNKNOWN).held


def test_one_finger_alone_holds_nothing(judge):
    positions = SQUEEZE.copy()
    positions[5] = GRASP[5]
    assert not judge.judge(positions, UNKNOWN).held


def test_a_position_error_without_effort_is_no_contact(judge):
    assert judge.judge(GRASP, UNKNOWN).held
    assert not judge.judge(GRASP, np.zeros(6)).held


def test_fingers_that_close_further_have_lost_it(judge):
    judge.remember(GRASP)
    assert judge.judge(GRASP + 0.1 * (SQUEEZE - GRASP), EFFORTS).held
    assert not judge.judge(GRASP + 0.8 * (SQUEEZE - GRASP), EFFORTS).held
