"""The robot's joint positions, asked for when needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.joint_table import JointTable
from dex1b_ros.node import Dex1bNode


def current_positions(
    node: Dex1bNode, joint_names: Sequence[str], *, timeout_s: float = 3.0
) -> dict[str, float]:
    """Positions [rad] of the named joints from the next joint_states messages.

    Subscribes for the length of the call, so that a waiting node costs nothing. Call it from a
    worker thread.

    Raises:
        Dex1bError: PRECONDITION when joints are missing in what comes, or not finite.
    """
    table = JointTable(joint_names, node.params.tf_prefix)
    event = threading.Event()

    def callback(message: JointState) -> None:
        table.add(message, time.monotonic())
        if table.knows_all():
            event.set()

    subscription = node.create_subscription(
        JointState, 'joint_states', callback, qos_profile_sensor_data
    )
    topic = subscription.topic_name
    try:
        is_complete = event.wait(timeout_s)
    finally:
        # in the executor's thread, which may be about to wait for it
        node.executor.create_task(node.destroy_subscription, subscription)
    reading = table.read(joint_names)
    if not is_complete:
        raise Dex1bError(
            ErrorCode.PRECONDITION,
            f"nothing on '{topic}' told of joints {reading.missing} in {timeout_s:.0f} s; "
            f'publishers: {node.count_publishers(topic)}; start the robot driver',
        )
    if reading.undefined:
        raise Dex1bError(
            ErrorCode.PRECONDITION,
            f"'{topic}' reports no finite position of joints {reading.undefined}",
        )
    return dict(zip(joint_names, reading.positions.tolist(), strict=True))
