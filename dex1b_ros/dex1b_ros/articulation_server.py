"""Opens doors, drawers and lids: /plan_articulation plans, /articulate_object plans and moves."""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning.pipeline import PlanningError
from dex1b_core.robots import load_robot
from dex1b_msgs.action import ArticulateObject, ExecuteArticulation
from dex1b_msgs.srv import PlanArticulation
from dex1b_ros import conversions
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.callers import ActionCaller, raise_reply
from dex1b_ros.grasp_server import STAGES
from dex1b_ros.lease import ClientLease
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.planning_replies import fill_plan, plan_options
from dex1b_ros.server_life import ServerLife


class Parameters(NodeParameters):
    """Parameters of the articulation server."""

    proposals: int = Field(72, ge=12, le=1024, description='grasps optimised')
    max_checked: int = Field(16, ge=1, le=256, description='candidates that go to physics')
    enough: int = Field(2, ge=1, le=64, description='physics stops after this many passed')
    max_candidates: int = Field(2, ge=1, le=64, description='grasps returned')
    time_budget: float = Field(120.0, ge=1.0, le=600.0, description='[s] wall clock for a plan')
    capture_timeout: float = Field(20.0, ge=0.1, le=120.0, description='[s] wall clock')
    velocity_scaling: float = Field(0.1, ge=0.01, le=1.0, description='of the planned motion')
    least_confidence: float = Field(
        0.5, ge=0.0, le=1.0, description='of an estimated joint, below which nothing moves'
    )
    client_lease: float = Field(
        2.0, ge=0.5, description='[s] wall clock, silence of a client that had a heartbeat'
    )
    execution_timeout: float = Field(300.0, ge=1.0, le=3600.0, description='[s] wall clock')
    threads: int = Field(1, ge=1, le=64, description='of the tensor library')


class ArticulationServer(Dex1bNode):
    """Calls perception, plans in its own process, and calls the executor."""

    Parameters = Parameters

    def __init__(self) -> None:
        super().__init__('articulation_server')

    def configure(self) -> None:
        """Create clients, servers and latched outputs."""
        import torch

        from dex1b_ros.articulation_planning import ArticulationPlanning

        torch.set_num_threads(self.params.threads)
        self._planning = ArticulationPlanning(self, load_robot(self.params.robot))
        group = ReentrantCallbackGroup()
        self._execute = ActionCaller(
            self, ExecuteArticulation, 'execute_articulation', has_lease=True
        )
        self._lease = ClientLease(self, 'articulate_object')
        self._moving = False
        self._service = self.create_service(
            PlanArticulation, 'plan_articulation', self._on_plan, callback_group=group
        )
        self._action = ActionServer(
            self,
            ArticulateObject,
            'articulate_object',
            execute_callback=self._on_articulate,
            goal_callback=lambda goal: GoalResponse.ACCEPT if self.active else GoalResponse.REJECT,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=group,
        )
        self._life = ServerLife(self, 'plan_articulation', 'articulate_object')

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
            hand = load_robot(self.params.robot).hand.key
            if request.hand not in ('', hand):
                raise Dex1bError(
                    ErrorCode.INVALID_REQUEST,
                    f"unknown hand '{request.hand}'; this robot has '{hand}'",
                )
            planned = await self.in_thread(
                self._planning.plan, request, request.seed, plan_options(self.params, request)
            )
        except PlanningError as error:
            fill_plan(response, error.plan)
            return self.fail(response, error)
        except Exception as error:
            return self.fail(response, error)
        fill_plan(response, planned.plan)
        response.plan_id, response.scene = planned.plan_id, planned.scene.summary
        response.model = model_msg(planned.task.joint, planned.scene.header)
        response.model_confidence = planned.found.confidence
        response.candidates = self._planning.candidate_msgs(planned)
        return response

    async def _on_articulate(self, handle: Any) -> Any:
        result = ArticulateObject.Result()
        try:
            if self._moving:
                raise Dex1bError(
                    ErrorCode.BUSY, 'another articulation is running; wait for it or cancel it'
                )
            self._moving = True
            self._lease.watch(handle)
            try:
                await self.in_thread(self._articulate, handle, result)
            finally:
                self._moving = False
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

    def _articulate(self, handle: Any, result: Any) -> None:
        goal, start = handle.request, time.monotonic()

        def report(stage: int, candidate_id: str = '', error: float = 0, effort: float = 0) -> None:
            feedback = ArticulateObject.Feedback(
                stage=stage, candidate_id=candidate_id,
                max_tracking_error=float(error), max_effort=float(effort),
            )  # fmt: skip
            feedback.elapsed = conversions.duration_msg(time.monotonic() - start)
            handle.publish_feedback(feedback)

        def cancelled() -> bool:
            lost = self._lease.silence(handle) > self.params.client_lease
            return bool(handle.is_cancel_requested or lost)

        planned = self._planning.plan(
            goal, goal.seed, plan_options(self.params),
            on_stage=lambda stage: report(STAGES[stage]), cancelled=cancelled,
        )  # fmt: skip
        fill_plan(result, planned.plan)
        confidence, least = planned.found.confidence, self.params.least_confidence
        if confidence < least and not goal.dry_run:
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f'the joint is known with confidence {confidence:.2f} ({planned.found.source}); '
                f'{least:.2f} is required to move: give the model, or let the part be seen at '
                'two places',
            )
        reply = self._execute.call(
            ExecuteArticulation.Goal(
                plan_id=planned.plan_id, scene=planned.scene, dry_run=goal.dry_run,
                model=model_msg(planned.task.joint, planned.scene.header),
                displacement=planned.task.displacement,
                candidates=self._planning.candidate_msgs(planned),
                velocity_scaling=goal.velocity_scaling or float(self.params.velocity_scaling),
            ),
            timeout_s=self.params.execution_timeout,
            cancelled=cancelled,
            on_feedback=lambda f: report(
                f.stage, f.candidate_id, f.max_tracking_error, f.max_effort
            ),
        )  # fmt: skip
        result.executed_id, result.displacement = reply.executed_id, reply.displacement
        result.timings = [*result.timings, *reply.timings]
        result.rejections = [*result.rejections, *reply.rejections]
        raise_reply(reply)


def main() -> None:
    """Entry point of the executable."""
    run(ArticulationServer)


if __name__ == '__main__':
    main()
