"""A thread that spins a node, for programs that do something else meanwhile."""

from __future__ import annotations

import threading

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node


class Spinner:
    """Spins a node from now on until it is closed; the node is destroyed by whoever made it."""

    def __init__(self, node: Node, context: Context | None = None) -> None:
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(3.0)
