"""When a stack that was just started can be used: its nodes take from seconds to minutes."""

from __future__ import annotations

import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from dex1b_ros.bringup import Stack
from dex1b_ros.stack_doctor import lifecycle_state

PERIOD_S = 0.5


def wait_until_active(stack: Stack) -> float:
    """Block until every node is active; seconds that took.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when a node ends meanwhile.
    """
    begun = time.monotonic()
    context = rclpy.Context()
    # without arguments: those of `dex1b up` look like remappings to rcl
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = Node('dex1b_up', namespace=stack.options.namespace, context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        for name in stack.pids:
            while lifecycle_state(node, executor, name) != 'active':
                stack.require_alive()
                time.sleep(PERIOD_S)
    finally:
        context.try_shutdown()
    return time.monotonic() - begun
