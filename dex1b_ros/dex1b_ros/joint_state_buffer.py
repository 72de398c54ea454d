"""The latest joint state, with its age on both clocks."""

from __future__ import annotations

import time

import numpy as np
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import Measured
from dex1b_ros import conversions
from dex1b_ros.node import Dex1bNode

QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class JointStateBuffer:
    """Subscribes to joint_states; `measure` may be called from any thread.

    A state is too old when its stamp lags behind ROS time by more than `max_age` seconds, or when
    it was received more than `max_wall_age` wall-clock seconds ago: simulated time stands still
    together with the simulation that publishes it.
    """

    def __init__(self, node: Dex1bNode, *, max_age: float, max_wall_age: float) -> None:
        self._node = node
        self._max_age = max_age
        self._max_wall_age = max_wall_age
        self._prefix = node.params.tf_prefix
        self._latest: tuple[JointState, float] | None = None
        self._columns: dict[tuple[str, ...], list[int]] = {}
        self._names: list[str] = []
        self._subscription = node.create_subscription(
            JointState, 'joint_states', self._receive, QOS
        )

    def destroy(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)

    def _receive(self, message: JointState) -> None:
        if message.name != self._names:
            self._names, self._columns = list(message.name), {}
        self._latest = (message, time.monotonic())

    def wait_for_first(self, timeout_s: float) -> None:
        """Give discovery time to bring the first message; call it from a worker thread."""
        deadline = time.monotonic() + timeout_s
        while self._latest is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def measure(self, names: tuple[str, ...]) -> Measured:
        """State of the named joints.

        Raises:
            Dex1bError: PRECONDITION when there is none, it is too old or joints are missing.
        """
        message = self._fresh()
        columns = self._columns.get(names) or self._find(names, message)

        def take(values: object) -> np.ndarray:
            data = np.asarray(values, dtype=float)
            if len(data) != len(message.name):
                return np.full(len(columns), np.nan)
            return data[columns]

        measured = Measured(take(message.position), take(message.velocity), take(message.effort))
        if not np.isfinite(measured.positions).all():
            bad = [n for n, p in zip(names, measured.positions, strict=True) if not np.isfinite(p)]
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f"'{self._subscription.topic_name}' reports no finite position of joints {bad} "
                f'({len(message.position)} positions for {len(message.name)} names): is the '
                'encoder or its driver broken?',
            )
        return measured

    def last(self, names: tuple[str, ...], *, within_s: float) -> Measured | None:
        """State of the named joints that was received so lately, however its stamp reads."""
        if self._latest is None or time.monotonic() - self._latest[1] > within_s:
            return None
        message, _ = self._latest
        where = {name: column for column, name in enumerate(message.name)}
        columns = [where.get(self._prefix + name) for name in names]
        if None in columns or not len(message.position) == len(message.velocity) == len(where):
            return None
        positions, velocities = (
            np.asarray(values, dtype=float)[columns]
            for values in (message.position, message.velocity)
        )
        if not np.isfinite([positions, velocities]).all():
            return None
        return Measured(positions, velocities, np.full(len(names), np.nan))

    def _fresh(self) -> JointState:
        topic = self._subscription.topic_name
        if self._latest is None:
            publishers = self._node.count_publishers(topic)
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f"no message on '{topic}' yet; publishers: {publishers}; start the robot driver",
            )
        message, received = self._latest
        wall_age = time.monotonic() - received
        now = self._node.get_clock().now().nanoseconds * 1e-9
        age = now - conversions.seconds(message.header.stamp)
        if wall_age > self._max_wall_age or abs(age) > self._max_age:
            simulated = self._node.get_parameter('use_sim_time').value
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f"the latest message on '{topic}' came {wall_age:.2f} s ago (allowed "
                f'{self._max_wall_age:.2f}) and its stamp is {age:.2f} s old (allowed '
                f'{self._max_age:.2f}); use_sim_time is {simulated} here: is the driver alive '
                'and on the same clock?',
            )
        return message

    def _find(self, names: tuple[str, ...], message: JointState) -> list[int]:
        where = {name: column for column, name in enumerate(message.name)}
        missing = [name for name in names if self._prefix + name not in where]
        if missing:
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f"'{self._subscription.topic_name}' lacks joints {missing}; it has "
                f'{sorted(where)} (tf_prefix {self._prefix!r})',
            )
        columns = [where[self._prefix + name] for name in names]
        self._columns[names] = columns
        return columns
