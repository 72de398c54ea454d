import numpy as np
import pytest

from dex1b_core.execution.safety import (
    Finding,
    GuardSettings,
    JointGuard,
    SafetyLatch,
    SafetyLevel,
    SafetyReason,
    WorkspaceGuard,
)
from dex1b_core.robots import load_robot

ROBOT = load_robot('xarm7_ability')
SETTINGS = GuardSettings(position_margin=0.03, velocity_factor=1.3, effort_factor=1.2,
                         persistence=0.2, tracking_tolerance=0.3)  # fmt: skip
HOME = np.array([*ROBOT.arm.home, *ROBOT.hand.open])
STILL = np.zeros(13)
STOP = Finding(SafetyReason.TRACKING_ERROR, SafetyLevel.STOP, 'off')
WARN = Finding(SafetyReason.STALE_CAMERA, SafetyLevel.WARN, 'old')


@pytest.fixture
def guard():
    return JointGuard(ROBOT, SETTINGS)


def test_stop_is_latched_until_its_cause_has_gone():
    latch = SafetyLatch()
    latch.update([])
    assert latch.level is SafetyLevel.OK
    latch.update([STOP, WARN])
    assert latch.level is SafetyLevel.STOP
    assert latch.reset() == [STOP]
    latch.update([WARN])
    assert latch.level is SafetyLevel.STOP
    assert latch.reasons == SafetyReason.TRACKING_ERROR | SafetyReason.STALE_CAMERA
    assert latch.message == 'off; old'
    assert latch.reset() == []
    assert latch.level is SafetyLevel.WARN
    latch.update([])
    assert latch.level is SafetyLevel.OK


def test_what_has_not_been_seen_yet_is_unknown():
    latch = SafetyLatch()
    latch.update([Finding(SafetyReason.STALE_TF, SafetyLevel.UNKNOWN, 'nothing yet'), WARN])
    assert latch.level is SafetyLevel.UNKNOWN


def test_home_at_rest_is_fine(guard):
    assert guard.check(HOME, STILL, np.full(13, np.nan), 0.0) == []


def test_position_limits_count_at_once(guard):
    positions = HOME.copy()
    positions[1] = 2.2
    (finding,) = guard.check(positions, STILL, STILL, 0.0)
    assert finding.reason is SafetyReason.POSITION_LIMIT
    assert "'joint2' is at 2.200 rad" in finding.message


@pytest.mark.parametrize(
    ('reason', 'joint', 'velocity', 'effort'),
    [(SafetyReason.VELOCITY_LIMIT, 3, 2.7, 0.0), (SafetyReason.EFFORT_LIMIT, 11, 0.0, -1.5)],
)
def test_dynamic_excesses_must_last(guard, reason, joint, velocity, effort):
    velocities, efforts = STILL.copy(), STILL.copy()
    velocities[joint], efforts[joint] = velocity, effort
    assert guard.check(HOME, velocities, efforts, 0.0) == []
    (finding,) = guard.check(HOME, velocities, efforts, 0.25)
    assert finding.reason is reason
    assert finding.level is SafetyLevel.STOP
    assert guard.check(HOME, STILL, STILL, 0.3) == []
    assert guard.check(HOME, velocities, efforts, 0.35) == []


def test_arm_effort_is_left_to_the_arm(guard):
    efforts = STILL.copy()
    efforts[0] = 400.0
    for now in (0.0, 1.0):
        assert guard.check(HOME, STILL, efforts, now) == []


def test_tracking_error_names_the_joint(guard):
    errors = {'joint1': 0.1, 'joint4': -0.4, 'index_q1': 2.0}
    assert guard.check_tracking(errors, 0.0) == []
    (finding,) = guard.check_tracking(errors, 0.3)
    assert "'joint4' is off its setpoint by 0.400 rad" in finding.message
    assert guard.check_tracking({'index_q1': 2.0}, 0.6) == []


def test_a_hand_that_reports_nan_has_a_fault(guard):
    positions = HOME.copy()
    positions[8] = np.nan
    (finding,) = guard.check(positions, STILL, STILL, 0.0)
    assert finding.reason is SafetyReason.HAND_FAULT
    assert 'middle_q1' in finding.message


def test_workspace_is_that_of_the_hand():
    guard = WorkspaceGuard(ROBOT)
    home = dict(zip(ROBOT.arm.joints, ROBOT.arm.home, strict=True))
    assert guard.check(home) == []
    (finding,) = guard.check(home | {'joint1': np.pi})
    assert finding.reason is SafetyReason.WORKSPACE_BOUND
    assert '-0.361' in finding.message


def test_constants_equal_those_of_the_messages():
    from pathlib import Path

    text = (Path(__file__).parents[3] / 'dex1b_msgs/msg/SafetyStatus.msg').read_text()
    constants = dict(
        line.split('#')[0].split()[1].split('=') for line in text.splitlines() if '=' in line
    )
    expected = {item.name: str(item.value) for item in (*SafetyLevel, *SafetyReason)}
    expected.pop('NONE', None)
    assert constants == expected
