"""The robot behind its topics and controllers, as the execution of a pick sees it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from dex1b_core.errors import Dex1bError
from dex1b_core.execution import Measured, Motion
from dex1b_core.motion import JointTrajectory
from dex1b_core.robots import RobotDescription
from dex1b_ros.controller_checks import require_active_controllers, require_joint_names
from dex1b_ros.controller_client import controller_client
from dex1b_ros.joint_state_buffer import JointStateBuffer
from dex1b_ros.motion_clock import ClockWatch, motion_time
from dex1b_ros.node import Dex1bNode

_STILL = 0.05  # rad/s


class RosRobot:
    """A RobotPort over joint_states and the controllers of arm and hand."""

    def __init__(
        self,
        node: Dex1bNode,
        robot: RobotDescription,
        *,
        max_age: float,
        max_wall_age: float,
    ) -> None:
        self._node = node
        self._robot = robot
        joints = (*robot.arm.joints, *robot.hand.joints)
        self._states = JointStateBuffer(node, joints, max_age=max_age, max_wall_age=max_wall_age)
        self._arm = controller_client(node, robot.arm, self.measure, keeps_grip=False)
        self._hand = controller_client(node, robot.hand, self.measure, keeps_grip=True)
        self.checks: list[Callable[[], None]] = []
        """Called by `check`; each may raise to end the execution."""
        self.pause_requested = False
        self._clock = ClockWatch(motion_time(node))

    def destroy(self) -> None:
        """Free clients and subscriptions."""
        self._states.destroy()
        self._arm.destroy()
        self._hand.destroy()

    def require_controllers(self, timeout_s: float) -> None:
        """Wait for both controllers; they must be active and have our joints.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE, or INVALID_CONFIGURATION about their joints.
        """
        groups = (self._robot.arm, self._robot.hand)
        self._arm.require_server(timeout_s)
        self._hand.require_server(timeout_s)
        unasked = require_active_controllers(self._node, groups)
        if unasked:
            self._node.get_logger().info(
                f'whether the controllers are active is not known: {unasked}', once=True
            )
        for group in groups:
            require_joint_names(self._node, group)

    def wait_for_state(self, timeout_s: float) -> None:
        """Wait for a first joint state; raises PRECONDITION when there is none or it is old.

        With it a goal begins: jumps of the clock count from here.
        """
        self._clock.begin()
        self._states.wait_for_first(timeout_s)
        self.measure((*self._robot.arm.joints, *self._robot.hand.joints))

    def now(self) -> float:
        """ROS time [s]."""
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def measure(self, names: tuple[str, ...]) -> Measured:
        """Latest joint state; raises PRECONDITION when it is too old."""
        return self._states.measure(names)

    def named(self, names: tuple[str, ...]) -> dict[str, float]:
        """Latest positions by name [rad]; raises PRECONDITION when they are too old."""
        return dict(zip(names, self.measure(names).positions.tolist(), strict=True))

    def send(self, trajectory: JointTrajectory) -> Motion:
        """Give a trajectory to the controller of its joints."""
        is_arm = trajectory.names == self._robot.arm.joints
        return (self._arm if is_arm else self._hand).send(trajectory)

    def stop_arm(self) -> None:
        """Ramp the arm down; the hand keeps its command. Never blocks."""
        if self._arm.stop():
            self._node.get_logger().warning('arm ramped to a stop; the hand keeps its command')

    def wait_until_still(self, timeout_s: float) -> bool:
        """Wait for the arm to rest, at most so many wall-clock seconds."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                velocities = self.measure(self._robot.arm.joints).velocities
            except Dex1bError:
                return False  # nothing is known about the arm any more
            if (np.nan_to_num(np.abs(velocities)) < _STILL).all():
                return True
            self.pause(0.02)
        return False

    def check(self) -> None:
        """Raise when the execution must end, also for a clock that jumps."""
        self._clock.require_steady()
        for check in self.checks:
            check()

    def paused(self) -> bool:
        """Whether the arm is to rest for a while."""
        return self.pause_requested

    def pause(self, seconds: float) -> None:
        """Let wall-clock time pass."""
        time.sleep(seconds)
