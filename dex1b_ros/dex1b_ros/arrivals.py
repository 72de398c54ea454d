"""How old the inputs of a node are, without reading more of them than needed."""

from __future__ import annotations

import time
from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from dex1b_ros.node import Dex1bNode

_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class Arrivals:
    """Notes when messages of one topic arrive; deserialises the last one only when asked."""

    def __init__(self, node: Dex1bNode, kind: Any, topic: str) -> None:
        self._node = node
        self._kind = kind
        self._raw: bytes | None = None
        self._received = 0.0
        self._subscription = node.create_subscription(kind, topic, self._receive, _QOS, raw=True)

    @property
    def topic(self) -> str:
        """Resolved name."""
        return str(self._subscription.topic_name)

    @property
    def seen(self) -> bool:
        """Whether anything has ever arrived."""
        return self._raw is not None

    @property
    def wall_age(self) -> float:
        """Wall-clock seconds since the last message arrived."""
        return time.monotonic() - self._received

    def latest(self) -> Any:
        """The last message, or None."""
        return None if self._raw is None else deserialize_message(self._raw, self._kind)

    def destroy(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)

    def _receive(self, raw: bytes) -> None:
        self._raw, self._received = raw, time.monotonic()
