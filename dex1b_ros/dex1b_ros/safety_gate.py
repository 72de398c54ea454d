"""The executor's view of the safety monitor."""

from __future__ import annotations

import time

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_msgs.msg import SafetyStatus
from dex1b_ros.node import LATCHED, Dex1bNode

_LEVELS = {
    SafetyStatus.UNKNOWN: 'UNKNOWN',
    SafetyStatus.OK: 'OK',
    SafetyStatus.WARN: 'WARN',
    SafetyStatus.STOP: 'STOP',
}


class SafetyGate:
    """Follows safety_monitor/status; a monitor that falls silent counts as STOP."""

    def __init__(self, node: Dex1bNode, *, required: bool, max_wall_age: float) -> None:
        self._node = node
        self._required = required
        self._max_wall_age = max_wall_age
        self._latest: tuple[SafetyStatus, float] | None = None
        self._subscription = node.create_subscription(
            SafetyStatus, 'safety_monitor/status', self._receive, LATCHED
        )

    def destroy(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)

    def _receive(self, message: SafetyStatus) -> None:
        self._latest = (message, time.monotonic())

    def wait_for_first(self, timeout_s: float) -> None:
        """Give discovery time to bring the first message; call it from a worker thread."""
        deadline = time.monotonic() + timeout_s
        while self._required and self._latest is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def require_ok(self) -> None:
        """Before motion: the level must be OK.

        Raises:
            Dex1bError: SAFETY_STOP.
        """
        self._require((SafetyStatus.OK,))

    def require_no_stop(self) -> None:
        """During motion: warnings do not stop what has begun.

        Raises:
            Dex1bError: SAFETY_STOP.
        """
        self._require((SafetyStatus.OK, SafetyStatus.WARN))

    def _require(self, levels: tuple[int, ...]) -> None:
        topic = self._subscription.topic_name
        if self._latest is None:
            if self._required:
                raise Dex1bError(
                    ErrorCode.SAFETY_STOP,
                    f"no message on '{topic}': start the safety monitor",
                )
            return
        status, received = self._latest
        age = time.monotonic() - received
        if self._required and age > self._max_wall_age:
            raise Dex1bError(
                ErrorCode.SAFETY_STOP,
                f"'{topic}' has been silent for {age:.1f} s; {self._max_wall_age:.1f} s are "
                'allowed: is the safety monitor alive?',
            )
        if status.level not in levels:
            raise Dex1bError(
                ErrorCode.SAFETY_STOP,
                f'the safety monitor says {_LEVELS.get(status.level, status.level)}: '
                f'{status.message}; mend the cause, then call '
                f'{topic.removesuffix("status")}reset',
            )
