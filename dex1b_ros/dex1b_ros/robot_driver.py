"""What simulated and mock robots have in common: controllers of both groups, state, publishing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from pydantic import Field
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters

from dex1b_core.config import StrictModel
from dex1b_core.robots.description import JointGroup, RobotDescription
from dex1b_core.simulation.trajectory_controller import Tolerances, TrajectoryController
from dex1b_ros.node import Dex1bNode
from dex1b_ros.position_server import PositionServer
from dex1b_ros.robot_state import RobotStatePublisher
from dex1b_ros.trajectory_server import GroupState, TrajectoryServer

GroupServer = TrajectoryServer | PositionServer


class ControllerParameters(StrictModel):
    """Tolerances that a goal gets when it states none; the hand, which grips, has none."""

    arm_path_tolerance: float = Field(0.5, ge=0, description='[rad], 0 for none')
    arm_goal_tolerance: float = Field(0.02, ge=0, description='[rad], 0 for none')
    arm_goal_time: float = Field(2.0, ge=0, description='[s], 0 waits for ever')


class RobotDriver:
    """The controllers of arm and hand over joints by name, without tf_prefix inside.

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
        *,
        states_apart: bool = False,
    ) -> None:
        self.lock = threading.RLock()
        self.publisher = RobotStatePublisher(node, robot, prefix, apart=states_apart)
        self._time = self._stamp = 0.0
        self._positions = dict(positions)
        self._velocities = dict.fromkeys(positions, 0.0)
        self._node, self._prefix = node, prefix
        self._groups = [
            (group, self._server(group, tolerances))
            for group, tolerances in (
                (robot.arm, _tolerances(robot.arm, prefix, limits)),
                (robot.hand, Tolerances()),
            )
        ]
        self._names = [self._serve_names(group) for group, _ in self._groups]

    def _server(self, group: JointGroup, tolerances: Tolerances) -> GroupServer:
        start = [self._positions[name] for name in group.joints]

        def state() -> GroupState:
            return self.state(group)

        if group.interface.streamed:
            return PositionServer(self._node, group, self._prefix, start, state, self.lock)
        names = [self._prefix + name for name in group.joints]
        controller = TrajectoryController(names, start, tolerances)
        return TrajectoryServer(self._node, group, controller, state, self.lock)

    def _serve_names(self, group: JointGroup) -> Any:
        """The parameter by which a ros2_control controller tells its joints."""
        names = [self._prefix + name for name in group.command_order]

        def answer(request: Any, response: Any) -> Any:
            for name in request.names:
                is_known = name == 'joints'
                kind = ParameterType.PARAMETER_STRING_ARRAY if is_known else 0
                value = ParameterValue(type=kind, string_array_value=names if is_known else [])
                response.values.append(value)
            return response

        return self._node.create_service(
            GetParameters, f'{group.controller}/get_parameters', answer
        )

    @property
    def moving(self) -> bool:
        """Whether a trajectory is being followed."""
        return any(server.running for _, server in self._groups)

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
            values = zip(server.target.tolist(), server.target_velocity.tolist(), strict=True)
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
        for service in self._names:
            self._node.destroy_service(service)
        self.publisher.destroy()


def _tolerances(group: JointGroup, prefix: str, limits: ControllerParameters) -> Tolerances:
    names = [prefix + name for name in group.joints]

    def each(value: float) -> dict[str, float]:
        return dict.fromkeys(names, value) if value > 0 else {}

    return Tolerances(
        each(limits.arm_path_tolerance), each(limits.arm_goal_tolerance), limits.arm_goal_time
    )
