"""Jumps of the clock are no progress of a motion."""

from __future__ import annotations

import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.motion_clock import ClockWatch, MotionClock

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('jump', [5.0, -5.0, 1e9, -1e9])
def test_jumps_do_not_count(jump):
    robot = [100.0]
    clock = MotionClock(lambda: robot[0])
    for _ in range(10):
        robot[0] += 0.1
        clock.elapsed()
    assert not clock.jumped
    robot[0] += jump
    clock.elapsed()
    assert clock.jumped
    robot[0] += 0.25
    assert clock.elapsed() == pytest.approx(1.25)


def test_a_clock_that_stands_still_makes_no_progress():
    clock = MotionClock(lambda: 7.0)
    assert clock.elapsed() == clock.elapsed() == 0.0
    assert not clock.jumped


@pytest.mark.parametrize('jump', [5.0, -5.0])
def test_a_jump_is_told_once_unless_a_goal_begins_after_it(jump):
    robot = [100.0]
    watch = ClockWatch(lambda: robot[0])
    robot[0] += 0.1
    watch.require_steady()
    robot[0] += jump
    with pytest.raises(Dex1bError, match='the clock jumped') as caught:
        watch.require_steady()
    assert caught.value.error_code is ErrorCode.PRECONDITION
    watch.require_steady()
    robot[0] += jump
    watch.begin()
    watch.require_steady()
