from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import (
    JointLimits,
    JointTrajectory,
    braking_trajectory,
    stopping_trajectory,
    validate_trajectory,
)
from dex1b_core.motion.timing import point_to_point, resumed, stretched, time_path
from dex1b_core.robots.description import WorkspaceBox

LIMITS = JointLimits(
    ('a', 'b', 'c'),
    lower=np.full(3, -3.0),
    upper=np.full(3, 3.0),
    velocity=np.array([1.0, 2.0, 1.5]),
    acceleration=np.array([4.0, 6.0, 5.0]),
)
PATH = np.array([[0, 0, 0], [0.3, 0.5, -0.1], [0.9, 0.6, 0.2], [1.0, 1.5, -0.5], [0.4, 2.0, 0.0]])


def timed(scaling: float = 1.0) -> JointTrajectory:
    return time_path(PATH, LIMITS, scaling=scaling)


@pytest.mark.parametrize('scaling', [1.0, 0.4, 0.1])
def test_timing_keeps_limits_between_samples_too(scaling):
    trajectory = timed(scaling)
    times = np.linspace(0, trajectory.duration, 5000)
    _, velocities, accelerations = trajectory.sample(times)
    assert (np.abs(velocities) <= LIMITS.velocity * scaling * 1.01).all()
    assert (np.abs(accelerations) <= LIMITS.acceleration * scaling * 1.03).all()
    # and makes use of them
    assert (np.abs(velocities) / (LIMITS.velocity * scaling)).max() > 0.8


def test_timing_begins_and_ends_at_rest_and_is_dense():
    trajectory = timed()
    np.testing.assert_allclose(trajectory.positions[[0, -1]], PATH[[0, -1]], atol=1e-9)
    assert not trajectory.velocities[[0, -1]].any()
    assert np.diff(trajectory.times).max() <= 0.04 + 1e-9


def test_a_path_that_goes_nowhere_rests():
    trajectory = time_path(np.zeros((4, 3)), LIMITS)
    assert not trajectory.positions.any()
    validate_trajectory(trajectory, LIMITS)


def test_samples_agree_with_their_derivatives():
    trajectory, step = timed(), 1e-5
    times = np.linspace(0.05, trajectory.duration - 0.05, 200)
    before, after = trajectory.sample(times - step)[0], trajectory.sample(times + step)[0]
    np.testing.assert_allclose(
        trajectory.sample(times)[1], (after - before) / (2 * step), atol=1e-4
    )
    outside = trajectory.sample([-1.0, 100.0])
    np.testing.assert_allclose(outside[0], PATH[[0, -1]], atol=1e-9)
    assert not outside[1].any()


def test_point_to_point_takes_the_time_it_needs():
    start, goal = np.zeros(3), np.array([1.0, 0.1, -0.2])
    trajectory = point_to_point(start, goal, LIMITS, min_duration=0.2)
    validate_trajectory(trajectory, LIMITS)
    assert trajectory.duration > 1.8
    assert point_to_point(start, goal, LIMITS, min_duration=5.0).duration == 5.0


@pytest.mark.parametrize('elapsed', [0.0, 0.3, 0.9, 1.7])
def test_stop_stays_on_the_path_and_keeps_limits(elapsed):
    trajectory = timed()
    stop = stopping_trajectory(trajectory, elapsed, acceleration_limits=LIMITS.acceleration)
    here, velocity, _ = trajectory.sample([elapsed])
    np.testing.assert_allclose(stop.positions[0], here[0], atol=1e-6)
    np.testing.assert_allclose(stop.velocities[0], velocity[0], atol=1e-6)
    assert not stop.velocities[-1].any()
    assert (np.diff(stop.times) > 0).all()
    assert stop.duration < 1.0
    whole = trajectory.sample(np.linspace(0, trajectory.duration, 20000))[0]
    for point in stop.positions:
        assert np.abs(whole - point).max(axis=1).min() < 1e-3
    fine = stop.sample(np.linspace(0, stop.duration, 2000))
    assert (np.abs(fine[1]) <= LIMITS.velocity * 1.02).all()
    assert (np.abs(fine[2]) <= LIMITS.acceleration * 1.05).all()


@pytest.mark.parametrize('left', [0.004, 0.05, 0.2])
def test_what_ends_sooner_than_a_stop_is_carried_out(left):
    trajectory = timed()
    place = trajectory.duration - left
    stop = stopping_trajectory(trajectory, place, acceleration_limits=LIMITS.acceleration)
    assert stop.duration == pytest.approx(left)
    times = np.linspace(0, 0.999 * left, 50)
    for found, expected in zip(stop.sample(times), trajectory.sample(place + times), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_stop_at_the_limits_begins_more_gently():
    """At full speed and full acceleration, whatever is added is too much."""
    trajectory = timed()
    limits = LIMITS.acceleration
    for elapsed in np.linspace(0, trajectory.duration, 60):
        stop = stopping_trajectory(trajectory, elapsed, acceleration_limits=limits)
        fine = stop.sample(np.linspace(0, stop.duration, 1000))[2]
        assert (np.abs(fine) <= 1.01 * limits).all()


def test_reversed_goes_the_same_way_back():
    trajectory = timed()
    back = trajectory.reversed()
    validate_trajectory(back, LIMITS)
    np.testing.assert_allclose(
        back.sample([0.5])[0], trajectory.sample([trajectory.duration - 0.5])[0], atol=1e-9
    )


def _broken(**changes):
    trajectory = timed()
    values = {name: np.array(getattr(trajectory, name)) for name in
              ('times', 'positions', 'velocities', 'accelerations')}  # fmt: skip
    for name, (index, value) in changes.items():
        values[name][index] = value
    return replace(trajectory, **values)


@pytest.mark.parametrize(
    ('trajectory', 'message'),
    [
        (replace(timed(), names=('a', 'c', 'b')), "joints \\['a', 'c', 'b'\\]"),
        (_broken(positions=((3, 1), np.nan)), 'not finite'),
        (_broken(times=(4, 0.0)), 'time goes from'),
        (_broken(velocities=((-1, 0), 0.2)), 'not at rest'),
        (_broken(velocities=((5, 1), 2.5)), "velocity of joint 'b' 2.500 rad/s, limit 2.000"),
        (_broken(accelerations=((5, 2), -9.0)), "acceleration of joint 'c' -9.000"),
        (_broken(positions=((5, 0), 3.2)), "joint 'a' at 3.2000 rad, limit 3.0000"),
        (_broken(positions=((5, 1), 2.9)), "velocity of joint 'b'"),
    ],
)
def test_refuses_what_is_not_safe(trajectory, message):
    validate_trajectory(timed(), LIMITS)
    with pytest.raises(Dex1bError, match=message) as caught:
        validate_trajectory(trajectory, LIMITS)
    assert caught.value.error_code == ErrorCode.LIMITS


def test_scaling_tightens_the_limits():
    with pytest.raises(Dex1bError, match=r'scaling 0\.50'):
        validate_trajectory(timed(), LIMITS, scaling=0.5)


def test_start_must_be_where_the_robot_is():
    validate_trajectory(timed(), LIMITS, start=[0.0, 0.015, 0.0])
    with pytest.raises(Dex1bError, match=r'is measured at 0\.0300') as caught:
        validate_trajectory(timed(), LIMITS, start=[0.0, 0.03, 0.0])
    assert caught.value.error_code == ErrorCode.START_STATE_MISMATCH


def test_workspace_holds_for_every_sample():
    box = WorkspaceBox(lower=(-1, -1, -1), upper=(1, 1.9, 1))
    with pytest.raises(Dex1bError, match='the hand is at') as caught:
        validate_trajectory(timed(), LIMITS, workspace=box, wrist_position=lambda q: q)
    assert caught.value.error_code == ErrorCode.OUT_OF_WORKSPACE


@pytest.mark.parametrize('scaling', [1.0, 0.4])
def test_timing_keeps_jerk_limits(scaling):
    limits = replace(LIMITS, jerk=np.array([20.0, 30.0, 25.0]))
    trajectory = time_path(PATH, limits, scaling=scaling)
    fine = np.linspace(0, trajectory.duration, 40001)
    jerk = np.abs(np.diff(trajectory.sample(fine)[2], axis=0) / np.diff(fine)[:, None])
    assert (jerk <= limits.jerk * 1.02).all()
    np.testing.assert_allclose(jerk.max(axis=0), trajectory.peak_jerk(), rtol=0.02)
    validate_trajectory(trajectory, limits, scaling=scaling)
    with pytest.raises(Dex1bError, match="jerk of joint 'b'"):
        validate_trajectory(trajectory, replace(limits, jerk=limits.jerk * [1, 0.1, 1]))


def test_point_to_point_keeps_jerk_limits():
    limits = replace(LIMITS, jerk=np.array([2.0, 3.0, 2.5]))
    trajectory = point_to_point([0, 0, 0], [0.5, -0.2, 0.0], limits, min_duration=0.1)
    assert trajectory.peak_jerk() / limits.jerk == pytest.approx([1.0, 0.2667, 0.0], abs=0.01)


@pytest.mark.parametrize('elapsed', [0.0, 0.7, 1.3])
def test_the_rest_of_a_motion_begins_at_rest_on_its_path(elapsed):
    trajectory = timed()
    rest = resumed(trajectory, elapsed, LIMITS)
    np.testing.assert_allclose(rest.positions[0], trajectory.sample([elapsed])[0][0], atol=1e-9)
    np.testing.assert_allclose(rest.positions[-1], trajectory.positions[-1], atol=1e-9)
    validate_trajectory(rest, LIMITS, start=trajectory.sample([elapsed])[0][0])
    reference = trajectory.sample(np.linspace(0, trajectory.duration, 4001))[0]
    for position in rest.sample(np.linspace(0, rest.duration, 50))[0]:
        assert np.abs(reference - position).max(axis=1).min() < 2e-3


def test_the_rest_of_a_motion_that_is_over_goes_nowhere():
    rest = resumed(timed(), 100.0, LIMITS)
    np.testing.assert_allclose(rest.positions, np.tile(PATH[-1], (2, 1)), atol=1e-9)


def test_what_was_slow_on_purpose_goes_on_as_slowly():
    slow = stretched(timed(), 3.0)
    place = 0.4 * slow.duration
    rest = resumed(slow, place, LIMITS)
    assert rest.duration == pytest.approx(slow.duration - place)
    np.testing.assert_allclose(rest.positions[-1], slow.positions[-1], atol=1e-9)
    assert np.abs(rest.velocities).max() <= np.abs(slow.velocities).max() * 1.2
    quick = resumed(timed(), 0.4 * timed().duration, LIMITS)
    assert quick.duration > timed().duration * 0.6


def test_braking_goes_straight_on_within_the_limits():
    velocity = np.array([0.8, -1.5, 0.0])
    ramp = braking_trajectory(
        LIMITS.names, np.zeros(3), velocity, acceleration_limits=LIMITS.acceleration
    )
    np.testing.assert_allclose(ramp.velocities[0], velocity, atol=1e-9)
    assert not ramp.velocities[-1].any()
    travelled = ramp.positions[-1]
    np.testing.assert_allclose(
        travelled / velocity[0], velocity / velocity[0] * travelled[0] / velocity[0]
    )
    assert 0.4 * ramp.duration < travelled[0] / velocity[0] < 0.6 * ramp.duration
    fastest = np.abs(velocity / LIMITS.acceleration).max()
    assert fastest < ramp.duration < 1.3 * fastest + 0.2
    validate_trajectory(ramp, LIMITS)
