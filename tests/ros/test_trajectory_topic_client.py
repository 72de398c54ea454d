"""A stop says when it begins, but not on a clock that has jumped."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rclpy.time import Time

from dex1b_core.motion.timing import rest_to_rest
from dex1b_core.robots import load_robot
from dex1b_ros.controller_client import ramp_down
from dex1b_ros.trajectory_topic_client import TrajectoryTopicClient

pytestmark = pytest.mark.ros
ARM = load_robot('xarm7_ability').arm


class Clock:
    """Simulated time that the test sets [s]."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> Time:
        return Time(nanoseconds=round(1e9 * self.time))


def stopped(clock: Clock, jump: float) -> list:
    """Half a second of a motion, then a jump [s], then a stop; what was published."""
    published: list = []
    node = SimpleNamespace(
        params=SimpleNamespace(tf_prefix=''),
        create_publisher=lambda *_: SimpleNamespace(publish=published.append),
        get_parameter=lambda _: SimpleNamespace(value=True),
        get_clock=lambda: clock,
    )
    client = TrajectoryTopicClient(node, ARM, lambda _: None, keeps_grip=True)
    home = np.array(ARM.home)
    motion = client.send(rest_to_rest(ARM.joints, home, home + 0.5, 2.0))
    for _ in range(10):
        clock.time += 0.05
        motion.elapsed()
    clock.time += jump
    assert client.stop()
    return published


def test_a_stop_begins_where_the_motion_is(monkeypatch):
    """However long it takes to compute: the stamp is of the time at which it begins."""
    begun = []

    def slow(trajectory, elapsed, group):
        begun.append(clock.now().nanoseconds)
        assert elapsed == pytest.approx(0.5)
        ramp = ramp_down(trajectory, elapsed, group)
        clock.time += 0.2
        return ramp

    monkeypatch.setattr('dex1b_ros.trajectory_topic_client.ramp_down', slow)
    clock = Clock()
    _, ramp = stopped(clock, 0.0)
    assert [Time.from_msg(ramp.header.stamp).nanoseconds] == begun


@pytest.mark.parametrize('jump', [5.0, -5.0])
def test_after_a_jump_of_the_clock_it_begins_when_it_arrives(jump):
    sent, ramp = stopped(Clock(), jump)
    assert Time.from_msg(ramp.header.stamp).nanoseconds == 0
    here = np.array(ramp.points[0].positions)
    assert 0.0 < np.abs(here - sent.points[0].positions).max() < 0.2
