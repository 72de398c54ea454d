"""Joint states, transforms and camera between a robot and those who listen, with faults in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import CameraInfo, JointState
from tf2_msgs.msg import TFMessage

from dex1b_ros.faults.joint_state_faults import JointStateFault

_CAMERA_S = 0.2
_CLOCK_S = 0.01


class FaultRelay:
    """Forwards on a node that somebody else spins; its attributes are the faults.

    Attributes:
        joint_states: Applied to each message; None forwards it as it is.
        transforms: Whether transforms go through.
        camera: Whether there is one.
        clock_rate: Simulated seconds a second.
    """

    def __init__(
        self, node: Node, namespace: str, on_state: Callable[[JointState], None], *, clock: bool
    ) -> None:
        """Relay from NAMESPACE/raw/... to NAMESPACE/...; `clock` publishes simulated time too."""
        self.joint_states: JointStateFault | None = None
        self.transforms = self.camera = True
        self.clock_rate = 1.0
        self._on_state = on_state
        self._states = node.create_publisher(JointState, f'{namespace}/joint_states', 5)
        self._tf = node.create_publisher(TFMessage, f'{namespace}/tf', 20)
        self._info = node.create_publisher(CameraInfo, f'{namespace}/camera/depth/camera_info', 1)
        # shallow: on a busy machine a queue is a delay
        node.create_subscription(JointState, f'{namespace}/raw/joint_states', self._relay, 3)
        node.create_subscription(TFMessage, f'{namespace}/raw/tf', self._relay_tf, 20)
        node.create_timer(_CAMERA_S, self._publish_camera, clock=Clock(
            clock_type=ClockType.STEADY_TIME))  # fmt: skip
        self._time = 1000.0
        self._clock = node.create_publisher(ClockMsg, '/clock', 1) if clock else None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run_clock, daemon=True)
        if clock:
            self._thread.start()

    def close(self) -> None:
        """Stop the clock."""
        self._ended.set()

    def clear(self) -> None:
        """Mend everything."""
        self.joint_states, self.transforms, self.camera, self.clock_rate = None, True, True, 1.0

    def jump(self, seconds: float) -> None:
        """Set the simulated clock forward or back."""
        self._time += seconds

    def _relay(self, message: JointState) -> None:
        self._on_state(message)
        seen = message if self.joint_states is None else self.joint_states(message)
        if seen is not None:
            self._states.publish(seen)

    def _relay_tf(self, message: TFMessage) -> None:
        if self.transforms:
            self._tf.publish(message)

    def _publish_camera(self) -> None:
        if self.camera:
            self._info.publish(CameraInfo())

    def _run_clock(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(_CLOCK_S):
            now = time.monotonic()
            self._time, last = self._time + self.clock_rate * (now - last), now
            if self._clock is not None:
                self._clock.publish(ClockMsg(clock=Time(seconds=self._time).to_msg()))
