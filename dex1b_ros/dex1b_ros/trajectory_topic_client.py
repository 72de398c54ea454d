"""Trajectories on a controller's topic, for controllers that serve no action."""

from __future__ import annotations

import threading
from typing import Any

from trajectory_msgs.msg import JointTrajectory as TrajectoryMsg

from dex1b_core.motion import JointTrajectory
from dex1b_core.robots import JointGroup
from dex1b_ros.controller_client import (
    Measure,
    TimedMotion,
    ramp_down,
    require_joints,
    require_listener,
)
from dex1b_ros.conversions import trajectory_msg
from dex1b_ros.motion_clock import MotionClock, motion_time
from dex1b_ros.node import Dex1bNode


class TrajectoryTopicClient:
    """Publishes stamped trajectories; what becomes of them is judged by joint states."""

    def __init__(
        self, node: Dex1bNode, group: JointGroup, measure: Measure, *, keeps_grip: bool
    ) -> None:
        """Create the publisher; arguments as of `controller_client`."""
        self._node, self._group = node, group
        self._measure = None if keeps_grip else measure
        self._prefix = node.params.tf_prefix
        self._publisher = node.create_publisher(TrajectoryMsg, group.command_name, 1)
        self._time = motion_time(node)
        self._lock = threading.Lock()
        self._clock = MotionClock(self._time)
        self._motion: TimedMotion | None = None

    def destroy(self) -> None:
        """Free the publisher."""
        self._node.destroy_publisher(self._publisher)

    def require_server(self, timeout_s: float) -> None:
        """Wait until somebody listens; raises CONTROLLER_UNAVAILABLE."""
        require_listener(self._node, self._group, timeout_s)

    def send(self, trajectory: JointTrajectory) -> TimedMotion:
        """Publish a trajectory that begins now; raises GOAL_REJECTED for other joints."""
        require_joints(trajectory, self._group)
        with self._lock:
            self._publish(trajectory, self._node.get_clock().now())
            self._clock = MotionClock(self._time)
            self._motion = TimedMotion(trajectory, self._clock.elapsed, self._time, self._measure)
            return self._motion

    def stop(self) -> bool:
        """Publish a ramp that replaces the motion."""
        with self._lock:
            motion, self._motion = self._motion, None
            if motion is None or motion.elapsed() >= motion.trajectory.duration:
                return False
            # read together: while the ramp is computed the arm moves on
            now, elapsed = self._node.get_clock().now(), motion.elapsed()
            ramp = ramp_down(motion.trajectory, elapsed, self._group)
            self._publish(ramp, None if self._clock.jumped else now)
            motion.fail('it was stopped')
            return True

    def _publish(self, trajectory: JointTrajectory, begin: Any) -> None:
        # stamped: however long it is on its way, the controller takes it up at the right point; on
        # a clock that has jumped it would wait for that, and go on moving: then it begins at once
        stamp = None if begin is None else begin.to_msg()
        self._publisher.publish(trajectory_msg(trajectory, self._prefix, stamp))
