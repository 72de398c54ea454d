"""A client of execute_grasp in a process of its own, to be killed: goal_sender GOAL_FILE ACTION."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import deserialize_message

from dex1b_msgs.action import ExecuteGrasp
from dex1b_ros.action_client import ActionClient
from dex1b_ros.lease import PERIOD_S, ClientHeartbeat


def main() -> None:
    """Send the goal, beat until it is over."""
    goal = deserialize_message(Path(sys.argv[1]).read_bytes(), ExecuteGrasp.Goal)
    rclpy.init()
    node = Node('goal_sender')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    client = ActionClient(node, ExecuteGrasp, sys.argv[2])
    heartbeat = ClientHeartbeat(node, sys.argv[2])
    if not client.wait_for_server(20.0):
        sys.exit(f"no server for '{sys.argv[2]}'")
    sent = client.send_goal_async(goal)
    executor.spin_until_future_complete(sent)
    result = sent.result().get_result_async()
    due = time.monotonic()
    while not result.done():
        executor.spin_once(timeout_sec=PERIOD_S)
        if time.monotonic() >= due:
            heartbeat.beat(sent.result())
            due = time.monotonic() + PERIOD_S


if __name__ == '__main__':
    main()
