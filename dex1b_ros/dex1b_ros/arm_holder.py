"""Brings the arm to rest when the executor that moved it is gone."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from action_msgs.srv import CancelGoal
from control_msgs.action import FollowJointTrajectory
from rclpy.serialization import deserialize_message
from trajectory_msgs.msg import JointTrajectory as TrajectoryMsg

from dex1b_core.motion import JointTrajectory, braking_trajectory
from dex1b_core.robots import Interface, RobotDescription
from dex1b_core.robots.link_tree import LinkTree
from dex1b_ros import conversions
from dex1b_ros.joint_state_buffer import JointStateBuffer
from dex1b_ros.node import Dex1bNode

_FRESH_S = 0.5  # a setpoint that is older says nothing about now
_PATIENCE_S = 1.0  # wall clock, until a controller that still moves is cancelled


@dataclass(frozen=True)
class _Instant:
    wall: float
    robot: float


class ArmHolder:
    """Follows the controller's setpoint; `hold` ramps it down, and cancels if that is not heard.

    A cancel alone holds the measured position at once: a jump. A trajectory on the controller's
    topic replaces the goal of whoever has died. A controller that serves no action tells no
    setpoint: there the measured state stands for it. Streamed positions end with their sender.
    """

    def __init__(self, node: Dex1bNode, robot: RobotDescription) -> None:
        self._node, self._arm = node, robot.arm
        arm = robot.arm
        limits = {joint.name: joint.limits for joint in LinkTree.from_urdf(robot.urdf_path).joints}
        self._lower, self._upper = np.array([limits[name] for name in arm.joints]).T
        self._prefix = node.params.tf_prefix
        self._streamed = arm.interface.streamed
        self._has_action = arm.interface is Interface.FOLLOW_JOINT_TRAJECTORY
        self._states: JointStateBuffer | None = None
        if arm.interface is Interface.JOINT_TRAJECTORY:
            self._states = JointStateBuffer(
                node, arm.joints, max_age=_FRESH_S, max_wall_age=_FRESH_S
            )
        action = f'{arm.name_of(Interface.FOLLOW_JOINT_TRAJECTORY)}/_action'
        topic = arm.name_of(Interface.JOINT_TRAJECTORY)
        self._feedback = node.create_subscription(
            FollowJointTrajectory.Impl.FeedbackMessage, f'{action}/feedback',
            self._on_feedback, 10, raw=True,
        )  # fmt: skip
        self._topic = None if self._streamed else node.create_publisher(TrajectoryMsg, topic, 1)
        self._cancel = node.create_client(CancelGoal, f'{action}/cancel_goal')
        self._latest: bytes | None = None
        self._received = _Instant(-np.inf, 0.0)
        self._timer: threading.Timer | None = None

    def destroy(self) -> None:
        """Free subscription, publisher and client."""
        if self._timer is not None:
            self._timer.cancel()
        self._node.destroy_subscription(self._feedback)
        if self._states is not None:
            self._states.destroy()
        if self._topic is not None:
            self._node.destroy_publisher(self._topic)
        self._node.destroy_client(self._cancel)

    def hold(self) -> None:
        """Ramp the arm down; the hand keeps its command. Never blocks."""
        if self._topic is None:
            self._node.get_logger().error('executor lost in motion: its stream has ended')
            return
        begin = self._node.get_clock().now().to_msg()  # while the ramp is computed the arm moves on
        ramp = self._ramp() if self._states is None else self._measured_ramp(self._states)
        if ramp is None or not self._keeps_limits(ramp):
            self._node.get_logger().error("executor lost in motion: cancelling the arm's goals")
            self._cancel.call_async(CancelGoal.Request())  # all zero: every goal
            return
        self._node.get_logger().error('executor lost in motion: ramping the arm down')
        self._topic.publish(conversions.trajectory_msg(ramp, self._prefix, begin))
        if not self._has_action:
            return
        self._timer = threading.Timer(_PATIENCE_S, self._cancel_if_heard)
        self._timer.daemon = True
        self._timer.start()

    def _cancel_if_heard(self) -> None:
        """A controller that still reports progress did not take the ramp."""
        if time.monotonic() - self._received.wall < 0.5 * _PATIENCE_S:
            self._node.get_logger().error("the ramp was not taken: cancelling the arm's goals")
            self._cancel.call_async(CancelGoal.Request())

    def _keeps_limits(self, ramp: JointTrajectory) -> bool:
        return bool(((ramp.positions >= self._lower) & (ramp.positions <= self._upper)).all())

    def _ramp(self) -> JointTrajectory | None:
        """From where the setpoint is now, straight on to rest; None when it is not known."""
        if self._latest is None or time.monotonic() - self._received.wall > _FRESH_S:
            return None
        feedback = deserialize_message(
            self._latest, FollowJointTrajectory.Impl.FeedbackMessage
        ).feedback
        where = {name: k for k, name in enumerate(feedback.joint_names)}
        names = [self._prefix + name for name in self._arm.joints]
        desired = feedback.desired
        if any(name not in where for name in names) or len(desired.velocities) != len(where):
            return None
        columns = [where[name] for name in names]
        positions = np.array(desired.positions)[columns]
        velocities = np.array(desired.velocities)[columns]
        age = float(np.clip(self._now() - self._received.robot, 0.0, _FRESH_S))
        return braking_trajectory(
            self._arm.joints,
            positions + age * velocities,
            velocities,
            acceleration_limits=self._arm.acceleration_limits,
        )

    def _measured_ramp(self, states: JointStateBuffer) -> JointTrajectory | None:
        """From the measured state straight on to rest; None when it is not known."""
        measured = states.last(self._arm.joints, within_s=_FRESH_S)
        if measured is None:
            return None
        return braking_trajectory(
            self._arm.joints,
            measured.positions,
            measured.velocities,
            acceleration_limits=self._arm.acceleration_limits,
        )

    def _on_feedback(self, raw: bytes) -> None:
        self._latest, self._received = raw, _Instant(time.monotonic(), self._now())

    def _now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds * 1e-9)
