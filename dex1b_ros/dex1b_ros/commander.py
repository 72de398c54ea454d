"""The whole stack behind one small object: plan, pick, follow the pick."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_msgs.action import GraspObject
from dex1b_msgs.msg import GraspTarget
from dex1b_msgs.srv import PlanGrasp
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.callers import ServiceCaller, await_future
from dex1b_ros.lease import PERIOD_S, ClientHeartbeat
from dex1b_ros.node import wait_for
from dex1b_ros.server_life import ServerWatch

DISCOVERY_S = 10.0


class StackClient:
    """Clients of the stack on a node that somebody spins in another thread.

    Args:
        node: Calls are made in its namespace.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self._plan = ServiceCaller(node, PlanGrasp, 'plan_grasp')
        self._watch = ServerWatch(node, 'grasp_object')
        self._pick_client = ActionClient(node, GraspObject, 'grasp_object')
        self._handle: Any = None
        self._heartbeat = ClientHeartbeat(node, 'grasp_object')

    def destroy(self) -> None:
        """Free the clients."""
        self._heartbeat.destroy()
        self._pick_client.destroy()
        self._watch.destroy()
        self._plan.destroy()

    def wait_until_ready(
        self, timeout_s: float = DISCOVERY_S, check: Callable[[], None] = lambda: None
    ) -> None:
        """Block until the grasp server answers; `check` may raise to give up early.

        Raises:
            Dex1bError: NODE_UNAVAILABLE.
        """
        self._wait_for_servers(self._plan, self._pick_client, 'grasp', timeout_s, check)

    def _wait_for_servers(
        self,
        service: ServiceCaller,
        action: ActionClient,
        stack: str,
        timeout_s: float,
        check: Callable[[], None],
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while not (service.is_ready and action.server_is_ready()):
            check()
            if time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f'no {stack} server appeared within {timeout_s:.0f} s; start the stack '
                    f"('dex1b up {stack}' or ros2 launch dex1b_ros {stack}.launch.py)",
                )
            time.sleep(0.1)

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
        self.wait_until_ready()
        request = PlanGrasp.Request(
            target=target or GraspTarget(),
            seed=seed,
            max_candidates=max_candidates,
            skip_sim_check=skip_sim_check,
        )
        request.time_budget = conversions.duration_msg(time_budget_s)
        return self._plan.call(request, timeout_s=timeout_s)

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
        self.wait_until_ready()
        goal = GraspObject.Goal(
            target=target or GraspTarget(),
            seed=seed,
            dry_run=dry_run,
            velocity_scaling=velocity_scaling,
            lift_height=lift_height,
            hold_duration=hold_duration,
        )
        return self._run_goal(
            self._pick_client, self._watch, self._heartbeat, goal, on_feedback, timeout_s
        )

    def _run_goal(
        self,
        client: ActionClient,
        watch: ServerWatch,
        heartbeat: ClientHeartbeat,
        goal: Any,
        on_feedback: Callable[[Any], None],
        timeout_s: float,
    ) -> Any:
        """Send a goal, tell that its client lives, and wait; cancels it when interrupted."""
        name = f"action '{client._action_name}'"
        server_kept = watch.from_now()
        handle = wait_for(
            client.send_goal_async(
                goal, feedback_callback=lambda message: on_feedback(message.feedback)
            ),
            DISCOVERY_S,
            name,
        )
        if not handle.accepted:
            raise Dex1bError(
                ErrorCode.GOAL_REJECTED, f'{name} refused the goal; is its node active?'
            )
        timer = self.node.create_timer(
            PERIOD_S,
            lambda: heartbeat.beat(handle),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        self._handle = handle
        try:
            result = handle.get_result_async()
            return await_future(result, name, timeout_s, server_kept).result
        except BaseException:
            if not watch.is_lost:
                wait_for(handle.cancel_goal_async(), DISCOVERY_S, f'cancelling {name}')
            raise
        finally:
            self._handle = None
            self.node.destroy_timer(timer)

    def cancel(self) -> None:
        """Cancel the pick that another thread waits for; the arm stops, the hand keeps its grip."""
        handle = self._handle
        if handle is not None:
            handle.cancel_goal_async()


class Commander(StackClient):
    """A client of the stack with its own node; use as a context manager.

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
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()
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
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(3.0)
        self.node.destroy_node()
        rclpy.try_shutdown()
