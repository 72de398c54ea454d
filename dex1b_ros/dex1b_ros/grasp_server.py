"""The coordinator of picks: /plan_grasp plans, /grasp_object plans and picks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from dex1b_core.robots import load_robot
from dex1b_msgs.action import ExecuteGrasp, GraspObject
from dex1b_msgs.srv import PlanGrasp
from dex1b_ros.callers import raise_reply
from dex1b_ros.node import Dex1bNode, run
from dex1b_ros.plan_and_move import MovingParameters, PlanAndMove, RunningGoal
from dex1b_ros.planning_replies import fill_plan, plan_options


class Parameters(MovingParameters):
    """Parameters of the grasp server."""

    proposals: int = Field(64, ge=1, le=4096, description='candidates asked of the generator')
    max_checked: int = Field(32, ge=1, le=1024, description='candidates that go to physics')
    enough: int = Field(8, ge=1, le=256, description='physics stops after this many passed')
    max_candidates: int = Field(4, ge=1, le=64, description='grasps returned')
    time_budget: float = Field(30.0, ge=1.0, le=600.0, description='[s] wall clock for a plan')
    capture_timeout: float = Field(10.0, ge=0.1, le=120.0, description='[s] wall clock')
    lift_height: float = Field(0.15, ge=0.02, le=0.5, description='[m]')


class GraspServer(Dex1bNode):
    """Calls perception, generator, sim check, motion and executor in turn."""

    Parameters = Parameters

    def __init__(self) -> None:
        super().__init__('grasp_server')

    def configure(self) -> None:
        """Create clients, servers and latched outputs."""
        from dex1b_ros.grasp_planning import GraspPlanning

        self._planning = GraspPlanning(self, load_robot(self.params.robot))
        self._servers = PlanAndMove(
            self,
            service=(PlanGrasp, 'plan_grasp'),
            action=(GraspObject, 'grasp_object'),
            executor=(ExecuteGrasp, 'execute_grasp'),
            plan=self._plan,
            move=self._pick,
            what='pick',
        )

    def cleanup(self) -> None:
        """Free what configure made."""
        self._servers.destroy()
        self._planning.destroy()

    def _plan(self, request: Any, response: Any) -> None:
        options = replace(plan_options(self.params, request), skip_sim_check=request.skip_sim_check)
        planned = self._planning.plan(request.target, request.hand, request.seed, options)
        fill_plan(response, planned.plan)
        response.plan_id, response.scene = planned.plan_id, planned.scene.summary
        response.candidates = self._planning.candidate_msgs(planned)

    def _pick(self, running: RunningGoal, result: Any) -> None:
        goal = running.request
        planned = self._planning.plan(
            goal.target, goal.hand, goal.seed, plan_options(self.params),
            on_stage=running.planning, cancelled=running.cancelled,
        )  # fmt: skip
        fill_plan(result, planned.plan)
        result.plan_id, result.scene = planned.plan_id, planned.scene.summary
        result.candidates = planned.plan.proposed
        candidates = self._planning.candidate_msgs(planned)
        execute = ExecuteGrasp.Goal(
            plan_id=planned.plan_id, scene=planned.scene, dry_run=goal.dry_run,
            velocity_scaling=goal.velocity_scaling or float(self.params.velocity_scaling),
            lift_height=goal.lift_height or float(self.params.lift_height),
            hold_duration=goal.hold_duration, candidates=candidates,
        )  # fmt: skip
        reply = self._servers.execute(
            running, execute, result, lambda feedback: {'candidates_left': len(candidates)}
        )
        result.object_held = reply.object_held
        raise_reply(reply)


def main() -> None:
    """Entry point of the executable."""
    run(GraspServer)


if __name__ == '__main__':
    main()
