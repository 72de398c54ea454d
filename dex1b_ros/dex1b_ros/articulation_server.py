"""Opens doors, drawers and lids: /plan_articulation plans, /articulate_object plans and moves."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import load_robot
from dex1b_msgs.action import ArticulateObject, ExecuteArticulation
from dex1b_msgs.srv import PlanArticulation
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.callers import raise_reply
from dex1b_ros.node import Dex1bNode, run
from dex1b_ros.plan_and_move import MovingParameters, PlanAndMove, RunningGoal
from dex1b_ros.planning_replies import fill_plan, plan_options, require_hand


class Parameters(MovingParameters):
    """Parameters of the articulation server."""

    proposals: int = Field(72, ge=12, le=1024, description='grasps optimised')
    max_checked: int = Field(16, ge=1, le=256, description='candidates that go to physics')
    enough: int = Field(4, ge=1, le=64, description='physics stops after this many passed')
    max_candidates: int = Field(2, ge=1, le=64, description='grasps returned')
    attempts: int = Field(
        3, ge=1, le=10, description='plans with other draws while none succeeds in time_budget'
    )
    time_budget: float = Field(120.0, ge=1.0, le=600.0, description='[s] wall clock for a plan')
    capture_timeout: float = Field(20.0, ge=0.1, le=120.0, description='[s] wall clock')
    least_confidence: float = Field(
        0.5, ge=0.0, le=1.0, description='of an estimated joint, below which nothing moves'
    )
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
        self._robot = load_robot(self.params.robot)
        self._planning = ArticulationPlanning(self, self._robot)
        self._servers = PlanAndMove(
            self,
            service=(PlanArticulation, 'plan_articulation'),
            action=(ArticulateObject, 'articulate_object'),
            executor=(ExecuteArticulation, 'execute_articulation'),
            plan=self._plan,
            move=self._open,
            what='articulation',
        )

    def cleanup(self) -> None:
        """Free what configure made."""
        self._servers.destroy()
        self._planning.destroy()

    def _plan(self, request: Any, response: Any) -> None:
        require_hand(self._robot, request.hand)
        planned = self._planning.plan(request, request.seed, plan_options(self.params, request))
        fill_plan(response, planned.plan)
        response.plan_id, response.scene = planned.plan_id, planned.scene.summary
        response.model = model_msg(planned.task.joint, planned.scene.header)
        response.model_confidence = planned.found.confidence
        response.candidates = self._planning.candidate_msgs(planned)

    def _open(self, running: RunningGoal, result: Any) -> None:
        goal = running.request
        planned = self._planning.plan(
            goal, goal.seed, plan_options(self.params),
            on_stage=running.planning, cancelled=running.cancelled,
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
        execute = ExecuteArticulation.Goal(
            plan_id=planned.plan_id, scene=planned.scene, dry_run=goal.dry_run,
            model=model_msg(planned.task.joint, planned.scene.header),
            displacement=planned.task.displacement,
            candidates=self._planning.candidate_msgs(planned),
            velocity_scaling=goal.velocity_scaling or float(self.params.velocity_scaling),
        )  # fmt: skip
        reply = self._servers.execute(
            running,
            execute,
            result,
            lambda feedback: {
                'max_tracking_error': feedback.max_tracking_error,
                'max_effort': feedback.max_effort,
            },
        )
        result.displacement = reply.displacement
        raise_reply(reply)


def main() -> None:
    """Entry point of the executable."""
    run(ArticulationServer)


if __name__ == '__main__':
    main()
