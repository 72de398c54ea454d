"""The whole stack behind one small object: plan, pick, follow the pick."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from dex1b_msgs.action import GraspObject
from dex1b_msgs.msg import GraspTarget
from dex1b_msgs.srv import PlanGrasp
from dex1b_ros import conversions
from dex1b_ros.coordinator_client import CoordinatorClient
from dex1b_ros.spinner import Spinner


class StackClient(CoordinatorClient):
    """Clients of the grasp server on a node that somebody spins in another thread."""

    service = (PlanGrasp, 'plan_grasp')
    action = (GraspObject, 'grasp_object')
    stack = 'grasp'

    def plan(
        self,
        *,
        target: GraspTarget | None = None,
        seed: int = 0,
        max_candidates: int = 0,
        time_budget_s: float = 0.0,
        skip_sim_check: bool = False,
        timeout_s: float = 300.0,
    ) -> PlanGrasp.Response:
        """Plan for a target, else the most graspable object; nothing moves.

        The reply carries its error code.
        """
        request = PlanGrasp.Request(
            target=target or GraspTarget(),
            seed=seed,
            max_candidates=max_candidates,
            skip_sim_check=skip_sim_check,
        )
        request.time_budget = conversions.duration_msg(time_budget_s)
        return self._call(request, timeout_s)

    def pick(
        self,
        *,
        target: GraspTarget | None = None,
        seed: int = 0,
        dry_run: bool = False,
        velocity_scaling: float = 0.0,
        lift_height: float = 0.0,
        hold_duration: float = 0.0,
        on_feedback: Callable[[Any], None] = lambda feedback: None,
        timeout_s: float = 600.0,
    ) -> GraspObject.Result:
        """Look, plan, check and pick; an interrupt (Ctrl-C) cancels the goal first.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, GOAL_REJECTED, DEADLINE. A pick that fails does not
                raise: the result carries its error code.
        """
        goal = GraspObject.Goal(
            target=target or GraspTarget(),
            seed=seed,
            dry_run=dry_run,
            velocity_scaling=velocity_scaling,
            lift_height=lift_height,
            hold_duration=hold_duration,
        )
        return self._run_goal(goal, on_feedback, timeout_s)


class WithOwnNode(CoordinatorClient):
    """Gives clients a node of their own, spun in a thread; use as a context manager.

    Args:
        namespace: Namespace of the stack.
        use_sim_time: Whether the stack runs on /clock.
    """

    def __init__(self, *, namespace: str = '', use_sim_time: bool = False) -> None:
        if not rclpy.ok():
            rclpy.init()
        node = Node(
            'dex1b_commander',
            namespace=namespace,
            parameter_overrides=[Parameter('use_sim_time', value=use_sim_time)],
        )
        self._spinner = Spinner(node)
        super().__init__(node)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Destroy the node."""
        self._spinner.close()
        self.node.destroy_node()
        rclpy.try_shutdown()


class Commander(WithOwnNode, StackClient):
    """A client of the grasp server with its own node; see `WithOwnNode`."""
