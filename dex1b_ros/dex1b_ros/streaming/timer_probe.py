"""A bare rclpy timer that publishes as many positions: what a machine grants without our stream."""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray


def main() -> None:
    """Arguments: rate [Hz], seconds, .npy file of the times of all publications."""
    rate, seconds, out = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    rclpy.init()
    node = Node('timer_probe')
    publisher = node.create_publisher(Float64MultiArray, '~/commands', 1)
    message = Float64MultiArray(data=[0.0] * 7)
    times: list[float] = []

    def work() -> None:
        publisher.publish(message)
        times.append(time.monotonic())

    node.create_timer(1.0 / rate, work, clock=Clock(clock_type=ClockType.STEADY_TIME))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    np.save(out, np.array(times))
    rclpy.shutdown()


if __name__ == '__main__':
    main()
