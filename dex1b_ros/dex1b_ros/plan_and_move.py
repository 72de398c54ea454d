"""What every coordinator serves: a service that plans, and an action that plans and moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pydantic import Field
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning.pipeline import PlanningError
from dex1b_msgs.msg import ExecutorStatus
from dex1b_ros import conversions
from dex1b_ros.callers import ActionCaller
from dex1b_ros.lease import ClientLease
from dex1b_ros.node import Dex1bNode, NodeParameters, end_goal
from dex1b_ros.planning_replies import fill_plan
from dex1b_ros.server_life import ServerLife

_STAGES = {
    'perceive': ExecutorStatus.PERCEIVE,
    'generate': ExecutorStatus.PLAN,
    'reach': ExecutorStatus.PLAN,
    'check': ExecutorStatus.SIM_CHECK,
    'motion': ExecutorStatus.PLAN,
}


class MovingParameters(NodeParameters):
    """Parameters of a node that has the executor move."""

    velocity_scaling: float = Field(0.1, ge=0.01, le=1.0, description='of the planned motion')
    client_lease: float = Field(
        2.0, ge=0.5, description='[s] wall clock, silence of a client that had a heartbeat'
    )
    execution_timeout: float = Field(300.0, ge=1.0, le=3600.0, description='[s] wall clock')


class RunningGoal:
    """A goal of the action while it is carried out; `request` is what was asked for."""

    def __init__(self, handle: Any, feedback: Any, is_lost: Callable[[], bool]) -> None:
        self.request = handle.request
        self._handle, self._feedback, self._is_lost = handle, feedback, is_lost
        self._start = time.monotonic()

    def cancelled(self) -> bool:
        """Whether the client does not want it any more, or has fallen silent."""
        return bool(self._handle.is_cancel_requested or self._is_lost())

    def planning(self, stage: str) -> None:
        """Tell the client what of the plan is being made."""
        self.report(_STAGES[stage])

    def report(self, stage: int, **fields: Any) -> None:
        """Tell the client what is being done."""
        feedback = self._feedback(stage=stage, **fields)
        feedback.elapsed = conversions.duration_msg(time.monotonic() - self._start)
        self._handle.publish_feedback(feedback)


class PlanAndMove:
    """Servers of a coordinator, and its client of the executor; one goal at a time.

    Args:
        node: Whose; its parameters are `MovingParameters`.
        service: Type and name of the service that plans.
        action: Type and name of the action that plans and moves.
        executor: Type and name of the action of the executor.
        plan: Fills in a response for a request, in a worker thread.
        move: Fills in the result of a goal, in a worker thread.
        what: What a goal is called.
    """

    def __init__(
        self,
        node: Dex1bNode,
        *,
        service: tuple[Any, str],
        action: tuple[Any, str],
        executor: tuple[Any, str],
        plan: Callable[[Any, Any], None],
        move: Callable[[RunningGoal, Any], None],
        what: str,
    ) -> None:
        self._node, self._kind, self._what = node, action[0], what
        self._plan, self._move = plan, move
        self._moving = False
        self._execute = ActionCaller(node, *executor, has_lease=True)
        self._lease = ClientLease(node, action[1])
        group = ReentrantCallbackGroup()
        self._service = node.create_service(*service, self._on_plan, callback_group=group)
        self._action = ActionServer(
            node,
            *action,
            execute_callback=self._on_goal,
            goal_callback=lambda goal: GoalResponse.ACCEPT if node.active else GoalResponse.REJECT,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=group,
        )
        self._life = ServerLife(node, service[1], action[1])

    def destroy(self) -> None:
        """Free servers and client."""
        self._life.destroy()
        self._action.destroy()
        self._lease.destroy()
        self._execute.destroy()
        self._node.destroy_service(self._service)

    def execute(
        self,
        running: RunningGoal,
        goal: Any,
        result: Any,
        feedback: Callable[[Any], dict[str, Any]],
    ) -> Any:
        """Have the executor carry out a goal of its own; call it in `move`.

        Args:
            running: Whose client is told, and may cancel.
            goal: For the executor.
            result: Gets what results of all kinds have, but for the error.
            feedback: Fields for the client, from the executor's feedback.

        Returns:
            The executor's result, whatever its error code.
        """
        reply = self._execute.call(
            goal,
            timeout_s=self._node.params.execution_timeout,
            cancelled=running.cancelled,
            on_feedback=lambda f: running.report(
                f.stage, candidate_id=f.candidate_id, **feedback(f)
            ),
        )
        result.executed_id = reply.executed_id
        result.timings = [*result.timings, *reply.timings]
        result.rejections = [*result.rejections, *reply.rejections]
        return reply

    async def _on_plan(self, request: Any, response: Any) -> Any:
        try:
            self._node.require_active()
            await self._node.in_thread(self._plan, request, response)
        except Exception as error:
            self._fail(response, error)
        return response

    async def _on_goal(self, handle: Any) -> Any:
        result = self._kind.Result()
        try:
            if self._moving:
                raise Dex1bError(
                    ErrorCode.BUSY, f'another {self._what} is running; wait for it or cancel it'
                )
            self._moving = True
            self._lease.watch(handle)
            running = RunningGoal(handle, self._kind.Feedback, lambda: self._is_lost(handle))
            try:
                await self._node.in_thread(self._move, running, result)
            finally:
                self._moving = False
                self._lease.forget(handle)
        except Exception as error:
            self._fail(result, error)
        end_goal(handle, result)
        return result

    def _is_lost(self, handle: Any) -> bool:
        return self._lease.silence(handle) > float(self._node.params.client_lease)

    def _fail(self, reply: Any, error: Exception) -> None:
        if isinstance(error, PlanningError):
            fill_plan(reply, error.plan)
        self._node.fail(reply, error)
