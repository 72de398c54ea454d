"""Real node processes for tests, each test file in its own ROS domain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

DISCOVERY_S = 20.0


def node_command(module: str, **parameters: Any) -> list[str]:
    """Command line of a node with parameters; `group__name` stands for `group.name`."""
    command = [sys.executable, '-m', f'dex1b_ros.{module}', '--ros-args']
    for key, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        command += ['-p', f'{key.replace("__", ".")}:={text}']
    return command


class NodeProcess:
    """A node's process: NodeProcess('perception_node', use_sim_time=True), or a command line."""

    def __init__(self, module_or_command: str | list[str], **parameters: Any) -> None:
        command = module_or_command
        if isinstance(command, str):
            command = node_command(command, **parameters)
        handle, self._log = tempfile.mkstemp(suffix='.log')
        environment = os.environ | {'PYTHONUNBUFFERED': '1'}
        self.process = subprocess.Popen(
            command, stdout=handle, stderr=subprocess.STDOUT, env=environment
        )
        os.close(handle)

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return Path(self._log).read_text()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def wait_for_output(self, text: str, timeout_s: float = 20.0) -> None:
        """Block until the text was printed."""
        deadline = time.monotonic() + timeout_s
        while text not in self.output:
            if time.monotonic() > deadline or not self.alive:
                raise AssertionError(f'{text!r} not printed; output was:\n{self.output}')
            time.sleep(0.05)

    def stop(self, *, signal_number: int = signal.SIGINT, timeout_s: float = 8.0) -> int:
        """Send a signal, wait for the end, return the exit status."""
        if self.alive:
            self.process.send_signal(signal_number)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f'did not stop; output was:\n{self.output}') from None
        return self.process.returncode


class Client:
    """A test's own node, spun in a thread, with blocking helpers."""

    def __init__(self, name: str = 'test_client', *, use_sim_time: bool = False) -> None:
        self.node = Node(name, parameter_overrides=[Parameter('use_sim_time', value=use_sim_time)])
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and destroy the node."""
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(3.0)
        self.node.destroy_node()

    def result(self, future: Any, timeout_s: float = 30.0) -> Any:
        """Block until the future is done and return its result."""
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        assert done.wait(timeout_s), f'no answer within {timeout_s} s'
        return future.result()

    def call(self, kind: Any, name: str, request: Any, timeout_s: float = 30.0) -> Any:
        """Call a service."""
        client = self.node.create_client(kind, name)
        try:
            assert client.wait_for_service(DISCOVERY_S), f'service {name} did not appear'
            return self.result(client.call_async(request), timeout_s)
        finally:
            self.node.destroy_client(client)

    def send_goal(self, action_client: Any, goal: Any, feedback: Any = None) -> Any:
        """Send an action goal and return its goal handle (accepted or not)."""
        assert action_client.wait_for_server(DISCOVERY_S), 'action server did not appear'
        return self.result(action_client.send_goal_async(goal, feedback_callback=feedback))

    def wait_for_message(
        self, kind: Any, topic: str, qos: Any = 10, timeout_s: float = 20.0, accept: Any = None
    ) -> Any:
        """Block until a message arrives (for which `accept` is true) and return it."""
        received: list[Any] = []
        event = threading.Event()

        def callback(message: Any) -> None:
            if accept is None or accept(message):
                received.append(message)
                event.set()

        subscription = self.node.create_subscription(kind, topic, callback, qos)
        try:
            assert event.wait(timeout_s), f'no message on {topic} within {timeout_s} s'
            return received[0]
        finally:
            self.node.destroy_subscription(subscription)


@contextmanager
def node_process(module: str, **parameters: Any) -> Iterator[NodeProcess]:
    """Run a node for the length of a block."""
    process = NodeProcess(module, **parameters)
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def client() -> Iterator[Client]:
    """A client in the test file's domain, on wall-clock time."""
    instance = Client()
    yield instance
    instance.close()


@pytest.fixture(scope='module', autouse=True)
def ros_domain(request: pytest.FixtureRequest) -> Iterator[int]:
    """Give every test file its own domain, so that parallel runs cannot meet."""
    domain = 100 + (os.getpid() + sum(request.node.name.encode())) % 100
    saved = dict(os.environ)
    os.environ.update(ROS_DOMAIN_ID=str(domain), ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    rclpy.init()
    yield domain
    rclpy.shutdown()
    os.environ.clear()
    os.environ.update(saved)
