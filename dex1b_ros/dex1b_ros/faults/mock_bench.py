"""A mock robot, the executor and the safety monitor as processes, with a fault relay between."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from rclpy.time import Time
from std_msgs.msg import Bool, Header
from std_srvs.srv import Trigger

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane, make_transform
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import load_robot
from dex1b_msgs.action import ExecuteGrasp
from dex1b_msgs.msg import ExecutorStatus, SafetyStatus
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.faults.motion_watch import MotionWatch
from dex1b_ros.faults.relay import FaultRelay
from dex1b_ros.node import LATCHED, wait_for
from dex1b_ros.spinner import Spinner

ROBOT = 'xarm7_ability'
OBJECT_AT = 0.65  # [rad] before the grasp's 0.8
SQUEEZED = 1.1  # [rad] where fingers get that have lost it
_START_S = 60.0
_ANSWER_S = 20.0
_FLOOD_S = 10.0  # wall clock, for the answers to many goals
_RATE = 50.0
_PATIENCE = {'joint_state_max_age': 0.5}  # [s] a busy machine delivers late
_MODULES = {
    'mock_robot': 'mock_robot_node',
    'executor': 'executor_node',
    'safety_monitor': 'safety_monitor',
}
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 2)]) / 2


class MockBench:
    """Use as a context manager; a bench has its own namespace.

    Attributes:
        relay: Where faults are put in.
        watch: What the robot itself reports.
        processes: By node name.
        handle: Of the goal that was sent last from here.
        client: Process that sent the last goal, where it was one.
    """

    def __init__(self, folder: Path, namespace: str, *, simulated_time: bool = False) -> None:
        """Start everything; `folder` is for the nodes' logs."""
        self._folder, self.namespace, self._simulated = folder, namespace, simulated_time
        folder.mkdir(parents=True, exist_ok=True)
        self.robot = load_robot(ROBOT)
        self.watch = MotionWatch(self.robot)
        self.handle: Any = None
        self.client: Any = None
        self._others: list[Any] = []
        self.executor_status = ExecutorStatus()
        self.safety_status = SafetyStatus()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        use_sim_time = [Parameter('use_sim_time', value=simulated_time)]
        self.node = Node('fault_bench', namespace=namespace, parameter_overrides=use_sim_time)
        self.relay = FaultRelay(self.node, namespace, self.watch.add, clock=simulated_time)
        self.actions = ActionClient(self.node, ExecuteGrasp, 'execute_grasp')
        self.node.create_subscription(ExecutorStatus, 'executor/status', self._on_status, LATCHED)
        self.node.create_subscription(
            SafetyStatus, 'safety_monitor/status', self._on_safety, LATCHED
        )
        self._estop = self.node.create_publisher(Bool, 'estop', 1)
        self._spinner = Spinner(self.node)
        for name in _MODULES:
            self.start(name)

    def __enter__(self) -> Self:
        try:
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every process."""
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(8.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.relay.close()
        self._spinner.close()
        self.node.destroy_node()

    # -- processes -----------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start a node, also one that was killed."""
        parameters: dict[str, Any] = {'use_sim_time': self._simulated}
        remaps = []
        if name == 'mock_robot':
            parameters |= {'rate': _RATE, 'object_at': OBJECT_AT}
            remaps = ['joint_states:=raw/joint_states', f'/tf:={self.namespace}/raw/tf']
        elif name == 'executor':
            parameters |= {'execute': True, 'max_velocity_scaling': 1.0, **_PATIENCE}
        else:
            parameters |= _PATIENCE
            remaps = [f'/tf:={self.namespace}/tf']
        command = [sys.executable, '-m', f'dex1b_ros.{_MODULES[name]}', '--ros-args']
        for key, value in parameters.items():
            command += ['-p', f'{key}:={str(value).lower() if isinstance(value, bool) else value}']
        for remap in [f'__ns:={self.namespace}', *remaps]:
            command += ['-r', remap]
        with (self._folder / f'{name}.log').open('ab') as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """Without any warning (SIGKILL)."""
        self.processes[name].kill()
        self.processes[name].wait()

    def send_signal(self, name: str, number: int) -> None:
        """To a node's process."""
        self.processes[name].send_signal(number)

    def dead(self) -> list[str]:
        """Nodes whose process has ended."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def restart_dead(self) -> list[str]:
        """Start again what has ended; returns which."""
        dead = self.dead()
        for name in dead:
            self.start(name)
        return dead

    # -- services ------------------------------------------------------------------------------

    def trigger(self, name: str) -> Trigger.Response:
        """Call a Trigger service; a server that was killed may swallow the first requests."""
        return self._call(Trigger, name, Trigger.Request())

    def change_state(self, name: str, transition: int) -> bool:
        """Lifecycle of a node."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self._call(ChangeState, f'{name}/change_state', request).success)

    def _call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        try:
            for attempt in range(3):
                if not client.wait_for_service(_ANSWER_S):
                    continue
                try:
                    return wait_for(client.call_async(request), 4.0 * (1 + attempt), name)
                except Dex1bError:
                    continue
            raise Dex1bError(ErrorCode.NODE_UNAVAILABLE, f"service '{name}' gives no answer")
        finally:
            self.node.destroy_client(client)

    def press_estop(self, pressed: bool) -> None:
        """Publish on `estop`."""
        self._estop.publish(Bool(data=pressed))

    # -- goals ---------------------------------------------------------------------------------

    def goal(self, **fields: Any) -> ExecuteGrasp.Goal:
        """A pick of a box from above."""
        return example_goal(now=self.node.get_clock().now().nanoseconds * 1e-9, **fields)

    def send(self, goal: ExecuteGrasp.Goal, *, from_process: bool = False) -> None:
        """Send a goal; from a process, it has a client that can be killed."""
        self._others, self.executor_status = [], ExecutorStatus()
        if from_process:
            self.client = self._client_process(goal)
            return
        if not self.actions.wait_for_server(_ANSWER_S):
            raise Dex1bError(ErrorCode.NODE_UNAVAILABLE, 'no server for execute_grasp')
        self.handle = wait_for(self.actions.send_goal_async(goal), _ANSWER_S, 'execute_grasp')

    def send_more(self, count: int) -> None:
        """Other goals, while one runs; a flood of them overruns the middleware's queue."""
        goal = self.goal()
        sent = [self.actions.send_goal_async(goal) for _ in range(count)]
        deadline = time.monotonic() + _FLOOD_S
        while not all(future.done() for future in sent) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._others = [f.result().get_result_async() for f in sent if f.done()]

    @property
    def other_codes(self) -> list[int]:
        """How the other goals ended."""
        time.sleep(1.0)
        return [int(f.result().result.error_code) for f in self._others if f.done()]

    def _client_process(self, goal: ExecuteGrasp.Goal) -> subprocess.Popen[bytes]:
        path = self._folder / 'goal.bin'
        path.write_bytes(serialize_message(goal))
        command = [sys.executable, '-m', 'dex1b_ros.faults.goal_sender', str(path)]
        with (self._folder / 'goal_sender.log').open('ab') as log:
            return subprocess.Popen(
                [*command, f'{self.namespace}/execute_grasp'], stdout=log, stderr=log
            )

    def result(self, timeout_s: float) -> ExecuteGrasp.Result | None:
        """Of the goal that was sent last; None when the executor ends before it tells."""
        future = self.handle.get_result_async()
        self.wait(lambda: future.done() or 'executor' in self.dead(), timeout_s, 'a result')
        return future.result().result if future.done() else None

    # -- waiting -------------------------------------------------------------------------------

    def wait_until_ready(self) -> None:
        """Everything is heard and the monitor says OK.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, with what the monitor says.
        """
        self.wait(lambda: len(self.watch) > 0, _START_S, 'joint states')
        self.wait(lambda: self.executor_status.stage == ExecutorStatus.IDLE, _START_S, 'executor')
        self.wait(
            lambda: self.safety_status.level == SafetyStatus.OK, _START_S, 'the monitor to say OK'
        )

    def wait_until_reset(self) -> None:
        """Reset monitor and executor until the one is OK and the other idle."""

        def is_reset() -> bool:
            self.trigger('safety_monitor/reset')
            self.trigger('executor/reset')
            time.sleep(0.3)
            fine = self.safety_status.level == SafetyStatus.OK
            return fine and self.executor_status.stage == ExecutorStatus.IDLE

        self.wait(is_reset, _START_S, 'the reset')

    def wait_for_stage(self, stage: int, *, moving: bool) -> None:
        """Until the executor is in a stage (and the arm moves)."""

        def is_there() -> bool:
            status = self.executor_status
            if status.stage == ExecutorStatus.IDLE and status.message:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f'the goal ended before stage {stage}: {status.message}',
                )
            return bool(status.stage == stage)

        self.wait(is_there, 60.0, f'stage {stage}')
        if moving:
            self.wait(lambda: self.watch.speed > 0.04, 10.0, f'the arm to move in stage {stage}')

    def wait(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Poll.

        Raises:
            Dex1bError: NODE_UNAVAILABLE.
        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f'waited {timeout_s:.0f} s for {what}; monitor: '
                    f'{self.safety_status.message!r}, executor: {self.executor_status.message!r}; '
                    f'see {self._folder}',
                )
            time.sleep(0.005)

    def _on_status(self, message: ExecutorStatus) -> None:
        self.executor_status = message

    def _on_safety(self, message: SafetyStatus) -> None:
        self.safety_status = message


def example_goal(*, now: float, **fields: Any) -> ExecuteGrasp.Goal:
    """A pick of a box from above, seen at a ROS time [s]."""
    robot = load_robot(ROBOT)
    header = Header(frame_id=robot.base_link, stamp=Time(nanoseconds=round(now * 1e9)).to_msg())
    candidate = conversions.candidate_msg(_candidate(robot), 'base', header)
    defaults = {'velocity_scaling': 0.4, 'hold_duration': 0.3, 'candidates': [candidate],
                'scene': conversions.snapshot_msg(_scene(), header)}  # fmt: skip
    return ExecuteGrasp.Goal(**(defaults | fields))


def _scene() -> ObjectObservation:
    vertices = _CORNERS * [0.06, 0.06, 0.16] + [0.42, 0.0, 0.0]
    box = OrientedBox(make_transform(np.eye(3), vertices.mean(0)), np.array([0.06, 0.06, 0.16]))
    faces = np.array([[0, 1, 2]], dtype=np.int64)
    return ObjectObservation(
        vertices, np.zeros((8, 3)), np.zeros((0, 3)), Plane(np.array([0.0, 0.0, 1.0]), 0.0), box,
        (ShapeHypothesis('box', vertices, faces),),
    )  # fmt: skip


def _candidate(robot: Any) -> GraspCandidate:
    rotation = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    pregrasp = np.array(robot.hand.open)
    grasp = pregrasp + np.array([0.8, 0.8, 0.8, 0.8, 0.0, 0.6])
    squeeze = grasp + np.array([0.35, 0.35, 0.35, 0.35, 0.0, 0.35])
    return GraspCandidate(
        robot.hand.key, make_transform(rotation, [0.35, 0.0, 0.2]), robot.hand.joints, pregrasp,
        grasp, squeeze, np.array([0.0, 0.0, -1.0]), 0.08, id='plan-1/0',
    )  # fmt: skip


def require_rclpy() -> None:
    """Initialise rclpy once."""
    if not rclpy.ok():
        rclpy.init()
