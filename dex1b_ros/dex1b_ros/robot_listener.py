"""Listens for a while to what a robot publishes, for the doctor to judge."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, JointState
from tf2_msgs.msg import TFMessage

from dex1b_ros.conversions import seconds
from dex1b_ros.joint_table import JointTable
from dex1b_ros.spinner import Spinner

_STATIC = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@dataclass
class Heard:
    """What one sender said: (arrival, age of the stamp) [s] of each message, and the last one."""

    times: list[tuple[float, float]] = field(default_factory=list)
    latest: Any = None

    def rate(self) -> float:
        """Messages a second."""
        arrivals = [arrival for arrival, _ in self.times]
        if len(arrivals) < 2 or arrivals[-1] == arrivals[0]:
            return 0.0
        return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


class RobotListener:
    """Use as a context manager.

    Attributes:
        node: Spun in a thread.
        joints: Joint states, by the names of joints in them.
        tf: Transforms of moving frames, all together.
        parents: Of each frame.
        cameras: Camera infos, by topic.
    """

    def __init__(self, context: Any, namespace: str) -> None:
        self.node = Node('dex1b_robot_doctor', namespace=namespace, context=context)
        self.joints = defaultdict[frozenset[str], Heard](Heard)
        self.cameras: dict[str, Heard] = {}
        self.tf = Heard()
        self.parents: dict[str, set[str]] = defaultdict(set)
        self._context = context

    def __enter__(self) -> RobotListener:
        self._spinner = Spinner(self.node, self._context)
        return self

    def __exit__(self, *_: Any) -> None:
        self._spinner.close()
        self.node.destroy_node()

    def listen(self, joints: Sequence[str], prefix: str, *, for_s: float) -> None:
        """Subscribe to everything, and wait; `joints` are those that are merged in `table`."""
        node, sensor = self.node, qos_profile_sensor_data
        self.table = JointTable(joints, prefix)
        simulated = bool(node.count_publishers('/clock'))
        node.set_parameters([Parameter('use_sim_time', value=simulated)])
        node.create_subscription(JointState, 'joint_states', self._on_joints, sensor)
        node.create_subscription(TFMessage, '/tf', self._on_tf, sensor)
        node.create_subscription(TFMessage, '/tf_static', self._on_tf_static, _STATIC)
        for topic, kinds in node.get_topic_names_and_types():
            if 'sensor_msgs/msg/CameraInfo' in kinds and node.count_publishers(topic):
                heard = self.cameras[topic] = Heard()

                def on_info(message: CameraInfo, heard: Heard = heard) -> None:
                    self._keep(heard, message)

                node.create_subscription(CameraInfo, topic, on_info, sensor)
        time.sleep(for_s)

    def to_root(self, frame: str) -> list[str]:
        """A frame, its parent and so on."""
        way = [frame]
        while self.parents.get(way[-1]) and len(way) < 200:
            way.append(min(self.parents[way[-1]]))
        return way

    def _keep(self, heard: Heard, message: Any) -> None:
        now = self.node.get_clock().now().nanoseconds * 1e-9
        heard.times.append((time.monotonic(), seconds(message.header.stamp) - now))
        heard.latest = message

    def _on_joints(self, message: JointState) -> None:
        self._keep(self.joints[frozenset(message.name)], message)
        self.table.add(message, time.monotonic())

    def _on_tf(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self._keep(self.tf, transform)
        self._on_tf_static(message)

    def _on_tf_static(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self.parents[transform.child_frame_id].add(transform.header.frame_id)
