"""The latest state of the joints, with its age on both clocks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import Measured
from dex1b_ros.joint_table import JointTable, Reading
from dex1b_ros.node import Dex1bNode

# deeper than 1: of messages about arm and hand that come together, none may push out the other
QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


class JointStateListener:
    """Subscribes to joint_states and merges what comes."""

    def __init__(self, node: Dex1bNode, joints: Sequence[str]) -> None:
        self._node, self._joints = node, joints
        self._table = JointTable(joints, node.params.tf_prefix)
        self._subscription = node.create_subscription(
            JointState, 'joint_states', self._receive, QOS
        )

    def destroy(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)

    @property
    def topic(self) -> str:
        """Resolved name."""
        return str(self._subscription.topic_name)

    @property
    def seen(self) -> bool:
        """Whether anything has ever arrived."""
        return self._table.seen

    def read(self, names: Sequence[str] | None = None) -> Reading:
        """States of the named joints, or of all."""
        return self._table.read(self._joints if names is None else names)

    def _receive(self, message: JointState) -> None:
        """Take this message and all that wait: a busy thread must not lag behind by a queue."""
        self._table.add(message, time.monotonic())
        with self._subscription.handle:
            for _ in range(QOS.depth):
                taken = self._subscription.handle.take_message(JointState, False)
                if taken is None:
                    break
                self._table.add(taken[0], time.monotonic())


class JointStateBuffer(JointStateListener):
    """What it listens to is also judged; `measure` may be called from any thread.

    A state is too old when the stamp of one of its joints lags behind ROS time by more than
    `max_age` seconds, or when it was received more than `max_wall_age` wall-clock seconds ago:
    simulated time stands still together with the simulation that publishes it.
    """

    def __init__(
        self, node: Dex1bNode, joints: Sequence[str], *, max_age: float, max_wall_age: float
    ) -> None:
        super().__init__(node, joints)
        self._max_age = max_age
        self._max_wall_age = max_wall_age

    def wait_for_first(self, timeout_s: float) -> None:
        """Give discovery time until every joint was told of; call it from a worker thread."""
        deadline = time.monotonic() + timeout_s
        while not self._table.knows_all() and time.monotonic() < deadline:
            time.sleep(0.02)

    def measure(self, names: tuple[str, ...]) -> Measured:
        """State of the named joints.

        Raises:
            Dex1bError: PRECONDITION when there is none, it is too old, joints are missing or
                told of differently by two publishers.
        """
        reading = self.read(names)
        problem = (
            self._absent(reading) or self._stale(reading) or joint_conflict(reading, self.topic)
        )
        if not problem and reading.undefined:
            problem = (
                f"'{self.topic}' reports no finite position of joints {reading.undefined}: is the "
                'encoder or its driver broken, or are there fewer positions than names?'
            )
        if problem:
            raise Dex1bError(ErrorCode.PRECONDITION, problem)
        age = self._now() - float(reading.stamps.min())
        return Measured(reading.positions, reading.velocities, reading.efforts, max(age, 0.0))

    def last(self, names: tuple[str, ...], *, within_s: float) -> Measured | None:
        """State of the named joints that was received so lately, however its stamp reads."""
        reading = self.read(names)
        is_fresh = (time.monotonic() - reading.received <= within_s).all()  # NaN is not
        if not is_fresh or not np.isfinite([reading.positions, reading.velocities]).all():
            return None
        return Measured(reading.positions, reading.velocities, np.full(len(names), np.nan))

    def _now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def _absent(self, reading: Reading) -> str:
        if not reading.missing:
            return ''
        if not self.seen:
            publishers = self._node.count_publishers(self.topic)
            return (
                f"no message on '{self.topic}' yet; publishers: {publishers}; start the robot "
                'driver'
            )
        prefix = self._node.params.tf_prefix
        return (
            f"no message on '{self.topic}' told of joints {reading.missing} yet (tf_prefix "
            f'{prefix!r}): is a driver missing, or has it other names?'
        )

    def _stale(self, reading: Reading) -> str:
        wall_age = time.monotonic() - float(reading.received.min())
        joint, age = reading.worst_stamp(self._now())
        if wall_age <= self._max_wall_age and abs(age) <= self._max_age:
            return ''
        simulated = self._node.get_parameter('use_sim_time').value
        return (
            f"the latest state on '{self.topic}' of joint '{reading.oldest}' came {wall_age:.2f} "
            f"s ago (allowed {self._max_wall_age:.2f}), and the stamp of joint '{joint}' is "
            f'{age:.2f} s old (allowed {self._max_age:.2f}); use_sim_time is {simulated} here: is '
            'the driver alive and on the same clock?'
        )


def joint_conflict(reading: Reading, topic: str) -> str:
    """In words, what is told of differently; '' when nothing is."""
    if not reading.contradicted:
        return ''
    return (
        f"messages on '{topic}' contradict each other about joints {list(reading.contradicted)}, "
        'which jump to and fro faster than joints can: let one publisher alone tell of each joint'
    )
