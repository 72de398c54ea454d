"""An action client that any thread may use."""

from __future__ import annotations

import threading
from typing import Any

import rclpy.action
from rclpy.task import Future


class ActionClient(rclpy.action.ActionClient):
    """rclpy's client, without its race between sending a request and noting that it was sent.

    rclpy sends first and remembers the request afterwards. An answer that the executor thread
    takes in between is dropped ('Ignoring unexpected goal response'), and whoever sent the
    request from another thread waits for ever. Here answers wait until the request is noted.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._sending = threading.RLock()
        super().__init__(*args, **options)

    def send_goal_async(self, *args: Any, **options: Any) -> Future:
        """See rclpy."""
        with self._sending:
            return super().send_goal_async(*args, **options)

    def _get_result_async(self, *args: Any, **options: Any) -> Future:
        with self._sending:
            return super()._get_result_async(*args, **options)

    def _cancel_goal_async(self, *args: Any, **options: Any) -> Future:
        with self._sending:
            return super()._cancel_goal_async(*args, **options)

    async def execute(self, taken_data: Any) -> None:
        """See rclpy."""
        with self._sending:
            pass  # a request under way is noted once this lock was free
        await super().execute(taken_data)
