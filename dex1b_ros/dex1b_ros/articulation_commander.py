"""The stack that opens things behind one small object: plan, open, follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dex1b_msgs.action import ArticulateObject
from dex1b_msgs.msg import ArticulationModel, GraspTarget
from dex1b_msgs.srv import PlanArticulation
from dex1b_ros import conversions
from dex1b_ros.commander import WithOwnNode


class ArticulationCommander(WithOwnNode):
    """A client of the articulation server with its own node; see `WithOwnNode`."""

    service = (PlanArticulation, 'plan_articulation')
    action = (ArticulateObject, 'articulate_object')
    stack = 'articulate'

    def plan_part(
        self,
        model: ArticulationModel,
        displacement: float,
        *,
        target: GraspTarget | None = None,
        seed: int = 0,
        time_budget_s: float = 0.0,
        timeout_s: float = 400.0,
    ) -> PlanArticulation.Response:
        """Plan to move a part; nothing moves. The reply carries its error code."""
        request = PlanArticulation.Request(
            target=target or GraspTarget(), model=model, displacement=displacement, seed=seed
        )
        request.time_budget = conversions.duration_msg(time_budget_s)
        return self._call(request, timeout_s)

    def open_part(
        self,
        model: ArticulationModel,
        displacement: float,
        *,
        target: GraspTarget | None = None,
        seed: int = 0,
        dry_run: bool = False,
        velocity_scaling: float = 0.0,
        on_feedback: Callable[[Any], None] = lambda feedback: None,
        timeout_s: float = 900.0,
    ) -> ArticulateObject.Result:
        """Look, plan and move a part by a displacement [rad or m]; an interrupt cancels it first.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, GOAL_REJECTED, DEADLINE. A part that does not move does
                not raise: the result carries its error code.
        """
        goal = ArticulateObject.Goal(
            target=target or GraspTarget(),
            model=model,
            displacement=displacement,
            seed=seed,
            dry_run=dry_run,
            velocity_scaling=velocity_scaling,
        )
        return self._run_goal(goal, on_feedback, timeout_s)
