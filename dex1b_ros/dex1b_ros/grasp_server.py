"""The coordinator: /plan_grasp plans, /grasp_object plans and picks."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pydantic import Field
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning.pipeline import (
    PlanningError,
)
from dex1b_core.robots import load_robot
from dex1b_msgs.action import ExecuteGrasp, GraspObject
from dex1b_msgs.msg import ExecutorStatus
from dex1b_msgs.srv import PlanGrasp
from dex1b_ros import conversions
from dex1b_ros.callers import ActionCaller, raise_reply
from dex1b_ros.lease import ClientLease
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.planning_replies import fill_plan, plan_options
from dex1b_ros.server_life import ServerLife

STAGES = {
    'perceive': ExecutorStatus.PERCEIVE,
    'generate': ExecutorStatus.PLAN,
    'reach': ExecutorStatus.PLAN,
    'check': ExecutorStatus.SIM_CHECK,
    'motion': ExecutorStatus.PLAN,
}


class Parameters(NodeParameters):
    """Parameters of the grasp server."""

    proposals: int = Field(64, ge=1, le=4096, description='candidates asked of the generator')
    max_checked: int = Field(32, ge=1, le=1024, description='candidates that go to physics')
    enough: int = Field(8, ge=1, le=256, description='physics stops after this many passed')
    max_candidates: int = Field(4, ge=1, le=64, description='grasps returned')
    time_budget: float = Field(30.0, ge=1.0, le=600.0, description='[s] wall clock for a plan')
    capture_timeout: float = Field(10.0, ge=0.1, le=120.0, description='[s] wall clock')
    velocity_scaling: float = Field(0.1, ge=0.01, le=1.0, description='of the planned motion')
    lift_height: float = Field(0.15, ge=0.02, le=0.5, description='[m]')
    client_lease: float = Field(
        2.0, ge=0.5, description='[s] wall clock, silence of a client that had a heartbeat'
    )
    execution_timeout: float = Field(300.0, ge=1.0, le=3600.0, description='[s] wall clock')


class GraspServer(Dex1bNode):
    """Calls perception, generator, sim check, motion and executor in turn."""

    Parameters = Parameters

    def __init__(self) -> None:
        super().__init__('grasp_server')

    def configure(self) -> None:
        """Create clients, servers and latched outputs."""
        from dex1b_ros.grasp_planning import GraspPlanning

        self._robot = load_robot(self.params.robot)
        self._planning = GraspPlanning(self, self._robot)
        group = ReentrantCallbackGroup()
        self._execute = ActionCaller(self, ExecuteGrasp, 'execute_grasp', has_lease=True)
        self._lease = ClientLease(self, 'grasp_object')
        self._picking = False
        self._service = self.create_service(
            PlanGrasp, 'plan_grasp', self._on_plan, callback_group=group
        )
        self._action = ActionServer(
            self,
            GraspObject,
            'grasp_object',
            execute_callback=self._on_grasp_object,
            goal_callback=lambda goal: GoalResponse.ACCEPT if self.active else GoalResponse.REJECT,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=group,
        )
        self._life = ServerLife(self, 'plan_grasp', 'grasp_object')

    def cleanup(self) -> None:
        """Free what configure made."""
        self._life.destroy()
        self._action.destroy()
        self._lease.destroy()
        self._execute.destroy()
        self.destroy_service(self._service)
        self._planning.destroy()

    async def _on_plan(self, request: Any, response: Any) -> Any:
        try:
            self.require_active()
            options = replace(
                plan_options(self.params, request), skip_sim_check=request.skip_sim_check
            )
            planned = await self.in_thread(
                self._planning.plan, request.target, request.hand, request.seed, options
            )
        except PlanningError as error:
            fill_plan(response, error.plan)
            return self.fail(response, error)
        except Exception as error:
            return self.fail(response, error)
        fill_plan(response, planned.plan)
        response.plan_id, response.scene = planned.plan_id, planned.scene.summary
        response.candidates = self._planning.candidate_msgs(planned)
        return response

    async def _on_grasp_object(self, handle: Any) -> Any:
        result = GraspObject.Result()
        try:
            if self._picking:
                raise Dex1bError(
                    ErrorCode.BUSY, 'another pick is running; wait for it or cancel it'
                )
            self._picking = True
            self._lease.watch(handle)
            try:
                await self.in_thread(self._grasp_object, handle, result)
            finally:
                self._picking = False
                self._lease.forget(handle)
        except Exception as error:
            if isinstance(error, PlanningError):
                fill_plan(result, error.plan)
            self.fail(result, error)
        if handle.is_cancel_requested:
            handle.canceled()
        elif result.error_code == ErrorCode.NONE:
            handle.succeed()
        else:
            handle.abort()
        return result

    def _grasp_object(self, handle: Any, result: Any) -> None:
        goal, start = handle.request, time.monotonic()

        def report(stage: int, candidate_id: str = '', left: int = 0) -> None:
            feedback = GraspObject.Feedback(
                stage=stage, candidate_id=candidate_id, candidates_left=left
            )
            feedback.elapsed = conversions.duration_msg(time.monotonic() - start)
            handle.publish_feedback(feedback)

        def cancelled() -> bool:
            lost = self._lease.silence(handle) > self.params.client_lease
            return bool(handle.is_cancel_requested or lost)

        planned = self._planning.plan(
            goal.target, goal.hand, goal.seed, plan_options(self.params),
            on_stage=lambda stage: report(STAGES[stage]),
            cancelled=cancelled,
        )  # fmt: skip
        plan = planned.plan
        fill_plan(result, plan)
        result.plan_id, result.scene = planned.plan_id, planned.scene.summary
        result.candidates = plan.proposed
        execute = ExecuteGrasp.Goal(
            plan_id=planned.plan_id, scene=planned.scene, dry_run=goal.dry_run,
            velocity_scaling=goal.velocity_scaling or float(self.params.velocity_scaling),
            lift_height=goal.lift_height or float(self.params.lift_height),
            hold_duration=goal.hold_duration, candidates=self._planning.candidate_msgs(planned),
        )  # fmt: skip
        reply = self._execute.call(
            execute,
            timeout_s=self.params.execution_timeout,
            cancelled=cancelled,
            on_feedback=lambda f: report(f.stage, f.candidate_id, len(plan.candidates)),
        )
        result.executed_id, result.object_held = reply.executed_id, reply.object_held
        result.timings = [*result.timings, *reply.timings]
        result.rejections = [*result.rejections, *reply.rejections]
        raise_reply(reply)


def main() -> None:
    """Entry point of the executable."""
    run(GraspServer)


if __name__ == '__main__':
    main()
