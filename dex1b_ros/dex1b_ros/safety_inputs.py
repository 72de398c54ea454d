"""What the safety monitor listens to, turned into findings."""

from __future__ import annotations

import time

import numpy as np
from control_msgs.action import FollowJointTrajectory
from pydantic import Field
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage

from dex1b_core.execution.safety import (
    Finding,
    GuardSettings,
    JointGuard,
    SafetyLevel,
    SafetyReason,
    WorkspaceGuard,
)
from dex1b_core.robots import Interface, RobotDescription
from dex1b_ros.arrivals import Arrivals
from dex1b_ros.controller_checks import controller_listens
from dex1b_ros.joint_state_buffer import JointStateListener, joint_conflict
from dex1b_ros.joint_table import Reading
from dex1b_ros.node import Dex1bNode, NodeParameters


class SafetyParameters(NodeParameters):
    """Parameters of the safety monitor; ages are [s] on the clock that they name."""

    joint_state_max_age: float = Field(0.25, ge=0.01, description='stamp, ROS time')
    joint_state_max_wall_age: float = Field(0.5, ge=0.05, description='receipt, wall clock')
    tf_max_wall_age: float = Field(1.0, ge=0.05, description='receipt, wall clock')
    watch_camera: bool = Field(True, description='whether there is a camera')
    camera_info_topic: str = Field('camera/depth/camera_info', description='what it publishes')
    camera_max_wall_age: float = Field(2.0, ge=0.05, description='receipt, wall clock')
    heartbeat_max_wall_age: float = Field(2.0, ge=0.1, description='executor status, wall clock')
    controller_grace: float = Field(3.0, ge=0.0, description='absence of an action, wall clock')
    position_margin: float = Field(0.03, ge=0.0, description='beyond a joint limit [rad]')
    velocity_factor: float = Field(1.3, gt=0.0, description='of the velocity limits')
    effort_factor: float = Field(1.2, ge=0.0, description='of the hand effort limits; 0 = off')
    tracking_tolerance: float = Field(0.35, gt=0.0, description='arm to its setpoint [rad]')
    persistence: float = Field(0.2, ge=0.0, description='of excesses, ROS time [s]')


class SafetyInputs:
    """Subscriptions of the monitor and the findings that they give rise to.

    Staleness is a warning while nothing moves, since it endangers nobody and a goal needs OK
    anyway; while the executor moves the robot it means STOP.
    """

    def __init__(self, node: Dex1bNode, robot: RobotDescription) -> None:
        self._node, self._robot = node, robot
        self._params = node.params
        params = node.params
        settings = GuardSettings(
            position_margin=params.position_margin, velocity_factor=params.velocity_factor,
            effort_factor=params.effort_factor, persistence=params.persistence,
            tracking_tolerance=params.tracking_tolerance,
        )  # fmt: skip
        self._guard = JointGuard(robot, settings)
        self._workspace = WorkspaceGuard(robot)
        self._joint_states = JointStateListener(node, self._guard.names)
        self._tf = Arrivals(node, TFMessage, '/tf')
        self._camera = (
            Arrivals(node, CameraInfo, params.camera_info_topic) if params.watch_camera else None
        )
        self._tracking: list[Finding] = []
        self._tracking_at = 0.0
        action = f'{robot.arm.name_of(Interface.FOLLOW_JOINT_TRAJECTORY)}/_action'
        self._feedback = node.create_subscription(
            FollowJointTrajectory.Impl.FeedbackMessage, f'{action}/feedback',
            self._on_feedback, 10, raw=True,
        )  # fmt: skip
        self._present_at = dict.fromkeys(
            (group.controller for group in (robot.arm, robot.hand)), time.monotonic()
        )
        self._looked_at = 0.0

    def destroy(self) -> None:
        """End all subscriptions."""
        self._joint_states.destroy()
        self._tf.destroy()
        if self._camera is not None:
            self._camera.destroy()
        self._node.destroy_subscription(self._feedback)

    def findings(self, *, moving: bool) -> list[Finding]:
        """Everything that is not as it should be now."""
        grave = SafetyLevel.STOP if moving else SafetyLevel.WARN
        found = self._joints(grave) + self._stale_tf(grave) + self._missing_controllers(grave)
        if self._camera is not None:
            # the plan is made: a camera that falls silent does not endanger the motion
            found += self._silent(
                self._camera, self._params.camera_max_wall_age, SafetyReason.STALE_CAMERA,
                SafetyLevel.WARN,
            )  # fmt: skip
        if time.monotonic() - self._tracking_at < 1.0:
            found += self._tracking
        return found

    def _now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def _silent(
        self, input_: Arrivals, max_age: float, reason: SafetyReason, level: SafetyLevel
    ) -> list[Finding]:
        if input_.seen and input_.wall_age <= max_age:
            return []
        publishers = self._node.count_publishers(input_.topic)
        if not input_.seen:
            text = f"nothing has come on '{input_.topic}' yet (publishers: {publishers})"
            return [Finding(reason, SafetyLevel.UNKNOWN, text)]
        text = (
            f"the last message on '{input_.topic}' came {input_.wall_age:.1f} s ago; "
            f'{max_age:.1f} s are allowed (publishers: {publishers})'
        )
        return [Finding(reason, level, text)]

    def _joints(self, grave: SafetyLevel) -> list[Finding]:
        reading, topic = self._joint_states.read(), self._joint_states.topic
        problem = self._stale_joints(reading)
        if problem:
            level = grave if self._joint_states.seen else SafetyLevel.UNKNOWN
            return [Finding(SafetyReason.STALE_JOINT_STATE, level, problem)]
        conflict = joint_conflict(reading, topic)
        if conflict:
            return [Finding(SafetyReason.STALE_JOINT_STATE, SafetyLevel.STOP, conflict)]
        stamp = float(reading.stamps.min())
        found = self._guard.check(reading.positions, reading.velocities, reading.efforts, stamp)
        named = dict(zip(reading.names, reading.positions.tolist(), strict=True))
        return found + self._workspace.check(named)

    def _stale_joints(self, reading: Reading) -> str:
        """In words, whose state is missing or too old; '' when none is."""
        params, topic = self._params, self._joint_states.topic
        if not self._joint_states.seen:
            publishers = self._node.count_publishers(topic)
            return f"nothing has come on '{topic}' yet (publishers: {publishers})"
        if reading.missing:
            return f"'{topic}' lacks joints {reading.missing}"
        wall_age = time.monotonic() - float(reading.received.min())
        if wall_age > params.joint_state_max_wall_age:
            publishers = self._node.count_publishers(topic)
            return (
                f"the last state of joint '{reading.oldest}' on '{topic}' came {wall_age:.1f} s "
                f'ago; {params.joint_state_max_wall_age:.1f} s are allowed (publishers: '
                f'{publishers})'
            )
        joint, age = reading.worst_stamp(self._now())
        if abs(age) > params.joint_state_max_age:
            return (
                f"the stamp of joint '{joint}' on '{topic}' is {age:.2f} s old; "
                f'{params.joint_state_max_age:.2f} s are allowed: is its driver alive, and '
                'use_sim_time the same everywhere?'
            )
        return ''

    def _stale_tf(self, grave: SafetyLevel) -> list[Finding]:
        return self._silent(self._tf, self._params.tf_max_wall_age, SafetyReason.STALE_TF, grave)

    def _missing_controllers(self, grave: SafetyLevel) -> list[Finding]:
        now = time.monotonic()
        if now - self._looked_at > 1.0:  # the graph is not free to ask
            self._looked_at = now
            for group in (self._robot.arm, self._robot.hand):
                if controller_listens(self._node, group):
                    self._present_at[group.controller] = now
        absent = [
            controller
            for controller, seen in self._present_at.items()
            if now - seen > self._params.controller_grace + 1.0
        ]
        if not absent:
            return []
        text = f'nobody takes the commands of {absent} for {self._params.controller_grace:.0f} s'
        return [Finding(SafetyReason.CONTROLLER_INACTIVE, grave, text)]

    def _on_feedback(self, raw: bytes) -> None:
        feedback = deserialize_message(raw, FollowJointTrajectory.Impl.FeedbackMessage).feedback
        prefix = self._params.tf_prefix
        names = [name.removeprefix(prefix) for name in feedback.joint_names]
        errors = np.array(feedback.desired.positions) - np.array(feedback.actual.positions)
        if len(errors) == len(names):
            self._tracking = self._guard.check_tracking(
                dict(zip(names, errors.tolist(), strict=True)), self._now()
            )
            self._tracking_at = time.monotonic()
