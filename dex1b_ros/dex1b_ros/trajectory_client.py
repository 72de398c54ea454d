"""Trajectories to a ros2_control joint trajectory controller, and ramped stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory
from control_msgs.msg import JointTolerance
from rclpy.action import ActionClient
from rclpy.task import Future

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import JointTrajectory
from dex1b_core.robots.description import JointGroup
from dex1b_ros import conversions
from dex1b_ros.controller_client import ramp_down
from dex1b_ros.motion_clock import MotionClock, motion_time
from dex1b_ros.node import Dex1bNode, wait_for

_ERRORS = {
    value: name
    for name, value in vars(FollowJointTrajectory.Result).items()
    if name.isupper() and isinstance(value, int)
}
_MOVING = 0.02  # rad/s; slower, a setpoint does not tell its time
_ANSWER_S = 5.0  # wall-clock seconds a controller may take to answer a goal


class ControllerMotion:
    """A goal that a controller has been given."""

    def __init__(self, trajectory: JointTrajectory, now: Callable[[], float]) -> None:
        self.trajectory = trajectory
        self._since_sent = MotionClock(now)
        self._delay = 0.0
        self._end: tuple[int, str] | None = None
        self.handle: Any = None

    def elapsed(self) -> float:
        """Robot time since the controller began [s]; the better known, the longer it moves."""
        return self._since_sent.elapsed() - self._delay

    @property
    def clock_jumped(self) -> bool:
        """Whether the clock jumped meanwhile."""
        return self._since_sent.jumped

    def finished(self) -> bool:
        """Whether the controller has reported an end."""
        return self._end is not None

    def failure(self) -> str:
        """What the controller reported, or '' for success and while it moves."""
        if self._end is None or self._end[0] == FollowJointTrajectory.Result.SUCCESSFUL:
            return ''
        code, text = self._end
        return f'{_ERRORS.get(code, code)} {text}'.strip()

    def on_accepted(self, handle: Any) -> None:
        """Keep the goal's handle; the controller has begun by now."""
        self.handle = handle
        self._delay = self._since_sent.elapsed()

    def on_feedback(self, message: Any) -> None:
        """Find the controller's setpoint on the path: it tells when the controller began."""
        desired, latest = np.array(message.feedback.desired.positions), self._since_sent.elapsed()
        if len(desired) != len(self.trajectory.names):
            return
        times = np.linspace(max(0.0, latest - 0.5), max(latest, 0.1), 61)
        positions, velocities, _ = self.trajectory.sample(times)
        nearest = int(np.abs(positions - desired).max(axis=1).argmin())
        if np.abs(velocities[nearest]).max() > _MOVING:
            self._delay = max(0.0, min(self._delay, latest - float(times[nearest])))

    def on_end(self, code: int, text: str) -> None:
        """Keep the controller's verdict."""
        self._end = (code, text)


class TrajectoryClient:
    """Client of the action of one joint group's controller."""

    def __init__(self, node: Dex1bNode, group: JointGroup, *, keeps_grip: bool) -> None:
        """Create the client.

        Args:
            node: Owner.
            group: Joints, limits and controller.
            keeps_grip: For hands: tolerances are erased, since a grip is a position error that
                must not end the goal, and a goal is never cancelled, since a controller that
                holds the measured position lets go.
        """
        self._node = node
        self._group = group
        self._keeps_grip = keeps_grip
        self._prefix = node.params.tf_prefix
        self._name = group.command_name
        self._client = ActionClient(node, FollowJointTrajectory, self._name)
        self._time = motion_time(node)
        self._executor_thread = threading.get_ident()
        self._lock = threading.Lock()
        self._motion: ControllerMotion | None = None

    def destroy(self) -> None:
        """Free the client."""
        self._client.destroy()

    def require_server(self, timeout_s: float) -> None:
        """Wait for the controller; call it from a worker thread.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE.
        """
        if not self._client.wait_for_server(timeout_s):
            raise Dex1bError(
                ErrorCode.CONTROLLER_UNAVAILABLE,
                f"no server for action '{self._name}' within {timeout_s:.0f} s; start and activate "
                f"the controller '{self._group.controller}'",
            )

    def send(self, trajectory: JointTrajectory) -> ControllerMotion:
        """Give the controller a trajectory; call it from a worker thread.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE or GOAL_REJECTED.
        """
        motion = ControllerMotion(trajectory, self._time)
        with self._lock:
            self._motion = motion
        try:
            accepted = wait_for(self._send(motion), _ANSWER_S, self._name)
        except Dex1bError as error:
            raise Dex1bError(
                ErrorCode.CONTROLLER_UNAVAILABLE,
                f"'{self._name}' did not answer a goal within {_ANSWER_S:.0f} s; is the "
                'controller alive?',
            ) from error
        if not accepted:
            raise Dex1bError(
                ErrorCode.GOAL_REJECTED,
                f"'{self._name}' refused the goal for joints {list(trajectory.names)}; is the "
                'controller active and does it have these joints?',
            )
        return motion

    def stop(self) -> bool:
        """Ramp the current motion down along its path; returns whether there was one.

        Never blocks, may be called from any thread. A controller that refuses the ramp gets a
        cancel, which is abrupt.
        """
        with self._lock:
            motion, self._motion = self._motion, None
        if motion is None or motion.finished():
            return False
        # read together: while the ramp is computed the arm moves on
        now, elapsed = self._node.get_clock().now(), motion.elapsed()
        ramp = ramp_down(motion.trajectory, elapsed, self._group)

        def cancel_if_refused(future: Future) -> None:
            if not future.result() and motion.handle is not None:
                self._node.get_logger().error('ramped stop refused; cancelling the arm goal')
                motion.handle.cancel_goal_async()

        # stamped: however long it is on its way, the controller takes it up at the right point; on
        # a clock that has jumped it would wait for that, and go on moving: then it begins at once
        begin = None if motion.clock_jumped else now.to_msg()
        self._send(ControllerMotion(ramp, self._time), begin).add_done_callback(cancel_if_refused)
        return True

    def _send(self, motion: ControllerMotion, begin: Any = None) -> Future:
        """Future of whether the goal was accepted.

        rclpy's action client loses answers that arrive before the sending thread has noted its
        request, so goals are sent by the executor's thread only.
        """
        accepted: Future = Future(executor=self._node.executor)

        def on_result(future: Future) -> None:
            result = future.result().result
            motion.on_end(result.error_code, result.error_string)

        def on_answer(future: Future) -> None:
            motion.on_accepted(future.result())
            if motion.handle.accepted:
                motion.handle.get_result_async().add_done_callback(on_result)
            accepted.set_result(motion.handle.accepted)

        def send() -> None:
            goal = self._goal(motion.trajectory)
            if begin is not None:
                goal.trajectory.header.stamp = begin
            self._client.send_goal_async(
                goal, feedback_callback=motion.on_feedback
            ).add_done_callback(on_answer)

        if threading.get_ident() == self._executor_thread:
            send()
        else:
            self._node.executor.create_task(send)
        return accepted

    def _goal(self, trajectory: JointTrajectory) -> FollowJointTrajectory.Goal:
        goal = FollowJointTrajectory.Goal(
            trajectory=conversions.trajectory_msg(trajectory, self._prefix)
        )
        # 0 would mean: wait for ever
        goal.goal_time_tolerance = conversions.duration_msg(1.0)
        if self._keeps_grip:
            erased = [
                JointTolerance(name=name, position=-1.0, velocity=-1.0, acceleration=-1.0)
                for name in goal.trajectory.joint_names
            ]
            goal.path_tolerance, goal.goal_tolerance = erased, erased
        return goal
