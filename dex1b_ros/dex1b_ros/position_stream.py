"""Positions streamed at a steady rate to controllers that are told where to be at every instant."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.command_stream import CommandStream, StreamState
from dex1b_core.motion import JointTrajectory
from dex1b_core.robots import Interface, JointGroup
from dex1b_ros.controller_client import (
    Measure,
    TimedMotion,
    require_joints,
    require_listener,
)
from dex1b_ros.motion_clock import motion_time
from dex1b_ros.node import Dex1bNode
from dex1b_ros.paced_thread import PacedThread

Array = NDArray[np.float64]

OFF_PATH = 0.15
"""[rad] from the last command at which a trajectory may begin, more than drives lag behind."""
_LONGEST_STEP = 5.0  # periods: a thread that was away longer slows the motion instead of jumping
_LONGEST_SIMULATED_STEP = 0.2  # [s] /clock comes in steps
_STOP_S = 3.0  # wall-clock seconds that a ramp may take before the stream is cut
_BLEND_VELOCITY = 0.2  # [rad/s] of an arm that is led over to a trajectory
_RELEASE_VELOCITY = 1.0  # [rad/s] of fingers, whose command is far inside of what they hold
_SWITCH = 0.1  # periods, after which Python's other threads yield
_PRIORITY = 60  # of SCHED_FIFO, where the machine allows it


class PositionStream:
    """Follows trajectories in its own thread, repeats the last command (a grip), ramps to a stop.

    Joint states that grow stale end the motion: it is ramped down along its path, and from then
    on nothing is commanded until the next trajectory.
    """

    def __init__(
        self,
        node: Dex1bNode,
        group: JointGroup,
        measure: Measure,
        *,
        keeps_grip: bool,
        realtime: bool = True,
    ) -> None:
        """Create the publisher and start the thread.

        Args:
            node, group, measure, keeps_grip: As of `controller_client`.
            realtime: Ask for real-time scheduling, where time is not simulated.
        """
        self._node, self._group, self._measure = node, group, measure
        self._keeps_grip = keeps_grip
        self._simulated = bool(node.get_parameter('use_sim_time').value)
        self._message = _Message(group, node.params.tf_prefix)
        self._publisher = node.create_publisher(self._message.kind, group.command_name, 1)
        step = _LONGEST_SIMULATED_STEP if self._simulated else _LONGEST_STEP / group.rate
        self._stream = CommandStream(
            group.acceleration_limits,
            longest_step=step,
            blend_velocity=_RELEASE_VELOCITY if keeps_grip else _BLEND_VELOCITY,
        )
        self._last: dict[str, float] = {}
        self._motion_names: tuple[str, ...] = group.joints
        self._time = motion_time(node)
        self._lock = threading.Lock()
        self._motion: TimedMotion | None = None
        self._order: list[int] = []
        self.on_command = lambda: None
        """Called in the thread after each command."""
        self._has_asked = self._simulated or not realtime
        self.has_realtime_priority = False
        """Whether the machine grants the thread real-time scheduling (ulimit -r)."""
        # or a busy Python thread of this process keeps a due command waiting for 5 ms
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH / group.rate))
        self._thread = PacedThread(
            f'{group.controller} stream', self._tick, 1.0 / group.rate, self._fail
        )

    def destroy(self) -> None:
        """Ramp down, then end the thread and free the publisher."""
        with self._lock:
            self._stream.stop(then_silent=True)
        deadline = time.monotonic() + _STOP_S
        while self._stream.state is StreamState.STOPPING and time.monotonic() < deadline:
            time.sleep(0.01)
        self._thread.stop()
        self._node.destroy_publisher(self._publisher)

    def require_server(self, timeout_s: float) -> None:
        """Wait until somebody listens and all joints are measured.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE, or PRECONDITION about the joint states.
        """
        require_listener(self._node, self._group, timeout_s)
        self._measure(self._group.joints)

    def send(self, trajectory: JointTrajectory) -> TimedMotion:
        """Follow a trajectory from the next instant on.

        Raises:
            Dex1bError: GOAL_REJECTED for other joints; PRECONDITION when these are not measured;
                CONTROLLER_UNAVAILABLE when nobody listens any more.
        """
        require_joints(trajectory, self._group)
        measured = self._measure(trajectory.names).positions
        if not self._publisher.get_subscription_count():
            raise Dex1bError(
                ErrorCode.CONTROLLER_UNAVAILABLE,
                f"nobody listens to '{self._publisher.topic_name}' any more; is the controller "
                f"'{self._group.controller}' alive?",
            )
        motion = TimedMotion(
            trajectory, lambda: self._elapsed(motion), self._time,
            None if self._keeps_grip else self._measure,
        )  # fmt: skip
        with self._lock:
            self._motion = motion
            self._order = [trajectory.names.index(name) for name in self._group.command_order]
            self._stream.start(trajectory, self._begin(trajectory, measured))
        return motion

    def stop(self) -> bool:
        """Ramp down along the path; the place where it comes to rest is held."""
        with self._lock:
            moving = self._stream.stop()
            if moving and self._motion is not None:
                self._motion.fail('it was stopped')
        return moving

    def _begin(self, trajectory: JointTrajectory, measured: Array) -> Array:
        """(J,) last command while it is held; what is measured where the arm was moved away."""
        self._motion_names = trajectory.names
        if self._stream.state is StreamState.SILENT or not self._last:
            return measured
        last = np.array([self._last[name] for name in trajectory.names])
        if self._keeps_grip or np.abs(last - measured).max() <= OFF_PATH:
            return last
        return measured

    # -- thread --------------------------------------------------------------------------------

    def _tick(self) -> None:
        if not self._has_asked:
            self._has_asked = True
            self.has_realtime_priority = _raise_priority()
        with self._lock:
            if self._stream.state is StreamState.SILENT:
                return
            self._check_states()
            command = self._stream.command(self._time())
            if command is None:
                return
            # within the lock: a command may not overtake the stop that follows it
            self._last = dict(zip(self._motion_names, command.tolist(), strict=True))
            self._publisher.publish(self._message.filled(command[self._order]))
        self.on_command()

    def _check_states(self) -> None:
        if self._stream.state is StreamState.STOPPING:
            return
        try:
            self._measure(self._group.joints)
        except Dex1bError as error:
            self._stream.stop(then_silent=True)
            if self._motion is not None:
                self._motion.fail(error.message)
            self._node.get_logger().error(
                f"the stream to '{self._group.controller}' ends: {error.message}"
            )

    def _fail(self, error: Exception) -> None:
        self._node.get_logger().fatal(
            f"the stream to '{self._group.controller}' broke: {type(error).__name__}: {error}"
        )
        if self._motion is not None:
            self._motion.fail(f'the stream broke: {error}')

    def _elapsed(self, motion: TimedMotion) -> float:
        """Path time of the motion that is streamed; one that was replaced stands still."""
        return self._stream.elapsed if motion is self._motion else motion.trajectory.duration


class _Message:
    """One message that is filled again and again."""

    def __init__(self, group: JointGroup, prefix: str) -> None:
        self.kind: Any = Float64MultiArray
        self._message: Any = Float64MultiArray()
        self._is_array = group.interface is Interface.POSITION_STREAM
        if not self._is_array:
            self.kind = JointState
            self._message = JointState(name=[prefix + name for name in group.command_order])

    def filled(self, positions: Array) -> Any:
        if self._is_array:
            self._message.data = positions.tolist()
        else:
            self._message.position = positions.tolist()
            self._message.header.stamp.sec, nanoseconds = divmod(time.time_ns(), 10**9)
            self._message.header.stamp.nanosec = nanoseconds
        return self._message


def _raise_priority() -> bool:
    """Ask for real-time scheduling of this thread; whether it was granted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except OSError:
        return False
    return True
