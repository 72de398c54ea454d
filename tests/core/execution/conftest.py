"""A robot in memory: joints follow their trajectories; time passes when somebody waits."""

from __future__ import annotations

import numpy as np
import pytest

from dex1b_core.execution import Measured
from dex1b_core.motion import stopping_trajectory
from dex1b_core.robots import load_robot


class FakeMotion:
    def __init__(self, robot, trajectory):
        self._robot, self.trajectory, self._begin = robot, trajectory, robot.time
        self.text = ''

    def elapsed(self):
        return self._robot.time - self._begin

    def finished(self):
        over = self.elapsed() >= self.trajectory.duration
        return bool(self.text) or (over and not self._robot.controller_dead)

    def failure(self):
        return self.text


class FakeRobot:
    """`object_at` = hand posture that an object stops the fingers at; None = empty hand."""

    def __init__(self, robot, object_at=None):
        self.robot, self.object_at = robot, object_at
        self.time, self.sent, self.stops, self.log = 0.0, [], 0, []
        self.arm = self._motion = self.hand = None
        self.rest = {'arm': np.array(robot.arm.home), 'hand': np.array(robot.hand.open)}
        self.controller_dead = self.frozen = False
        self.jammed = None  # a joint of the hand that stays where it is
        self.pause_requested = False
        self.lag = 0.0  # s that a state takes to arrive
        self.at = {}  # time -> callback

    def now(self):
        return self.time

    def measure(self, names):
        is_arm = names == self.robot.arm.joints
        motion = self.arm if is_arm else self.hand
        if is_arm and self.controller_dead:
            motion = None
        if motion is None:
            positions, velocities = self.rest['arm' if is_arm else 'hand'], np.zeros(len(names))
        else:
            p, v, _ = motion.trajectory.sample([max(motion.elapsed() - self.lag, 0.0)])
            positions, velocities = p[0], v[0]
        efforts = np.full(len(names), np.nan)
        if self.jammed in names:
            joint = names.index(self.jammed)
            positions[joint], velocities[joint] = self.rest['hand'][joint], 0.0
        if not is_arm:
            efforts = np.full(len(names), 0.02)
            if self.object_at is not None:
                stopped = (positions > self.object_at) & (self.object_at > 0)
                positions = np.where(stopped, self.object_at, positions)
                efforts = np.where(stopped, 0.8, efforts)
        return Measured(positions, velocities, efforts, self.lag)

    def send(self, trajectory):
        self.sent.append(trajectory)
        motion = FakeMotion(self, trajectory)
        if trajectory.names == self.robot.arm.joints:
            self.arm = motion
        else:
            self.hand = motion
        return motion

    def stop_arm(self):
        self.stops += 1
        if self.arm is not None and not self.arm.finished():
            ramp = stopping_trajectory(
                self.arm.trajectory, self.arm.elapsed(), acceleration_limits=np.full(7, 8.0)
            )
            self.arm = FakeMotion(self, ramp)

    def check(self):
        for when in [t for t in self.at if t <= self.time]:
            self.at.pop(when)()

    def paused(self):
        return self.pause_requested

    def pause(self, seconds):
        if not self.frozen:
            self.time += max(seconds, 0.02)


@pytest.fixture
def fake_robot():
    """Factory: fake_robot(object_at=None)."""
    return lambda object_at=None: FakeRobot(load_robot('xarm7_ability'), object_at)
