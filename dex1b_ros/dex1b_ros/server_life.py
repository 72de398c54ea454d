"""Servers of services and actions that tell that they live, so that no client waits for the dead.

DDS itself notices a server that was killed only after the lease of its process, 20 s and more,
and until then requests to it vanish. A publisher on <name>/alive whose liveliness has a short
lease is noticed within it. The middleware's own threads assert it: a server whose Python is busy
lives, one that is halted does not. Nothing is ever published. A server that dies within the
first lease after it was found is left to timeouts, as are servers of others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import LivelinessPolicy, QoSProfile
from std_msgs.msg import Empty

from dex1b_core.errors import Dex1bError, ErrorCode

LEASE_S = 2.0
_QOS = QoSProfile(
    depth=1,
    liveliness=LivelinessPolicy.AUTOMATIC,
    liveliness_lease_duration=Duration(seconds=LEASE_S),
)


class ServerLife:
    """The server's side; create it after the servers of these names."""

    def __init__(self, node: Node, *names: str) -> None:
        self._node = node
        self._publishers = [node.create_publisher(Empty, f'{name}/alive', _QOS) for name in names]

    def destroy(self) -> None:
        """Free the publishers."""
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)


class ServerWatch:
    """The client's side. Servers that never told that they live are left to timeouts."""

    def __init__(self, node: Node, name: str) -> None:
        self._node, self._name = node, name
        self._losses = self._alive = 0
        self._changed = threading.Condition()
        self._subscription = node.create_subscription(
            Empty, f'{name}/alive', lambda message: None, _QOS,
            event_callbacks=SubscriptionEventCallbacks(liveliness=self._on_change),
        )  # fmt: skip

    def destroy(self) -> None:
        """Free the subscription."""
        self._node.destroy_subscription(self._subscription)

    @property
    def is_lost(self) -> bool:
        """Whether there was a server, and is none now."""
        return bool(self._losses and not self._alive)

    def wait_for_return(self, timeout_s: float) -> None:
        """Give a server that was lost time to be started again; call it from a worker thread."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self.is_lost and time.monotonic() < deadline:
                self._changed.wait(0.2)

    def from_now(self) -> Callable[[], None]:
        """A check that raises NODE_UNAVAILABLE once a server was lost since this call."""
        before = self._losses

        def require_kept() -> None:
            if self._losses > before:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f"the server of '{self._name}' ended or hangs, its answer is lost; see the log "
                    'of its node, and ask again once it runs',
                )

        return require_kept

    def _on_change(self, event: Any) -> None:
        with self._changed:
            lost = event.alive_count < self._alive or event.not_alive_count_change > 0
            self._alive = event.alive_count
            self._losses += lost
            self._changed.notify_all()
