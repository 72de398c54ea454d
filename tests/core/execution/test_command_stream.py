"""Positions streamed from a trajectory: pace, hold, stop."""

import numpy as np
import pytest

from dex1b_core.execution.command_stream import CommandStream, StreamState
from dex1b_core.motion.timing import rest_to_rest

PERIOD = 0.004
LIMITS = (6.0, 6.0)


def stream_of(duration=1.0, longest_step=0.02):
    trajectory = rest_to_rest(('a', 'b'), np.zeros(2), np.array([1.0, -0.5]), duration)
    stream = CommandStream(LIMITS, longest_step=longest_step)
    stream.start(trajectory)
    return stream, trajectory


def follow(stream, start, seconds, period=PERIOD):
    times = start + np.arange(round(seconds / period) + 1) * period
    return times, np.array([stream.command(t) for t in times])


def test_nothing_is_commanded_before_the_first_trajectory():
    stream = CommandStream(LIMITS, longest_step=0.02)
    assert stream.command(0.0) is None
    assert not stream.stop()


def test_it_samples_the_trajectory_and_then_holds_its_end():
    stream, trajectory = stream_of()
    _, commands = follow(stream, 100.0, 1.5)
    np.testing.assert_allclose(commands[100], trajectory.sample([0.4])[0][0], atol=1e-9)
    np.testing.assert_allclose(commands[-1], [1.0, -0.5])
    assert stream.state is StreamState.HOLDING
    assert stream.elapsed == trajectory.duration


def test_a_late_question_slows_the_motion_instead_of_jumping():
    stream, trajectory = stream_of(longest_step=0.02)
    follow(stream, 0.0, 0.5)
    before = stream.command(0.5)
    after = stream.command(3.0)  # the process was away for 2.5 s
    fastest = np.abs(trajectory.velocities).max()
    assert np.abs(after - before).max() <= 0.02 * fastest * 1.01
    assert stream.elapsed == pytest.approx(0.52)


def test_a_clock_that_goes_backwards_stands_still():
    stream, _ = stream_of()
    follow(stream, 10.0, 0.5)
    before = stream.command(10.5)
    np.testing.assert_array_equal(stream.command(3.0), before)


def test_a_stop_ramps_down_within_the_acceleration_limits_and_holds():
    stream, _ = stream_of()
    _, moving = follow(stream, 0.0, 0.5)
    assert stream.stop()
    assert stream.state is StreamState.STOPPING
    _, stopping = follow(stream, 0.5 + PERIOD, 1.5)
    commands = np.vstack([moving, stopping])
    velocity = np.diff(commands, axis=0) / PERIOD
    acceleration = np.diff(velocity, axis=0) / PERIOD
    assert np.abs(velocity[130:]).max() > 0.1, 'it did not ramp'
    assert np.abs(velocity[-100:]).max() < 1e-9
    assert np.abs(acceleration).max() < 6.0
    assert stream.state is StreamState.HOLDING


def test_a_stop_for_good_ends_in_silence():
    stream, _ = stream_of()
    follow(stream, 0.0, 0.5)
    stream.stop(then_silent=True)
    answers = [stream.command(0.5 + k * PERIOD) for k in range(500)]
    silent = [answer is None for answer in answers].index(True)
    assert silent > 20, 'it did not ramp'
    assert all(answer is None for answer in answers[silent:])
    assert np.abs(answers[silent - 1] - answers[silent - 2]).max() < 1e-3
    assert stream.state is StreamState.SILENT
    assert stream.command(11.0) is None


def test_holding_becomes_silent_at_once_when_asked():
    stream, _ = stream_of()
    follow(stream, 0.0, 1.2)
    assert not stream.stop(then_silent=True)
    assert stream.command(1.3) is None


def test_a_new_trajectory_replaces_a_stop():
    stream, trajectory = stream_of()
    follow(stream, 0.0, 0.5)
    stream.stop(then_silent=True)
    stream.start(trajectory)
    _, commands = follow(stream, 5.0, 1.2)
    np.testing.assert_allclose(commands[-1], [1.0, -0.5])
    assert stream.state is StreamState.HOLDING


def test_a_trajectory_that_begins_off_the_last_command_is_led_over_to():
    stream, trajectory = stream_of(duration=2.0)
    begin = np.array([-0.02, 0.015])
    stream.start(trajectory, begin)
    _, commands = follow(stream, 0.0, 2.2)
    np.testing.assert_allclose(commands[0], begin, atol=1e-9)
    np.testing.assert_allclose(commands[-1], [1.0, -0.5])
    np.testing.assert_allclose(commands[100], trajectory.sample([0.4])[0][0], atol=1e-9)
    velocity = np.diff(commands, axis=0) / PERIOD
    assert np.abs(velocity).max() < np.abs(trajectory.velocities).max() + 0.2
    assert np.abs(np.diff(velocity, axis=0) / PERIOD).max() < 6.0


def test_a_stop_while_led_over_to_a_trajectory_does_not_jump():
    stream, trajectory = stream_of(duration=2.0)
    stream.start(trajectory, np.array([0.02, 0.02]))
    _, before = follow(stream, 0.0, 0.1)
    stream.stop()
    _, after = follow(stream, 0.1 + PERIOD, 1.0)
    steps = np.abs(np.diff(np.vstack([before, after]), axis=0))
    assert steps.max() < 0.2 * 1.1 * PERIOD + np.abs(trajectory.velocities).max() * PERIOD
    assert steps[-1].max() < 1e-9
