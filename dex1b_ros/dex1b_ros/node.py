"""Base of all nodes: lifecycle, validated parameters, worker threads, clean shutdown.

All callbacks run on one executor thread. Long work runs in worker threads: handlers are
`async def` and `await self.in_thread(function, ...)`; a worker that needs a ROS answer blocks in
`wait_for(future, timeout_s)`. Nothing ever spins inside a callback.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from pydantic import Field
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from dex1b_core.config import StrictModel
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros import parameters

Result = TypeVar('Result')

LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


class NodeParameters(StrictModel):
    """Parameters that every node has."""

    autostart: bool = Field(True, description='configure and activate at start')
    robot: str = Field('xarm7_ability', description='name under config/robots')
    tf_prefix: str = Field('', description='put before every link and joint name on the ROS side')


class Dex1bNode(LifecycleNode):
    """A lifecycle node whose parameters are a validated model.

    Subclasses set `Parameters`, and override `configure` (allocate, create publishers and
    servers), `activate`, `deactivate` (stop safely) and `cleanup`. An error raised there becomes
    a failed transition with its code in the log; the process stays alive and the transition can
    be tried again.
    """

    Parameters: type[NodeParameters] = NodeParameters

    def __init__(self, name: str) -> None:
        super().__init__(name, enable_logger_service=True)
        self.params: Any = None
        self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix=name)
        self._declaration_error: Dex1bError | None = None
        try:
            parameters.declare(self, self.Parameters)
        except Dex1bError as error:
            self._declaration_error = error

    # -- overridden by nodes -------------------------------------------------------------------

    def configure(self) -> None:
        """Allocate; create publishers, subscriptions and servers."""

    def activate(self) -> None:
        """Begin to serve."""

    def deactivate(self) -> None:
        """Stop safely."""

    def cleanup(self) -> None:
        """Free what `configure` made."""

    # -- lifecycle -----------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether the node is in its active state."""
        return bool(self._state_machine.current_state[1] == 'active')

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read parameters, then `configure`."""

        def work() -> None:
            if self._declaration_error is not None:
                raise self._declaration_error
            self.params = parameters.read(self, self.Parameters)
            self.configure()

        return self._transition('configure', work)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable managed publishers, then `activate`."""
        super().on_activate(state)
        return self._transition('activate', self.activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop safely, then disable managed publishers."""
        result = self._transition('deactivate', self.deactivate)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what `configure` made."""
        return self._transition('cleanup', self.cleanup)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop safely whatever the state was."""
        if state.label == 'active':
            self._transition('deactivate', self.deactivate)
        return self._transition('cleanup', self.cleanup)

    def _transition(self, name: str, work: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            work()
        except Dex1bError as error:
            self.get_logger().error(f'{name} failed: [{error.error_code}] {error.message}')
            return TransitionCallbackReturn.FAILURE
        except Exception:  # rclpy would drop it without a word
            self.get_logger().error(f'{name} failed, please report it:\n{traceback.format_exc()}')
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    # -- work ----------------------------------------------------------------------------------

    def in_thread(self, function: Callable[..., Result], *args: Any) -> Future:
        """Run a function in a worker thread; await the returned future in an async callback."""
        executor = self.executor
        future = Future(executor=executor)

        def work() -> None:
            try:
                result = function(*args)
            except Exception as error:  # handed to whoever awaits
                # create_task also wakes the executor, which does not watch foreign threads
                executor.create_task(future.set_exception, error)
            else:
                executor.create_task(future.set_result, result)

        self._workers.submit(work)
        return future

    def on_executor(self, function: Callable[[], Result]) -> Future:
        """Run a function on the node's own thread, for worker threads that may not."""
        task: Future = self.executor.create_task(function)
        return task

    def fail(self, reply: Any, error: Exception) -> Any:
        """Write an error into a reply with `error_code` and `error_msg`, log it, return it."""
        if isinstance(error, Dex1bError):
            reply.error_code, reply.error_msg = int(error.error_code), error.message
            self.get_logger().warning(f'[{int(error.error_code)}] {error.message}')
        else:
            reply.error_code = int(ErrorCode.UNKNOWN)
            reply.error_msg = f'unexpected {type(error).__name__}: {error}; please report it'
            self.get_logger().error(''.join(traceback.format_exception(error)))
        return reply

    def require_active(self) -> None:
        """Refuse work while not active.

        Raises:
            Dex1bError: PRECONDITION.
        """
        if not self.active:
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                f"node '{self.get_name()}' is not active; activate it "
                f'(ros2 lifecycle set /{self.get_name()} activate)',
            )


def wait_for(future: Future, timeout_s: float, what: str) -> Any:
    """Block a worker thread (never a callback) until a ROS future is done.

    Raises:
        Dex1bError: DEADLINE when it takes longer than `timeout_s` wall-clock seconds.
    """
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    if not done.wait(timeout_s) and not future.done():
        raise Dex1bError(ErrorCode.DEADLINE, f'{what} gave no answer within {timeout_s:.1f} s')
    return future.result()


def end_goal(handle: Any, result: Any) -> None:
    """End a goal as its client and its result say."""
    if handle.is_cancel_requested:
        handle.canceled()
    elif result.error_code == ErrorCode.NONE:
        handle.succeed()
    else:
        handle.abort()


def run(node_type: Callable[[], Dex1bNode]) -> None:
    """Run a node until SIGINT or SIGTERM; then stop it safely and leave."""
    faulthandler.enable()  # a crash inside a library leaves its stack in the log
    try:
        rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:
        code = int(ErrorCode.INVALID_CONFIGURATION)
        sys.exit(f'[{code}] command line or parameter file not understood: {error}')
    executor = SingleThreadedExecutor()
    stop = threading.Event()

    def request_stop(*_: Any) -> None:
        stop.set()
        executor.wake()

    signal.signal(signal.SIGINT, request_stop)
    signal.signal(signal.SIGTERM, request_stop)
    node = node_type()
    executor.add_node(node)
    try:
        _autostart(node)
        while not stop.is_set():
            executor.spin_once(timeout_sec=1.0)
    except ExternalShutdownException:
        pass
    finally:
        node.trigger_shutdown()
        node._workers.shutdown(wait=False, cancel_futures=True)
        executor.shutdown(timeout_sec=1.0)
        node.destroy_node()
        rclpy.try_shutdown()


def _autostart(node: Dex1bNode) -> None:
    autostart = not node.has_parameter('autostart') or node.get_parameter('autostart').value
    if not autostart or node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
        return
    if node.trigger_activate() == TransitionCallbackReturn.SUCCESS:
        node.get_logger().info(f'active {_process_age():.2f} s after its start')


def _process_age() -> float:
    """Wall-clock seconds since this process was started."""
    fields = Path('/proc/self/stat').read_text().rsplit(')', 1)[1].split()
    started = int(fields[19]) / os.sysconf('SC_CLK_TCK')
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started
