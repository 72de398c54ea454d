"""Keeps what a plan publishes beside its reply, for its page."""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from dex1b_core.viz.plan_page import PlanOutputs
from dex1b_msgs.msg import GraspArray
from dex1b_ros import conversions
from dex1b_ros.node import LATCHED
from dex1b_ros.scene_display import shape_of

_LATE_S = 3.0


class PlanRecorder:
    """Subscribes on a node that somebody else spins; make it before the plan is asked for."""

    def __init__(self, node: Node) -> None:
        self._latest: dict[str, Any] = {}
        for kind, topic in (
            (GraspArray, 'grasp_server/rejected'),
            (MarkerArray, 'perception/markers'),
            (Image, 'perception/segmentation'),
        ):
            node.create_subscription(kind, topic, self._keeper(topic), LATCHED)

    def _keeper(self, topic: str) -> Any:
        def keep(message: Any) -> None:
            self._latest[topic] = message

        return keep

    def outputs(self, reply: Any) -> PlanOutputs:
        """Of the plan with this reply; what does not come in time is left out."""
        rejected = self._of(reply, 'grasp_server/rejected')
        markers = self._latest.get('perception/markers')
        segmentation = self._latest.get('perception/segmentation')
        return PlanOutputs(
            tuple(conversions.candidate(c) for c in reply.candidates),
            () if rejected is None else tuple(map(conversions.candidate, rejected.candidates)),
            None if markers is None else shape_of(markers),
            None if segmentation is None else conversions.image(segmentation).copy(),
        )

    def _of(self, reply: Any, topic: str) -> Any:
        deadline = time.monotonic() + _LATE_S
        while time.monotonic() < deadline:
            message = self._latest.get(topic)
            if message is not None and message.plan_id == reply.plan_id:
                return message
            time.sleep(0.05)
        return None
