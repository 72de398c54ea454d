"""Controllers of a joint group behind one Protocol, whatever they take their commands from."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import Measured, Motion
from dex1b_core.motion import JointTrajectory, stopping_trajectory
from dex1b_core.robots import Interface, JointGroup
from dex1b_ros.controller_checks import controller_listens
from dex1b_ros.node import Dex1bNode

Measure = Callable[[tuple[str, ...]], Measured]


class ControllerClient(Protocol):
    """Gives validated trajectories to the controller of one joint group."""

    def require_server(self, timeout_s: float) -> None:
        """Wait for the controller; call it from a worker thread.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE.
        """

    def send(self, trajectory: JointTrajectory) -> Motion:
        """Begin a motion; it replaces the one before. Call it from a worker thread.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE or GOAL_REJECTED.
        """

    def stop(self) -> bool:
        """Ramp down along the path, from any thread, without waiting; whether anything moved."""

    def destroy(self) -> None:
        """Stop and free everything."""


def controller_client(
    node: Dex1bNode, group: JointGroup, measure: Measure, *, keeps_grip: bool
) -> ControllerClient:
    """The client that fits the group's interface.

    Args:
        node: Owner.
        group: Joints, limits and controller.
        measure: Latest state of named joints; raises PRECONDITION when it is too old.
        keeps_grip: For hands: a command that stays out of reach is a grip, not a failure.
    """
    if group.interface is Interface.FOLLOW_JOINT_TRAJECTORY:
        from dex1b_ros.trajectory_client import TrajectoryClient

        return TrajectoryClient(node, group, keeps_grip=keeps_grip)
    if group.interface is Interface.JOINT_TRAJECTORY:
        from dex1b_ros.trajectory_topic_client import TrajectoryTopicClient

        return TrajectoryTopicClient(node, group, measure, keeps_grip=keeps_grip)
    from dex1b_ros.position_stream import PositionStream

    return PositionStream(node, group, measure, keeps_grip=keeps_grip)


class TimedMotion:
    """A motion that nobody reports the end of: over by time, judged by joint states.

    An arm that is not at its goal when the settling time is over has failed; a hand that grips
    never gets there.
    """

    GOAL_TOLERANCE = 0.1  # rad; whoever needs more measures it
    SETTLE_S = 2.0

    def __init__(
        self,
        trajectory: JointTrajectory,
        elapsed: Callable[[], float],
        now: Callable[[], float],
        measure: Measure | None,
    ) -> None:
        """Begin.

        Args:
            trajectory: What was sent.
            elapsed: Robot time since it began [s].
            now: Robot time [s].
            measure: Latest joint state; None: the end is not judged.
        """
        self.trajectory = trajectory
        self.elapsed = elapsed
        self._now, self._measure = now, measure
        self._over_since: float | None = None
        self._failure = ''

    def fail(self, reason: str) -> None:
        """End it early."""
        self._failure = self._failure or reason

    def finished(self) -> bool:
        """Whether its time is over and the joints are there, or it has failed."""
        if self._failure:
            return True
        if self.elapsed() < self.trajectory.duration:
            return False
        if self._measure is None:
            return True
        try:
            measured = self._measure(self.trajectory.names).positions
        except Dex1bError as error:
            self.fail(error.message)
            return True
        errors = abs(measured - self.trajectory.positions[-1])
        worst = int(errors.argmax())
        if errors[worst] <= self.GOAL_TOLERANCE:
            return True
        self._over_since = self._now() if self._over_since is None else self._over_since
        if self._now() - self._over_since > self.SETTLE_S:
            self.fail(
                f"joint '{self.trajectory.names[worst]}' stays {errors[worst]:.3f} rad from its "
                f'goal; {self.GOAL_TOLERANCE:.2f} are allowed: does the controller listen?'
            )
        return bool(self._failure)

    def failure(self) -> str:
        """Why it failed, or ''."""
        return self._failure


def ramp_down(trajectory: JointTrajectory, elapsed: float, group: JointGroup) -> JointTrajectory:
    """From path time `elapsed` [s] to rest along the path.

    The path alone says where to begin: joint states may be frozen, late or wrong, and a ramp that
    began where they say would be a jump.
    """
    return stopping_trajectory(trajectory, elapsed, acceleration_limits=group.acceleration_limits)


def require_listener(node: Dex1bNode, group: JointGroup, timeout_s: float) -> None:
    """Wait until somebody listens to the group's command topic.

    Raises:
        Dex1bError: CONTROLLER_UNAVAILABLE.
    """
    deadline = time.monotonic() + timeout_s
    while not controller_listens(node, group):
        if time.monotonic() > deadline:
            name = node.resolve_topic_name(group.command_name)
            raise Dex1bError(
                ErrorCode.CONTROLLER_UNAVAILABLE,
                f"nobody listens to '{name}' within {timeout_s:.0f} s; start and activate the "
                f"controller '{group.controller}'",
            )
        time.sleep(0.05)


def require_joints(trajectory: JointTrajectory, group: JointGroup) -> None:
    """Refuse a trajectory of other joints.

    Raises:
        Dex1bError: GOAL_REJECTED.
    """
    if sorted(trajectory.names) != sorted(group.joints):
        raise Dex1bError(
            ErrorCode.GOAL_REJECTED,
            f"a trajectory of joints {list(trajectory.names)} for controller '{group.controller}'; "
            f'expected {list(group.joints)}',
        )
