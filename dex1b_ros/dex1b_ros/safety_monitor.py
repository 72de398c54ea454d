"""Watches the robot from a process of its own and says whether it may move.

It is no emergency stop: it asks the executor to ramp down, and if the executor has died in
motion, brings the arm to rest itself.
"""

from __future__ import annotations

import time
from typing import Any

from rclpy.clock import Clock, ClockType
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from dex1b_core.execution.safety import Finding, SafetyLatch, SafetyLevel, SafetyReason
from dex1b_core.robots import load_robot
from dex1b_msgs.msg import ExecutorStatus, SafetyStatus
from dex1b_ros.arm_holder import ArmHolder
from dex1b_ros.node import LATCHED, Dex1bNode, run
from dex1b_ros.safety_inputs import SafetyInputs, SafetyParameters

_MOVING = {
    ExecutorStatus.HOME, ExecutorStatus.PREGRASP, ExecutorStatus.APPROACH, ExecutorStatus.CLOSE,
    ExecutorStatus.SQUEEZE, ExecutorStatus.VERIFY, ExecutorStatus.LIFT, ExecutorStatus.HOLD,
    ExecutorStatus.RETREAT, ExecutorStatus.STOPPING,
    ExecutorStatus.PAUSED,
}  # fmt: skip
_LOOK_S = 0.1
_REPEAT_S = 0.5


class SafetyMonitor(Dex1bNode):
    """Publishes ~/status; serves ~/reset; listens to estop."""

    Parameters = SafetyParameters

    def __init__(self) -> None:
        super().__init__('safety_monitor')
        self._published: tuple[int, int] | None = None
        self._published_at = 0.0

    def configure(self) -> None:
        """Subscribe to everything that is watched."""
        robot = load_robot(self.params.robot)
        self._latch = SafetyLatch()
        self._inputs = SafetyInputs(self, robot)
        self._estop = False
        self._executor_stage = ExecutorStatus.UNKNOWN
        self._heartbeat_at = 0.0
        self._held_after_loss = False
        self._status = self.create_publisher(SafetyStatus, '~/status', LATCHED)
        self._subscriptions_own = [
            self.create_subscription(Bool, 'estop', self._on_estop, 1),
            self.create_subscription(
                ExecutorStatus, 'executor/status', self._on_heartbeat, LATCHED
            ),
        ]
        self._reset = self.create_service(Trigger, '~/reset', self._on_reset)
        self._holder = ArmHolder(self, robot)
        self._timer = self.create_timer(
            _LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def deactivate(self) -> None:
        """Say that nobody watches any more."""
        self._publish(SafetyLevel.UNKNOWN, SafetyReason.NONE, 'the safety monitor is not active')

    def cleanup(self) -> None:
        """Free what configure made."""
        self._inputs.destroy()
        for subscription in self._subscriptions_own:
            self.destroy_subscription(subscription)
        self.destroy_service(self._reset)
        self._holder.destroy()
        self.destroy_timer(self._timer)
        self.destroy_publisher(self._status)

    # -- callbacks -----------------------------------------------------------------------------

    def _on_estop(self, message: Bool) -> None:
        self._estop = message.data
        self._look()

    def _on_heartbeat(self, message: ExecutorStatus) -> None:
        self._executor_stage, self._heartbeat_at = message.stage, time.monotonic()
        self._held_after_loss = False

    def _on_reset(self, request: Any, response: Any) -> Any:
        self._latch.update(self._findings())
        present = self._latch.reset()
        if any(finding.reason == SafetyReason.HEARTBEAT_LOST for finding in present):
            # an executor that died cannot take it back itself
            self._executor_stage = ExecutorStatus.UNKNOWN
            self._latch.update(self._findings())
            present = self._latch.reset()
        response.success = not present
        response.message = '; '.join(finding.message for finding in present) if present else 'reset'
        self._look()
        return response

    def _look(self) -> None:
        if not self.active:
            return
        self._latch.update(self._findings())
        level, reasons = self._latch.level, self._latch.reasons
        is_due = time.monotonic() - self._published_at >= _REPEAT_S
        if is_due or (int(level), int(reasons)) != self._published:
            self._publish(level, reasons, self._latch.message)

    # -- parts ---------------------------------------------------------------------------------

    def _findings(self) -> list[Finding]:
        moving = self._executor_stage in _MOVING
        findings = self._inputs.findings(moving=moving)
        if self._estop:
            findings.append(
                Finding(SafetyReason.ESTOP, SafetyLevel.STOP, "'estop' says that it is pressed")
            )
        silence = time.monotonic() - self._heartbeat_at
        if moving and silence > self.params.heartbeat_max_wall_age:
            self._hold_arm()
            text = (
                f'the executor has been silent for {silence:.1f} s while moving; '
                f'{self.params.heartbeat_max_wall_age:.1f} s are allowed'
            )
            findings.append(Finding(SafetyReason.HEARTBEAT_LOST, SafetyLevel.STOP, text))
        return findings

    def _hold_arm(self) -> None:
        """Bring the arm to rest, once."""
        if not self._held_after_loss:
            self._held_after_loss = True
            self._holder.hold()

    def _publish(self, level: SafetyLevel, reasons: SafetyReason, text: str) -> None:
        changed = (int(level), int(reasons)) != self._published
        self._published, self._published_at = (int(level), int(reasons)), time.monotonic()
        if changed and level is not SafetyLevel.OK:
            self.get_logger().warning(f'{level.name}: {text}')
        elif changed:
            self.get_logger().info('OK')
        message = SafetyStatus(level=int(level), reasons=int(reasons), message=text)
        message.header.stamp = self.get_clock().now().to_msg()
        self._status.publish(message)


def main() -> None:
    """Entry point of the executable."""
    run(SafetyMonitor)


if __name__ == '__main__':
    main()
