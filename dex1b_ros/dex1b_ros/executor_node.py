"""Executes grasps (reach, approach, close, squeeze, verify, lift, hold) and articulations.

A software stop only: an emergency stop is the robot's own.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from std_srvs.srv import Trigger

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import Stage
from dex1b_core.robots import load_robot
from dex1b_msgs.action import ExecuteArticulation, ExecuteGrasp
from dex1b_msgs.msg import ExecutorStatus
from dex1b_ros.articulation_request import articulation_request
from dex1b_ros.articulation_run import ArticulationRun
from dex1b_ros.conversions import duration_msg
from dex1b_ros.goal_run import GoalReport
from dex1b_ros.lease import ClientLease
from dex1b_ros.node import LATCHED, Dex1bNode, end_goal, run
from dex1b_ros.pick_request import ExecutorParameters, pick_request
from dex1b_ros.pick_run import PickRun
from dex1b_ros.ros_robot import RosRobot
from dex1b_ros.safety_gate import SafetyGate
from dex1b_ros.server_life import ServerLife

_ACTIONS = {'execute_grasp': ExecuteGrasp, 'execute_articulation': ExecuteArticulation}
_NO_GOAL = 'no goal is running'
_FIRST_MESSAGE_S = 3.0  # wall clock: discovery may still be under way


class Executor(Dex1bNode):
    """Serves execute_grasp and execute_articulation, ~/stop, ~/reset, ~/pause and ~/resume.

    ~/status is also its heartbeat.
    """

    Parameters = ExecutorParameters

    def __init__(self) -> None:
        super().__init__('executor')
        self._motion: Any = None
        self._motion_lock = threading.Lock()
        self._goal: Any = None
        self._goal_action = ''
        self._report: GoalReport | None = None
        self._stop_reason = ''
        self._object_held = False
        self._message = ''

    # -- lifecycle -----------------------------------------------------------------------------

    def configure(self) -> None:
        """Create clients, servers and the status publisher."""
        self._description = load_robot(self.params.robot)
        self._robot = RosRobot(
            self, self._description, max_age=self.params.joint_state_max_age,
            max_wall_age=self.params.joint_state_max_wall_age,
        )  # fmt: skip
        self._safety = SafetyGate(
            self, required=self.params.require_safety_monitor,
            max_wall_age=self.params.safety_max_wall_age,
        )  # fmt: skip
        self._robot.checks = [self._check_goal]
        self._search = self._path_search()
        self._status = self.create_publisher(ExecutorStatus, '~/status', LATCHED)
        self._timer = self.create_timer(
            0.5, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        group = ReentrantCallbackGroup()
        self._triggers = [
            self.create_service(Trigger, '~/stop', self._on_stop, callback_group=group),
            self.create_service(Trigger, '~/reset', self._on_reset, callback_group=group),
            self.create_service(Trigger, '~/pause', self._on_pause, callback_group=group),
            self.create_service(Trigger, '~/resume', self._on_resume, callback_group=group),
        ]
        self._leases = {name: ClientLease(self, name) for name in _ACTIONS}
        self._servers = [self._serve(name, kind, group) for name, kind in _ACTIONS.items()]
        self._life = ServerLife(self, *_ACTIONS)

    def _serve(self, name: str, kind: Any, group: Any) -> ActionServer:
        return ActionServer(
            self,
            kind,
            name,
            execute_callback=partial(self._on_goal, action=name),  # rclpy must see a coroutine
            # always accepted: a refusal could not carry its reason
            goal_callback=lambda goal: GoalResponse.ACCEPT,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
            callback_group=group,
        )

    def activate(self) -> None:
        """Load the motion planner in the background, so that the first goal need not wait."""
        self._stop_reason = ''
        self.in_thread(self._warm_up).add_done_callback(self._warmed_up)
        self._publish_status()

    def deactivate(self) -> None:
        """Stop the arm first."""
        self._stop('the executor was deactivated')
        self._publish_status(Stage.STOPPED)

    def cleanup(self) -> None:
        """Free what configure made."""
        self._life.destroy()
        for server in self._servers:
            server.destroy()
        for lease in self._leases.values():
            lease.destroy()
        for service in self._triggers:
            self.destroy_service(service)
        self.destroy_timer(self._timer)
        self._safety.destroy()
        self._robot.destroy()
        self.destroy_publisher(self._status)
        if self._search is not None:
            self._search.destroy()
        self._motion = None  # another robot, other settings or another search may come

    def _path_search(self) -> Any:
        """MoveIt's, where it is asked for; None for our own."""
        if self.params.motion_backend == 'dex1b':
            return None
        from dex1b_ros.moveit_search import MoveItSearch

        return MoveItSearch(
            self, self._description, self.params.moveit, self.params.motion,
            check=self._robot.check,
        )  # fmt: skip

    def _load_motion(self) -> Any:
        from dex1b_core.motion.part_motion import PartMotion

        with self._motion_lock:
            if self._motion is None or self._motion.settings != self.params.motion:
                self._motion = PartMotion(
                    self._description, settings=self.params.motion, search=self._search
                )
            return self._motion

    def _warm_up(self) -> None:
        motion = self._load_motion()
        if self.active:
            motion.warm_up()
            mode = 'may move the robot' if self.params.execute else 'dry runs only'
            self.get_logger().info(f'ready, {mode}')

    def _warmed_up(self, future: Any) -> None:
        if future.exception() is not None:
            self.get_logger().error(f'the motion planner cannot be loaded: {future.exception()}')

    # -- stop ----------------------------------------------------------------------------------

    def _stop(self, reason: str) -> bool:
        moving = self._goal is not None
        self._stop_reason = reason
        self._robot.stop_arm()
        if moving:
            time.sleep(0.1)  # the process may be about to end: let the stop leave it
        return moving

    def _on_stop(self, request: Any, response: Any) -> Any:
        moving = self._stop('stopped by ~/stop')
        response.success = True
        response.message = 'arm ramped down' if moving else 'nothing was moving'
        response.message += '; goals are refused until ~/reset'
        self._publish_status()
        return response

    def _on_reset(self, request: Any, response: Any) -> Any:
        response.success = self._goal is None
        response.message = 'ready' if response.success else 'the last goal is still ending'
        if response.success:
            self._stop_reason = ''
        self._publish_status()
        return response

    def _on_pause(self, request: Any, response: Any) -> Any:
        response.success = self._goal is not None
        response.message = 'the arm ramps down until ~/resume' if response.success else _NO_GOAL
        self._robot.pause_requested = response.success
        return response

    def _on_resume(self, request: Any, response: Any) -> Any:
        response.success = self._robot.pause_requested
        response.message = 'going on' if response.success else 'not paused'
        self._robot.pause_requested = False
        return response

    def _check_goal(self) -> None:
        """Ends a goal that must not go on."""
        if self._goal is not None and self._goal.is_cancel_requested:
            raise Dex1bError(ErrorCode.CANCELED, 'canceled by the client')
        if self._stop_reason:
            raise Dex1bError(ErrorCode.SAFETY_STOP, f'{self._stop_reason}; call ~/reset to go on')
        if self._goal is not None and not self._goal.request.dry_run:
            self._safety.require_no_stop()

    # -- status --------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._publish_status()
        self._publish_feedback()
        goal = self._goal
        if goal is None or not self.params.stop_on_client_loss or not goal.is_active:
            return
        service = self.resolve_service_name(f'{self._goal_action}/_action/get_result')
        if self.count_clients(service) == 0:
            self._stop('the client that sent the goal is gone')
        elif (silence := self._leases[self._goal_action].silence(goal)) > self.params.client_lease:
            self._stop(
                f'the client that sent the goal has been silent for {silence:.1f} s; '
                f'{self.params.client_lease:.1f} s are allowed'
            )

    def _publish_status(self, stage: Stage | None = None) -> None:
        if stage is None and self._stop_reason:
            stage = Stage.STOPPED if self._goal is None else Stage.STOPPING
        if stage is None:
            stage = Stage.IDLE if self._report is None else self._report.progress.stage
        message = ExecutorStatus(
            stage=int(stage), execution_enabled=bool(self.params.execute),
            object_held=self._object_held, message=self._stop_reason or self._message,
        )  # fmt: skip
        message.header.stamp = self.get_clock().now().to_msg()
        self._status.publish(message)

    def _publish_feedback(self) -> None:
        goal, report = self._goal, self._report
        if goal is None or report is None or not goal.is_active:
            return
        progress = report.progress
        feedback = _ACTIONS[self._goal_action].Feedback(
            stage=int(progress.stage), candidate_id=report.candidate_id,
            max_tracking_error=progress.max_tracking_error, max_effort=progress.max_effort,
        )  # fmt: skip
        feedback.elapsed = duration_msg(time.monotonic() - self._began)
        goal.publish_feedback(feedback)

    def _on_progress(self, report: GoalReport) -> None:
        self._report = report
        if self.executor is not None:
            self.executor.create_task(self._publish_status)
            self.executor.create_task(self._publish_feedback)

    # -- goals ---------------------------------------------------------------------------------

    async def _on_goal(self, handle: Any, action: str) -> Any:
        result, lease = _ACTIONS[action].Result(), self._leases[action]
        try:
            self._refuse_unless_ready(handle.request)
            self._goal_action, self._began, self._message = action, time.monotonic(), ''
            self._goal = handle
            lease.watch(handle)
            try:
                await self.in_thread(self._run, handle.request, result)
            finally:
                self._goal, self._report = None, None
                self._robot.pause_requested = False
                lease.forget(handle)
        except Exception as error:
            self.fail(result, error)
            self._message = result.error_msg
        self._publish_status()
        end_goal(handle, result)
        return result

    def _refuse_unless_ready(self, request: Any) -> None:
        self.require_active()
        if self._goal is not None:
            raise Dex1bError(ErrorCode.BUSY, 'another goal is running; wait for it or cancel it')
        if self._stop_reason:
            raise Dex1bError(ErrorCode.SAFETY_STOP, f'{self._stop_reason}; call ~/reset first')
        if not request.dry_run and not self.params.execute:
            raise Dex1bError(
                ErrorCode.EXECUTION_DISABLED,
                "parameter 'execute' is false: start with execute:=true, or set dry_run",
            )

    def _run(self, goal: Any, result: Any) -> None:
        is_pick = self._goal_action == 'execute_grasp'
        kind = PickRun if is_pick else ArticulationRun
        run = kind(
            self._load_motion(), self._robot, self.params.tolerances,
            log=self.get_logger(), on_progress=self._on_progress,
        )  # fmt: skip
        self._report, report = run.report, run.report
        report.progress.stage = Stage.PLAN
        try:
            frame = self.params.tf_prefix + self._description.base_link
            check = pick_request if is_pick else articulation_request
            request: Any = check(goal, self.params, frame=frame, now=self._robot.now())
            self._robot.wait_for_state(_FIRST_MESSAGE_S)
            if not goal.dry_run:
                self._safety.wait_for_first(_FIRST_MESSAGE_S)
                self._safety.require_ok()
                self._robot.require_controllers(self.params.controller_timeout)
            run.run(request)
        finally:
            self._object_held = report.object_held
            report.write(result)


def main() -> None:
    """Entry point of the executable."""
    run(Executor)


if __name__ == '__main__':
    main()
