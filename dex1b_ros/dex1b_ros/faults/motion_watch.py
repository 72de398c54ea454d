"""What the robot really did, and whether any of it was unsafe."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from dex1b_core.robots import RobotDescription
from dex1b_ros import conversions

Array = NDArray[np.float64]

STILL = 0.02  # [rad/s]
_SPEED_SLACK = 1.05
_HOP_SLACK = 1.2  # of the velocity limits, in differences of sampled positions
_PUSH_SLACK = 1.5  # of the acceleration limits, in differences of sampled velocities
_OPENED = 0.05  # [rad] that a hand which holds something may not open by


@dataclass(frozen=True)
class Recorded:
    """Joint states, as the robot itself reported them.

    Attributes:
        wall: (T,) monotonic receipt [s].
        stamps: (T,) [s].
        arm: (T, A) positions [rad].
        speed: (T, A) velocities [rad/s].
        hand: (T, J) positions [rad].
    """

    wall: Array
    stamps: Array
    arm: Array
    speed: Array
    hand: Array

    def since(self, wall: float) -> Recorded:
        """The part received from then on."""
        kept = self.wall >= wall
        return Recorded(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


class MotionWatch:
    """Records all joint states; callbacks and questions may come from different threads."""

    def __init__(self, robot: RobotDescription) -> None:
        self._robot = robot
        self._lock = threading.Lock()
        self._rows: list[tuple[float, float, Array, Array, Array]] = []

    def add(self, message: JointState) -> None:
        """Keep one message."""
        where = {name: k for k, name in enumerate(message.name)}
        arm = [where[name] for name in self._robot.arm.joints]
        hand = [where[name] for name in self._robot.hand.joints]
        positions, velocities = np.array(message.position), np.array(message.velocity)
        stamp = conversions.seconds(message.header.stamp)
        row = time.monotonic(), stamp, positions[arm], velocities[arm], positions[hand]
        with self._lock:
            self._rows.append(row)

    def clear(self) -> None:
        """Forget what was recorded."""
        with self._lock:
            self._rows.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows)

    @property
    def speed(self) -> float:
        """Of the fastest arm joint in the last message [rad/s]."""
        with self._lock:
            return float(np.abs(self._rows[-1][3]).max()) if self._rows else 0.0

    def recorded(self) -> Recorded:
        """Everything so far."""
        with self._lock:
            rows = list(self._rows)
        return Recorded(*(np.array(column) for column in zip(*rows, strict=True)))


def unsafe_motions(
    robot: RobotDescription,
    recorded: Recorded,
    *,
    fault_at: float,
    rest_within: float | None,
    keeps_grip: bool,
    may_stop_dead: bool = False,
) -> list[str]:
    """In words, what must not have happened; empty when nothing did.

    Args:
        robot: For its limits.
        recorded: From before the fault until well after it.
        fault_at: Monotonic time of the fault.
        rest_within: Seconds after the fault in which the arm must have come to rest for good;
            0 = it must not move at all; None = it may go on.
        keeps_grip: Whether the hand held something at the fault, and so may not open.
        may_stop_dead: The controller itself ends the motion, without a ramp.
    """
    found = []
    moving = recorded.wall[np.abs(recorded.speed).max(axis=1) > STILL]
    after = moving[moving > fault_at + (0.0 if rest_within is None else rest_within)]
    if rest_within is not None and len(after):
        found.append(f'the arm still moves {after[-1] - fault_at:.2f} s after the fault')
    fastest = np.abs(recorded.speed) / np.array(robot.arm.velocity_limits)
    if fastest.max() > _SPEED_SLACK:
        found.append(f'{fastest.max():.2f} times the velocity limit')
    steps = np.diff(recorded.stamps)
    valid = steps > 1e-4
    hop = np.abs(np.diff(recorded.arm, axis=0)[valid] / steps[valid, None])
    hopped = hop / np.array(robot.arm.velocity_limits)
    if len(hopped) and hopped.max() > _HOP_SLACK:
        found.append(f'positions change at {hopped.max():.1f} times the velocity limit')
    push = np.abs(np.diff(recorded.speed, axis=0)[valid] / steps[valid, None])
    share = push / np.array(robot.arm.acceleration_limits)
    if len(share) and share.max() > _PUSH_SLACK and not may_stop_dead:
        found.append(f'{share.max():.1f} times the acceleration limit: a jump')
    if keeps_grip:
        hand = recorded.since(fault_at).hand
        opened = np.array(robot.hand.open)
        closed = np.abs(hand - opened)
        loss = float((closed[0] - closed.min(axis=0)).max()) if len(hand) else 0.0
        if loss > _OPENED:
            found.append(f'the hand opened by {loss:.2f} rad')
    return found


def seconds_to_rest(recorded: Recorded, fault_at: float) -> float:
    """From the fault until the arm was still for good [s]."""
    moving = recorded.wall[np.abs(recorded.speed).max(axis=1) > STILL]
    return max(0.0, float(moving[-1] - fault_at)) if len(moving) else 0.0
