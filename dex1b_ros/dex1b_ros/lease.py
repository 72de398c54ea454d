"""Clients of an action that tell that they live, so that a robot does not move for the dead.

DDS notices a client that was killed only after its own lease, which is 10 s and more, and never
one that hangs. A client that publishes its goal's id on <action>/heartbeat is noticed within the
server's lease; one that never does, such as `ros2 action send_goal`, is left to DDS.
"""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node
from unique_identifier_msgs.msg import UUID

PERIOD_S = 0.2


class ClientHeartbeat:
    """The client's side: call `beat` about every PERIOD_S while the goal is wanted."""

    def __init__(self, node: Node, action: str) -> None:
        self._node = node
        self._publisher = node.create_publisher(UUID, f'{action}/heartbeat', 1)

    def beat(self, handle: Any) -> None:
        """Tell that the client of this goal lives."""
        self._publisher.publish(handle.goal_id)

    def destroy(self) -> None:
        """Free the publisher."""
        self._node.destroy_publisher(self._publisher)


class ClientLease:
    """The server's side: when each goal's client was last heard; wall clock."""

    def __init__(self, node: Node, action: str) -> None:
        self._node = node
        self._heard: dict[bytes, float] = {}
        self._subscription = node.create_subscription(
            UUID, f'{action}/heartbeat', self._on_beat, 10
        )

    def watch(self, handle: Any) -> None:
        """Listen for the client of a goal that begins."""
        self._heard[bytes(handle.goal_id.uuid)] = float('inf')

    def forget(self, handle: Any) -> None:
        """The goal is over."""
        self._heard.pop(bytes(handle.goal_id.uuid), None)

    def silence(self, handle: Any) -> float:
        """Seconds since the client was last heard; 0 when it never was."""
        heard = self._heard.get(bytes(handle.goal_id.uuid), float('inf'))
        return max(0.0, time.monotonic() - heard)

    def destroy(self) -> None:
        """Free the subscription."""
        self._node.destroy_subscription(self._subscription)

    def _on_beat(self, message: UUID) -> None:
        goal = bytes(message.uuid)
        if goal in self._heard:  # of others, nothing is kept: their number is not bounded
            self._heard[goal] = time.monotonic()
