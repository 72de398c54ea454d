"""Streamed positions as forward_command_controller and drivers of hands take them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from dex1b_core.robots import Interface, JointGroup
from dex1b_ros.node import Dex1bNode
from dex1b_ros.trajectory_server import GroupState

Array = NDArray[np.float64]

_WINDOW_S = 0.05  # velocities are means over it: commands come in steps


class PositionServer:
    """The last position that was commanded is the target; nobody is told how it went.

    Attributes:
        target: (J,) in the order of the group's joints [rad].
        target_velocity: (J,) mean over the last moments [rad/s].
    """

    def __init__(
        self,
        node: Dex1bNode,
        group: JointGroup,
        prefix: str,
        start: list[float],
        state: Callable[[], GroupState],
        lock: AbstractContextManager[Any],
    ) -> None:
        self.target = np.array(start, dtype=float)
        self.target_velocity = np.zeros(len(start))
        self._node, self._name, self._state, self._lock = node, group.command_name, state, lock
        self._order = [group.command_order.index(name) for name in group.joints]
        self._names = [prefix + name for name in group.joints]
        self._past: deque[tuple[float, Array]] = deque()
        kind = Float64MultiArray if group.interface is Interface.POSITION_STREAM else JointState
        self._topic = node.create_subscription(kind, self._name, self._on_command, 1)

    @property
    def running(self) -> bool:
        """Whether the command has changed just now."""
        return bool(np.any(self.target_velocity))

    def update(self, state: GroupState) -> None:
        """Let time pass; called with the lock held."""
        if self._past and state.time <= self._past[-1][0]:
            return
        self._past.append((state.time, self.target))
        while len(self._past) > 2 and state.time - self._past[1][0] >= _WINDOW_S:
            self._past.popleft()
        since, before = self._past[0]
        if state.time > since:
            self.target_velocity = (self.target - before) / (state.time - since)

    def stop(self, reason: str) -> None:
        """Hold the measured position; called with the lock held."""
        self.target = self._state().position.copy()

    def destroy(self) -> None:
        """Destroy the subscription."""
        self._node.destroy_subscription(self._topic)

    def _on_command(self, message: Any) -> None:
        if not self._node.active:
            return
        positions = self._positions(message)
        if positions is None or not np.isfinite(positions).all():
            values = message.data if isinstance(message, Float64MultiArray) else message.position
            self._node.get_logger().warning(
                f"'{self._name}' ignores a command of {len(values)} values; expected a finite one "
                f'for each of {self._names}',
                throttle_duration_sec=1.0,
            )
            return
        with self._lock:
            self.target = positions

    def _positions(self, message: Any) -> Array | None:
        """(J,) in the order of the group's joints; None when the message does not fit."""
        if isinstance(message, Float64MultiArray):
            if len(message.data) != len(self._order):
                return None
            return np.array(message.data, dtype=float)[self._order]
        if len(message.name) != len(message.position):
            return None
        named = dict(zip(message.name, message.position, strict=True))
        if set(named) != set(self._names):
            return None
        return np.array([named[name] for name in self._names])
