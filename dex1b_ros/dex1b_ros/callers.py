"""Clients that a worker thread calls and waits for: of a service, and of an action."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.task import Future

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.action_client import ActionClient
from dex1b_ros.lease import PERIOD_S, ClientHeartbeat
from dex1b_ros.node import wait_for
from dex1b_ros.server_life import ServerWatch

MARGIN_S = 10.0
"""Wall-clock time a server may take beyond the budget that it was given."""
_DISCOVERY_S = 10.0


def raise_reply(reply: Any) -> None:
    """Turn a reply's error code into the exception it stands for."""
    if reply.error_code != ErrorCode.NONE:
        raise Dex1bError(ErrorCode(reply.error_code), reply.error_msg)


class ServiceCaller:
    """Send a request from a worker thread and wait for its reply, unless the server is lost."""

    def __init__(self, node: Node, kind: Any, name: str) -> None:
        self._node, self._name = node, f"service '{name}'"
        self._client = node.create_client(kind, name)
        self._watch = ServerWatch(node, name)

    def call(
        self, request: Any, *, timeout_s: float, cancelled: Callable[[], bool] = lambda: False
    ) -> Any:
        """Return the reply, whatever its error code.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, DEADLINE or CANCELED.
        """
        _require_server(self._watch, self._client.wait_for_service, self._name)
        server_kept = self._watch.from_now()
        future = self._client.call_async(request)

        def look() -> None:
            server_kept()
            if cancelled():
                raise Dex1bError(ErrorCode.CANCELED, f'canceled while waiting for {self._name}')

        return await_future(future, self._name, timeout_s, look)

    @property
    def is_ready(self) -> bool:
        """Whether there is a server that lives."""
        return self._client.service_is_ready() and not self._watch.is_lost

    def destroy(self) -> None:
        """Free the client."""
        self._watch.destroy()
        self._node.destroy_client(self._client)


class ActionCaller:
    """Send a goal from a worker thread and wait for its result; cancels it when asked."""

    def __init__(self, node: Node, kind: Any, name: str, *, has_lease: bool = False) -> None:
        """Create the client; `has_lease` when the server wants to hear that it lives."""
        self._client = ActionClient(node, kind, name)
        self._heartbeat = ClientHeartbeat(node, name) if has_lease else None
        self._watch = ServerWatch(node, name)
        self._name = f"action '{name}'"

    def call(
        self,
        goal: Any,
        *,
        timeout_s: float,
        cancelled: Callable[[], bool],
        on_feedback: Callable[[Any], None] | None = None,
    ) -> Any:
        """Return the result message, whatever its error code.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, GOAL_REJECTED or DEADLINE.
        """
        _require_server(self._watch, self._client.wait_for_server, self._name)
        server_kept = self._watch.from_now()

        def forward(message: Any) -> None:
            if on_feedback is not None:
                on_feedback(message.feedback)

        sent = self._client.send_goal_async(goal, feedback_callback=forward)
        handle = await_future(sent, self._name, MARGIN_S, server_kept)
        if not handle.accepted:
            raise Dex1bError(ErrorCode.GOAL_REJECTED, f'{self._name} refused the goal')
        return self._await_result(handle, timeout_s, cancelled, server_kept)

    def _await_result(
        self,
        handle: Any,
        timeout_s: float,
        cancelled: Callable[[], bool],
        server_kept: Callable[[], None],
    ) -> Any:
        asked_to_cancel = False

        def look() -> None:
            nonlocal asked_to_cancel
            server_kept()
            if cancelled() and not asked_to_cancel:
                handle.cancel_goal_async()
                asked_to_cancel = True
            if self._heartbeat is not None:
                self._heartbeat.beat(handle)

        future = handle.get_result_async()
        try:
            return await_future(future, self._name, timeout_s + MARGIN_S, look).result
        except Dex1bError as error:
            if error.error_code is ErrorCode.DEADLINE:
                handle.cancel_goal_async()
            raise

    def destroy(self) -> None:
        """Free the client."""
        self._watch.destroy()
        if self._heartbeat is not None:
            self._heartbeat.destroy()
        self._client.destroy()


def await_future(future: Future, what: str, timeout_s: float, look: Callable[[], None]) -> Any:
    """Block a worker thread until a ROS future is done; `look` is called meanwhile and may raise.

    Raises:
        Dex1bError: DEADLINE when it takes longer than `timeout_s` wall-clock seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not future.done():
        look()
        try:
            wait_for(future, PERIOD_S, what)
        except Dex1bError:
            if time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.DEADLINE, f'{what} gave no answer within {timeout_s:.0f} s'
                ) from None
    return future.result()


def _require_server(watch: ServerWatch, wait: Callable[[float], bool], what: str) -> None:
    watch.wait_for_return(_DISCOVERY_S)
    if not wait(_DISCOVERY_S):
        raise Dex1bError(
            ErrorCode.NODE_UNAVAILABLE,
            f'no server for {what} within {_DISCOVERY_S:.0f} s; is its node active?',
        )
