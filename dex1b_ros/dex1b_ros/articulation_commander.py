"""The stack that opens things behind one small object: plan, open, follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dex1b_msgs.action import ArticulateObject
from dex1b_msgs.msg import ArticulationModel, GraspTarget
from dex1b_msgs.srv import PlanArticulation
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.callers import ServiceCaller
from dex1b_ros.commander import DISCOVERY_S, Commander
from dex1b_ros.lease import ClientHeartbeat
from dex1b_ros.server_life import ServerWatch


class ArticulationCommander(Commander):
    """A client of the articulation server; see `Commander`."""

    def __init__(self, *, namespace: str = '', use_sim_time: bool = False) -> None:
        super().__init__(namespace=namespace, use_sim_time=use_sim_time)
        self._plan_part = ServiceCaller(self.node, PlanArticulation, 'plan_articulation')
        self._part_watch = ServerWatch(self.node, 'articulate_object')
        self._move_part = ActionClient(self.node, ArticulateObject, 'articulate_object')
        self._part_heartbeat = ClientHeartbeat(self.node, 'articulate_object')

    def wait_until_ready(
        self, timeout_s: float = DISCOVERY_S, check: Callable[[], None] = lambda: None
    ) -> None:
        """Block until the articulation server answers; `check` may raise to give up early.

        Raises:
            Dex1bError: NODE_UNAVAILABLE.
        """
        self._wait_for_servers(self._plan_part, self._move_part, 'articulate', timeout_s, check)

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
        self.wait_until_ready()
        request = PlanArticulation.Request(
            target=target or GraspTarget(), model=model, displacement=displacement, seed=seed
        )
        request.time_budget = conversions.duration_msg(time_budget_s)
        return self._plan_part.call(request, timeout_s=timeout_s)

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
        self.wait_until_ready()
        goal = ArticulateObject.Goal(
            target=target or GraspTarget(),
            model=model,
            displacement=displacement,
            seed=seed,
            dry_run=dry_run,
            velocity_scaling=velocity_scaling,
        )
        return self._run_goal(
            self._move_part, self._part_watch, self._part_heartbeat, goal, on_feedback, timeout_s
        )
