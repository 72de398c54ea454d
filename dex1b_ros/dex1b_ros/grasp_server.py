"""The coordinator: /plan_grasp plans, /grasp_object plans and picks."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nav_msgs.msg import Path
from pydantic import Field
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from visualization_msgs.msg import MarkerArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning.pipeline import (
    GraspPlan,
    GraspPlanner,
    PlanningError,
    PlanOptions,
    with_ids,
)
from dex1b_core.robots import load_robot
from dex1b_msgs.action import CaptureScene, CheckGrasps, ExecuteGrasp, GraspObject
from dex1b_msgs.msg import ExecutorStatus, GraspArray, GraspTarget, SceneSnapshot
from dex1b_msgs.srv import GenerateGrasps, PlanGrasp
from dex1b_ros import conversions
from dex1b_ros.grasp_display import grasp_markers, wrist_path
from dex1b_ros.joint_states import current_positions
from dex1b_ros.node import LATCHED, Dex1bNode, NodeParameters, run
from dex1b_ros.planning_clients import ActionCaller, PlanningClients, raise_reply

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
    execution_timeout: float = Field(300.0, ge=1.0, le=3600.0, description='[s] wall clock')


@dataclass(frozen=True)
class Planned:
    """A plan with the scene that it was made for."""

    plan_id: str
    scene: SceneSnapshot
    plan: GraspPlan


class GraspServer(Dex1bNode):
    """Calls perception, generator, sim check, motion and executor in turn."""

    Parameters = Parameters

    def __init__(self) -> None:
        super().__init__('grasp_server')
        self._one_at_a_time = threading.Lock()

    def configure(self) -> None:
        """Create clients, servers and latched outputs."""
        from dex1b_core.motion import ArmMotion

        self._robot = load_robot(self.params.robot)
        self._motion = ArmMotion(self._robot)
        self._wrist_frame = self.params.tf_prefix + self._robot.hand.root_link
        group = ReentrantCallbackGroup()
        self._grasps = self.create_publisher(GraspArray, '~/grasps', LATCHED)
        self._markers = self.create_publisher(MarkerArray, '~/markers', LATCHED)
        self._path = self.create_publisher(Path, '~/planned_path', LATCHED)
        self._capture = ActionCaller(self, CaptureScene, 'capture_scene')
        self._check = ActionCaller(self, CheckGrasps, 'check_grasps')
        self._execute = ActionCaller(self, ExecuteGrasp, 'execute_grasp')
        self._generate = self.create_client(GenerateGrasps, 'generate_grasps')
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

    def cleanup(self) -> None:
        """Free what configure made."""
        for entity in (self._action, self._capture, self._check, self._execute):
            entity.destroy()
        self.destroy_service(self._service)
        self.destroy_client(self._generate)

    async def _on_plan(self, request: Any, response: Any) -> Any:
        try:
            self.require_active()
            options = self._options(request)
            planned = await self.in_thread(
                self._plan, request.target, request.hand, request.seed, options
            )
        except PlanningError as error:
            self._fill(response, error.plan)
            return self.fail(response, error)
        except Exception as error:
            return self.fail(response, error)
        self._fill(response, planned.plan)
        response.plan_id, response.scene = planned.plan_id, planned.scene.summary
        response.candidates = self._candidate_msgs(planned)
        return response

    async def _on_grasp_object(self, handle: Any) -> Any:
        result = GraspObject.Result()
        try:
            await self.in_thread(self._grasp_object, handle, result)
        except Exception as error:
            if isinstance(error, PlanningError):
                self._fill(result, error.plan)
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

        planned = self._plan(
            goal.target, goal.hand, goal.seed, self._options(None),
            on_stage=lambda stage: report(STAGES[stage]),
            cancelled=lambda: handle.is_cancel_requested,
        )  # fmt: skip
        plan = planned.plan
        self._fill(result, plan)
        result.plan_id, result.scene = planned.plan_id, planned.scene.summary
        result.candidates = plan.proposed
        execute = ExecuteGrasp.Goal(
            plan_id=planned.plan_id, scene=planned.scene, dry_run=goal.dry_run,
            velocity_scaling=goal.velocity_scaling or float(self.params.velocity_scaling),
            lift_height=goal.lift_height or float(self.params.lift_height),
            hold_duration=goal.hold_duration, candidates=self._candidate_msgs(planned),
        )  # fmt: skip
        reply = self._execute.call(
            execute,
            timeout_s=self.params.execution_timeout,
            cancelled=lambda: handle.is_cancel_requested,
            on_feedback=lambda f: report(f.stage, f.candidate_id, len(plan.candidates)),
        )
        result.executed_id, result.object_held = reply.executed_id, reply.object_held
        result.timings = [*result.timings, *reply.timings]
        result.rejections = [*result.rejections, *reply.rejections]
        raise_reply(reply)

    def _options(self, request: Any) -> PlanOptions:
        options = PlanOptions(
            **{name: getattr(self.params, name) for name in
               ('proposals', 'max_checked', 'enough', 'max_candidates')},
            time_budget_s=self.params.time_budget,
        )  # fmt: skip
        if request is None:
            return options
        return replace(
            options,
            max_candidates=request.max_candidates or options.max_candidates,
            time_budget_s=conversions.seconds(request.time_budget) or options.time_budget_s,
            skip_sim_check=request.skip_sim_check,
        )

    def _plan(
        self,
        target: GraspTarget,
        hand: str,
        seed: int,
        options: PlanOptions,
        on_stage: Callable[[str], None] = lambda stage: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Planned:
        """One planning run, in a worker thread."""
        if hand not in ('', self._robot.hand.key):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"unknown hand '{hand}'; this robot has '{self._robot.hand.key}'",
            )
        if not self._one_at_a_time.acquire(blocking=False):
            raise Dex1bError(ErrorCode.BUSY, 'another plan is running; try again when it is done')
        try:
            on_stage('perceive')
            start = time.monotonic()
            scene = self._capture_scene(target, cancelled)
            perceived = ('perceive', time.monotonic() - start)
            planner = GraspPlanner(
                self._stages(scene, cancelled), options, on_stage=on_stage, cancelled=cancelled
            )
            seed = seed or secrets.randbelow(2**31 - 1) + 1
            try:
                plan = planner.plan(conversions.observation(scene), seed=seed)
            except PlanningError as error:
                error.plan = replace(error.plan, timings=(perceived, *error.plan.timings))
                self._display(scene, '', error.plan)
                raise
            plan_id = f'plan-{seed}-{scene.summary.snapshot_id}'
            plan = replace(
                plan,
                timings=(perceived, *plan.timings),
                candidates=with_ids(plan.candidates, plan_id),
            )
            self._display(scene, plan_id, plan)
            return Planned(plan_id, scene, plan)
        finally:
            self._one_at_a_time.release()

    def _capture_scene(self, target: GraspTarget, cancelled: Callable[[], bool]) -> SceneSnapshot:
        timeout = self.params.capture_timeout
        goal = CaptureScene.Goal(target=target, timeout=conversions.duration_msg(timeout))
        reply = self._capture.call(goal, timeout_s=timeout, cancelled=cancelled)
        raise_reply(reply)
        return reply.scene

    def _stages(self, scene: SceneSnapshot, cancelled: Callable[[], bool]) -> PlanningClients:
        arm, hand = self._robot.arm.joints, self._robot.hand.joints

        def start() -> tuple[dict[str, float], dict[str, float]]:
            positions = current_positions(self, (*arm, *hand))
            return {n: positions[n] for n in arm}, {n: positions[n] for n in hand}

        return PlanningClients(
            self._motion, self._generate, self._check, scene,
            wrist_frame=self._wrist_frame, start=start, cancelled=cancelled,
            velocity_scaling=self.params.velocity_scaling, lift_height=self.params.lift_height,
        )  # fmt: skip

    def _candidate_msgs(self, planned: Planned) -> list[Any]:
        header = planned.scene.header
        return [
            conversions.candidate_msg(c, self._wrist_frame, header) for c in planned.plan.candidates
        ]

    def _fill(self, reply: Any, plan: GraspPlan) -> None:
        reply.seed = plan.seed
        reply.rejections = [conversions.rejection_msg(r) for r in plan.rejections]
        reply.timings = [conversions.timing_msg(*timing) for timing in plan.timings]

    def _display(self, scene: SceneSnapshot, plan_id: str, plan: GraspPlan) -> None:
        header = scene.header
        messages = [
            conversions.candidate_msg(c, self._wrist_frame, header) for c in plan.candidates
        ]
        self._grasps.publish(GraspArray(header=header, plan_id=plan_id, candidates=messages))
        self._markers.publish(grasp_markers(plan.candidates, plan.rejected, header))
        if plan.motion is not None:
            self._path.publish(wrist_path(self._motion.wrist_poses(plan.motion), header))


def main() -> None:
    """Entry point of the executable."""
    run(GraspServer)


if __name__ == '__main__':
    main()
