"""What a coordinator's client does that waits for it: plan, move, cancel when interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.action_client import ActionClient
from dex1b_ros.callers import ServiceCaller, await_future
from dex1b_ros.lease import PERIOD_S, ClientHeartbeat
from dex1b_ros.node import wait_for
from dex1b_ros.server_life import ServerWatch

DISCOVERY_S = 10.0


class CoordinatorClient:
    """Clients of `PlanAndMove` on a node that somebody spins in another thread.

    Args:
        node: Calls are made in its namespace.
    """

    service: tuple[Any, str]
    action: tuple[Any, str]
    stack: str
    """That serves them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._service = ServiceCaller(node, *self.service)
        self._watch = ServerWatch(node, self.action[1])
        self._action = ActionClient(node, *self.action)
        self._heartbeat = ClientHeartbeat(node, self.action[1])
        self._handle: Any = None

    def destroy(self) -> None:
        """Free the clients."""
        self._heartbeat.destroy()
        self._action.destroy()
        self._watch.destroy()
        self._service.destroy()

    def wait_until_ready(
        self, timeout_s: float = DISCOVERY_S, check: Callable[[], None] = lambda: None
    ) -> None:
        """Block until the coordinator answers; `check` may raise to give up early.

        Raises:
            Dex1bError: NODE_UNAVAILABLE.
        """
        deadline = time.monotonic() + timeout_s
        while not (self._service.is_ready and self._action.server_is_ready()):
            check()
            if time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f'no {self.stack} server appeared within {timeout_s:.0f} s; start the stack '
                    f"('dex1b up {self.stack}' or ros2 launch dex1b_ros {self.stack}.launch.py)",
                )
            time.sleep(0.1)

    def cancel(self) -> None:
        """Cancel the goal that another thread waits for; the arm stops, the hand keeps its grip."""
        handle = self._handle
        if handle is not None:
            handle.cancel_goal_async()

    def _call(self, request: Any, timeout_s: float) -> Any:
        """Have a plan made; the reply carries its error code."""
        self.wait_until_ready()
        return self._service.call(request, timeout_s=timeout_s)

    def _run_goal(self, goal: Any, on_feedback: Callable[[Any], None], timeout_s: float) -> Any:
        """Send a goal, tell that its client lives, and wait; cancels it when interrupted."""
        self.wait_until_ready()
        name = f"action '{self.action[1]}'"
        server_kept = self._watch.from_now()
        handle = wait_for(
            self._action.send_goal_async(
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
            lambda: self._heartbeat.beat(handle),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        self._handle = handle
        try:
            result = handle.get_result_async()
            return await_future(result, name, timeout_s, server_kept).result
        except BaseException:
            if not self._watch.is_lost:
                wait_for(handle.cancel_goal_async(), DISCOVERY_S, f'cancelling {name}')
            raise
        finally:
            self._handle = None
            self.node.destroy_timer(timer)
