"""FollowJointTrajectory as ros2_controllers' joint_trajectory_controller serves it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory
from numpy.typing import NDArray
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.task import Future
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dex1b_core.errors import Dex1bError
from dex1b_core.robots import Interface, JointGroup
from dex1b_core.simulation.trajectory_controller import (
    GoalError,
    Outcome,
    Tolerances,
    TrajectoryController,
    Waypoints,
    checked_waypoints,
)
from dex1b_ros.conversions import duration_msg, seconds
from dex1b_ros.node import Dex1bNode

Array = NDArray[np.float64]
Result = FollowJointTrajectory.Result

_FEEDBACK_PERIOD = 0.1  # [s]


@dataclass(frozen=True)
class GroupState:
    """Measured state of a controller's joints: (J,) positions and velocities.

    Attributes:
        time: The controller's own [s]; it never jumps.
        stamp: ROS time at that moment [s], which may.
    """

    time: float
    stamp: float
    position: Array
    velocity: Array


@dataclass
class _Run:
    """A goal that is being followed."""

    handle: ServerGoalHandle
    future: Future
    next_feedback: float


@dataclass(frozen=True)
class _Ending:
    code: int
    text: str


class TrajectoryServer:
    """One controller's action and topic; its owner calls `update` as time passes.

    Everything here happens under the owner's lock, since time passes in another thread.
    """

    def __init__(
        self,
        node: Dex1bNode,
        group: JointGroup,
        controller: TrajectoryController,
        state: Callable[[], GroupState],
        lock: AbstractContextManager[Any],
    ) -> None:
        self.controller = controller
        self._node, self._name, self._state, self._lock = node, group.controller, state, lock
        self._run: _Run | None = None
        self._runs: dict[bytes, _Run] = {}
        self._server = ActionServer(
            node,
            FollowJointTrajectory,
            group.name_of(Interface.FOLLOW_JOINT_TRAJECTORY),
            execute_callback=self._execute,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )
        self._topic = node.create_subscription(
            JointTrajectory, group.name_of(Interface.JOINT_TRAJECTORY), self._on_topic, 1
        )

    @property
    def running(self) -> bool:
        """Whether a trajectory is being followed."""
        return self.controller.running

    @property
    def target(self) -> Array:
        """(J,) position that the drives are told [rad]."""
        return self.controller.target

    @property
    def target_velocity(self) -> Array:
        """(J,) [rad/s]."""
        return self.controller.target_velocity

    def update(self, state: GroupState) -> None:
        """Move the controller's target on; called with the lock held."""
        if not self.controller.running:
            return
        outcome = self.controller.update(state.time, state.position)
        if self._run is None:
            return
        if outcome is Outcome.RUNNING:
            self._send_feedback(self._run, state)
            return
        codes = {
            Outcome.SUCCEEDED: Result.SUCCESSFUL,
            Outcome.PATH_TOLERANCE_VIOLATED: Result.PATH_TOLERANCE_VIOLATED,
            Outcome.GOAL_TOLERANCE_VIOLATED: Result.GOAL_TOLERANCE_VIOLATED,
        }
        self._end(codes[outcome], outcome.value)

    def stop(self, reason: str) -> None:
        """Hold the measured position and abort what runs; called with the lock held."""
        if self.controller.running:
            self.controller.hold(self._state().position)
        self._end(Result.INVALID_GOAL, reason)

    def destroy(self) -> None:
        """Destroy action server and subscription."""
        self._server.destroy()
        self._node.destroy_subscription(self._topic)

    # -- callbacks -----------------------------------------------------------------------------

    def _on_goal(self, goal: FollowJointTrajectory.Goal) -> GoalResponse:
        try:
            self._node.require_active()
            self._check(goal.trajectory)
        except Dex1bError as error:
            self._node.get_logger().warning(
                f"'{self._name}' rejects a goal: [{int(error.error_code)}] {error.message}"
            )
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        goal = handle.request
        tolerances = self.controller.defaults.overridden(
            {item.name: item.position for item in goal.path_tolerance},
            {item.name: item.position for item in goal.goal_tolerance},
            seconds(goal.goal_time_tolerance),
        )
        with self._lock:
            self._end(Result.INVALID_GOAL, 'replaced by a new goal')
            state = self._state()
            self._start(goal.trajectory, state, tolerances)
            future = Future(executor=self._node.executor)
            self._run = _Run(handle, future, state.time)
            self._runs[bytes(handle.goal_id.uuid)] = self._run
        handle.execute()

    async def _execute(self, handle: ServerGoalHandle) -> Result:
        run = self._runs[bytes(handle.goal_id.uuid)]
        ending: _Ending = await run.future
        del self._runs[bytes(handle.goal_id.uuid)]
        if handle.is_cancel_requested:
            handle.canceled()
        elif ending.code == Result.SUCCESSFUL:
            handle.succeed()
        else:
            handle.abort()
        return Result(error_code=ending.code, error_string=ending.text)

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        with self._lock:
            if self._run is not None and self._run.handle is handle:
                self.controller.hold(self._state().position)
                self._end(Result.SUCCESSFUL, 'canceled; holding the measured position')
        return CancelResponse.ACCEPT

    def _on_topic(self, trajectory: JointTrajectory) -> None:
        try:
            self._node.require_active()
            with self._lock:
                if not trajectory.points:
                    self.stop('an empty trajectory arrived on the topic')
                    return
                self._check(trajectory)
                self._end(Result.INVALID_GOAL, 'replaced by a trajectory on the topic')
                self._start(trajectory, self._state(), None)
        except Dex1bError as error:
            self._node.get_logger().warning(
                f"'{self._name}' ignores a trajectory on its topic: {error.message}"
            )

    # -- parts ---------------------------------------------------------------------------------

    def _waypoints(self, trajectory: JointTrajectory) -> Waypoints:
        points = trajectory.points
        return checked_waypoints(
            self.controller.joints,
            trajectory.joint_names,
            [seconds(point.time_from_start) for point in points],
            [point.positions for point in points],
            [point.velocities for point in points],
            [point.accelerations for point in points],
        )

    def _check(self, trajectory: JointTrajectory) -> None:
        end = float(self._waypoints(trajectory).times[-1])
        now, stamp = self._state().stamp, seconds(trajectory.header.stamp)
        if stamp != 0 and stamp + end < now:
            raise GoalError(
                f'the trajectory ends at {stamp + end:.3f} s and it is {now:.3f} s; expected one '
                'that is not over: is use_sim_time the same everywhere?'
            )

    def _start(
        self, trajectory: JointTrajectory, state: GroupState, tolerances: Tolerances | None
    ) -> None:
        stamp = seconds(trajectory.header.stamp)
        start = state.time + (stamp - state.stamp if stamp else 0.0)
        self.controller.start(
            self._waypoints(trajectory), start, state.position, state.velocity, tolerances
        )

    def _end(self, code: int, text: str) -> None:
        run, self._run = self._run, None
        if run is not None:
            # create_task also wakes the executor, which does not watch foreign threads
            self._node.executor.create_task(run.future.set_result, _Ending(code, text))

    def _send_feedback(self, run: _Run, state: GroupState) -> None:
        if state.time < run.next_feedback:
            return
        run.next_feedback = state.time + _FEEDBACK_PERIOD
        controller = self.controller
        time = duration_msg(controller.elapsed(state.time))
        feedback = FollowJointTrajectory.Feedback(joint_names=list(controller.joints))
        feedback.header.stamp = self._node.get_clock().now().to_msg()
        feedback.desired = _point(controller.target, controller.target_velocity, time)
        feedback.actual = _point(state.position, state.velocity, time)
        feedback.error = _point(
            controller.target - state.position, controller.target_velocity - state.velocity, time
        )
        run.handle.publish_feedback(feedback)


def _point(position: Array, velocity: Array, time: Any) -> JointTrajectoryPoint:
    return JointTrajectoryPoint(
        positions=position.tolist(), velocities=velocity.tolist(), time_from_start=time
    )
