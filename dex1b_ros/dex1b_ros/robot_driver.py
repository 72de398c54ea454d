"""What simulated and mock robots have in common: controllers of both groups, state, publishing."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from pydantic import Field

from dex1b_core.config import StrictModel
from dex1b_core.robots.description import JointGroup, RobotDescription
from dex1b_core.simulation.trajectory_controller import Tolerances, TrajectoryController
from dex1b_ros.node import Dex1bNode
from dex1b_ros.robot_state import RobotStatePublisher
from dex1b_ros.trajectory_server import GroupState, TrajectoryServer


class ControllerParameters(StrictModel):
    """Tolerances that a goal gets when it states none; the hand, which grips, has none."""

    arm_path_tolerance: float = Field(0.5, ge=0, description='[rad], 0 for none')
    arm_goal_tolerance: float = Field(0.02, ge=0, description='[rad], 0 for none')
    arm_goal_time: float = Field(2.0, ge=0, description='[s], 0 waits for ever')


class RobotDriver:
    """Two trajectory controllers over joints by name, without tf_prefix inside.

    Attributes:
        lock: Held while time passes and while controllers change.
    """

    def __init__(
        self,
        node: Dex1bNode,
        robot: RobotDescription,
        prefix: str,
        limits: ControllerParameters,
        positions: Mapping[str, float],
    ) -> None:
        self.lock = threading.RLock()
        self.publisher = RobotStatePublisher(node, robot, prefix)
        self._time = self._stamp = 0.0
        self._positions = dict(positions)
        self._velocities = dict.fromkeys(positions, 0.0)
        self._groups: list[tuple[JointGroup, TrajectoryServer]] = []
        for group, tolerances in (
            (robot.arm, _tolerances(robot.arm, prefix, limits)),
            (robot.hand, Tolerances()),
        ):
            names = [prefix + name for name in group.joints]
            start = [positions[name] for name in group.joints]
            server = TrajectoryServer(
                node,
                group.controller,
                TrajectoryController(names, start, tolerances),
                lambda group=group: self.state(group),
                self.lock,
            )
            self._groups.append((group, server))

    @property
    def moving(self) -> bool:
        """Whether a trajectory is being followed."""
        return any(server.controller.running for _, server in self._groups)

    def pass_time(self, time: float, stamp: float) -> None:
        """Set the controllers' own time, which never jumps, and ROS time [s]; with the lock."""
        self._time, self._stamp = time, stamp

    def observe(self, positions: Mapping[str, float], velocities: Mapping[str, float]) -> None:
        """Take over a measured state of all joints [rad, rad/s]; with the lock held."""
        self._positions, self._velocities = dict(positions), dict(velocities)

    def update(self) -> dict[str, tuple[float, float]]:
        """Move the controllers on; target position and velocity by joint, with the lock held."""
        targets = {}
        for group, server in self._groups:
            server.update(self.state(group))
            controller = server.controller
            values = zip(
                controller.target.tolist(), controller.target_velocity.tolist(), strict=True
            )
            targets.update(zip(group.joints, values, strict=True))
        return targets

    def state(self, group: JointGroup) -> GroupState:
        """The last measured state of a group."""
        positions, velocities = self._positions, self._velocities
        return GroupState(
            self._time,
            self._stamp,
            np.array([positions[name] for name in group.joints]),
            np.array([velocities[name] for name in group.joints]),
        )

    def publish_static(self, stamp: Time, extra: list[TransformStamped]) -> None:
        """Latched description and fixed transforms."""
        self.publisher.publish_static(stamp, extra)

    def stop(self, reason: str) -> None:
        """Abort what runs and hold."""
        with self.lock:
            for _, server in self._groups:
                server.stop(reason)

    def destroy(self) -> None:
        """Destroy servers and publishers."""
        for _, server in self._groups:
            server.destroy()
        self.publisher.destroy()


def _tolerances(group: JointGroup, prefix: str, limits: ControllerParameters) -> Tolerances:
    names = [prefix + name for name in group.joints]

    def each(value: float) -> dict[str, float]:
        return dict.fromkeys(names, value) if value > 0 else {}

    return Tolerances(
        each(limits.arm_path_tolerance), each(limits.arm_goal_tolerance), limits.arm_goal_time
    )
