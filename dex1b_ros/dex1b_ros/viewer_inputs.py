"""Topics of the running stack, drawn as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState, PointCloud2
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

from dex1b_core.errors import Dex1bError
from dex1b_core.planning import GraspCandidate
from dex1b_core.viz.browser.controls import StackStatus
from dex1b_core.viz.browser.stack_view import StackView
from dex1b_msgs.msg import ExecutorStatus, GraspArray, SafetyStatus
from dex1b_ros import conversions
from dex1b_ros.grasp_display import planned_motion
from dex1b_ros.node import LATCHED, Dex1bNode
from dex1b_ros.reports import stage_name
from dex1b_ros.scene_display import shape_of

_SILENT_S = 10.0  # heartbeats come every 0.5 s, much later on a busy machine
_STILL = 1e-3  # [rad or m] of every joint: what moves less is not drawn again
_LEVELS = {
    SafetyStatus.OK: 'ok', SafetyStatus.WARN: 'warn', SafetyStatus.STOP: 'stop',
}  # fmt: skip


class ViewerInputs:
    """Subscribes on a node; drawing happens in its workers, never in callbacks."""

    def __init__(self, node: Dex1bNode, view: StackView) -> None:
        self._node, self._view = node, view
        self._prefix = node.params.tf_prefix
        self._joints: tuple[float, bytes] | None = None
        self._drawn: dict[str, float] = {}
        self._executor: tuple[float, ExecutorStatus] | None = None
        self._safety: tuple[float, SafetyStatus] | None = None
        self._subscriptions = [
            node.create_subscription(
                JointState, 'joint_states', self._on_joints, qos_profile_sensor_data, raw=True
            )
        ]
        for kind, topic, callback in (
            (ExecutorStatus, 'executor/status', self._on_executor),
            (SafetyStatus, 'safety_monitor/status', self._on_safety),
        ):
            self._subscriptions.append(node.create_subscription(kind, topic, callback, LATCHED))
        for kind, topic, draw in (
            (PointCloud2, 'perception/object_cloud', self._draw_object),
            (PointCloud2, 'perception/obstacle_cloud', self._draw_obstacles),
            (MarkerArray, 'perception/support_plane', self._draw_plane),
            (MarkerArray, 'perception/markers', self._draw_shape),
            (GraspArray, 'grasp_server/rejected', self._draw_rejected),
            (GraspArray, 'grasp_server/grasps', self._draw_grasps),
            (JointTrajectory, 'grasp_server/planned_motion', self._draw_motion),
        ):
            self._draw_with(kind, topic, draw)

    def destroy(self) -> None:
        """End the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    # -- state ---------------------------------------------------------------------------------

    def draw_robot(self) -> None:
        """Move the drawn robot to the latest joint state; call it from a thread."""
        if self._joints is None:
            return
        message = deserialize_message(self._joints[1], JointState)
        if len(message.position) != len(message.name) or not np.isfinite(message.position).all():
            return
        names = [name.removeprefix(self._prefix) for name in message.name]
        joints = dict(zip(names, message.position, strict=True))
        drawn = self._drawn
        if joints.keys() != drawn.keys() or max(abs(joints[n] - drawn[n]) for n in joints) > _STILL:
            self._drawn = joints
            self._view.scene.show_joints(joints)

    def status(self) -> StackStatus:
        """What executor and monitor said lately."""
        now = time.monotonic()
        executor = _recent(self._executor, now)
        safety = _recent(self._safety, now)
        return StackStatus(
            stage=stage_name(executor.stage) if executor is not None else '',
            execution_enabled=executor is not None and bool(executor.execution_enabled),
            object_held=executor is not None and bool(executor.object_held),
            safety=_LEVELS.get(safety.level, '') if safety is not None else '',
            message=next((m.message for m in (safety, executor) if m and m.message), ''),
            robot_age=float('inf') if self._joints is None else now - self._joints[0],
        )

    def _on_joints(self, raw: bytes) -> None:
        self._joints = (time.monotonic(), raw)

    def _on_executor(self, message: ExecutorStatus) -> None:
        self._executor = (time.monotonic(), message)

    def _on_safety(self, message: SafetyStatus) -> None:
        self._safety = (time.monotonic(), message)

    # -- drawing -------------------------------------------------------------------------------

    def _draw_with(self, kind: Any, topic: str, draw: Callable[[Any], None]) -> None:
        def work(message: Any) -> None:
            try:
                draw(message)
            except Dex1bError as error:
                self._node.get_logger().warning(f'{topic}: {error.message}')

        self._subscriptions.append(
            self._node.create_subscription(
                kind, topic, lambda message: self._node.in_thread(work, message), LATCHED
            )
        )

    def _draw_object(self, message: PointCloud2) -> None:
        self._view.scene.show_object(conversions.cloud(message))

    def _draw_obstacles(self, message: PointCloud2) -> None:
        self._view.scene.show_obstacles(conversions.cloud(message))

    def _draw_plane(self, message: MarkerArray) -> None:
        for marker in message.markers:
            size = (marker.scale.x, marker.scale.y)
            self._view.scene.show_plane(conversions.pose(marker.pose), size)

    def _draw_shape(self, message: MarkerArray) -> None:
        shape = shape_of(message)
        if shape is not None:
            self._view.scene.show_shape(*shape)

    def _draw_rejected(self, message: GraspArray) -> None:
        self._view.show_plan(rejected=_candidates(message))

    def _draw_grasps(self, message: GraspArray) -> None:
        self._view.show_plan(kept=_candidates(message))

    def _draw_motion(self, message: JointTrajectory) -> None:
        self._view.motion.show(planned_motion(message, self._prefix))


def _candidates(message: GraspArray) -> tuple[GraspCandidate, ...]:
    return tuple(conversions.candidate(candidate) for candidate in message.candidates)


def _recent(latest: tuple[float, Any] | None, now: float) -> Any:
    return latest[1] if latest is not None and now - latest[0] < _SILENT_S else None
