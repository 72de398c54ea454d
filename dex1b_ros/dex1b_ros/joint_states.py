"""The robot's joint positions, asked for when needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.node import Dex1bNode


def current_positions(
    node: Dex1bNode, joint_names: Sequence[str], *, timeout_s: float = 3.0
) -> dict[str, float]:
    """Positions [rad] of the named joints from the next joint_states message.

    Subscribes for the length of the call, so that a waiting node costs nothing. Call it from a
    worker thread.

    Raises:
        Dex1bError: PRECONDITION when no message comes or joints are missing in it.
    """
    received: list[JointState] = []
    event = threading.Event()
    prefix = node.params.tf_prefix
    missing: list[str] = list(joint_names)

    def callback(message: JointState) -> None:
        names = {name.removeprefix(prefix) for name in message.name}
        missing[:] = [name for name in joint_names if name not in names]
        if not missing and not event.is_set():
            received.append(message)
            event.set()

    subscription = node.create_subscription(
        JointState, 'joint_states', callback, qos_profile_sensor_data
    )
    try:
        if not event.wait(timeout_s):
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f"no message on '{subscription.topic_name}' with joints {missing} in "
                f'{timeout_s:.0f} s; publishers: '
                f'{node.count_publishers(subscription.topic_name)}; start the robot driver',
            )
    finally:
        node.destroy_subscription(subscription)
    message = received[0]
    positions = dict(zip(message.name, message.position, strict=True))
    return {name: positions[prefix + name] for name in joint_names}
