"""A target that stands until it is old: a point clicked in RViz, or a mask of any segmenter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from dex1b_msgs.msg import GraspTarget


@dataclass(frozen=True)
class _Standing:
    words: str
    target: GraspTarget
    since: float


class StandingTarget:
    """Listens to `clicked_point` and `target_mask`; the newest of both stands.

    Args:
        node: Topics are relative to its namespace.
        hold_s: How long a target stands, wall clock [s].
    """

    def __init__(self, node: Node, hold_s: float) -> None:
        self._node, self._hold_s = node, hold_s
        self._standing: _Standing | None = None
        self._subscriptions = [
            node.create_subscription(PointStamped, 'clicked_point', self._on_point, 1),
            node.create_subscription(
                Image, 'target_mask', self._on_mask, qos_profile_sensor_data
            ),
        ]  # fmt: skip

    def instead_of(self, asked: GraspTarget) -> GraspTarget:
        """What a request for the most graspable object gets; other requests get what they ask."""
        standing = self._standing
        if asked.mode != GraspTarget.AUTO or standing is None:
            return asked
        age = time.monotonic() - standing.since
        if age > self._hold_s:
            return asked
        self._node.get_logger().info(f'the target is {standing.words}, {age:.1f} s old')
        return standing.target

    def destroy(self) -> None:
        """Free the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_point(self, message: PointStamped) -> None:
        target = GraspTarget(mode=GraspTarget.POINT, header=message.header, point=message.point)
        self._set('the clicked point', target)

    def _on_mask(self, message: Any) -> None:
        if not np.frombuffer(message.data, np.uint8).any():  # withdrawn
            self._standing = None
            return
        self._set('the mask on target_mask', GraspTarget(mode=GraspTarget.MASK, mask=message))

    def _set(self, words: str, target: GraspTarget) -> None:
        self._standing = _Standing(words, target, time.monotonic())
