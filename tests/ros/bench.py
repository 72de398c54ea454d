"""A mock robot, the executor and the safety monitor as processes, and a client beside them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from harness import Client, NodeProcess, node_command
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from dex1b_core.errors import ErrorCode
from dex1b_core.robots import load_robot
from dex1b_msgs.action import ExecuteGrasp
from dex1b_msgs.msg import SafetyStatus
from dex1b_ros.action_client import ActionClient
from dex1b_ros.faults.mock_bench import example_goal
from dex1b_ros.node import LATCHED

_NUMBERS = itertools.count(1)
# s; a machine that runs many tests at once delivers late
_PATIENCE = {'joint_state_max_age': 2.0, 'joint_state_max_wall_age': 2.0}
ROBOT = load_robot('xarm7_ability')
# whoever notices first: executor by age, monitor by age, executor by deviation
LOST = (ErrorCode.PRECONDITION, ErrorCode.SAFETY_STOP, ErrorCode.TRACKING)


class Bench:
    """Use as a context manager.

    Args:
        robot: Name or file; the joints are those of ROBOT.
        apart: Joint states of arm and hand come in messages of their own.
        object_at: Where its fingers meet something, as the mock robot's parameter; 0: nowhere.
    """

    Action: Any = ExecuteGrasp
    action = 'execute_grasp'

    def __init__(
        self, robot: str = ROBOT.name, *, apart: bool = False, object_at: float = 0.0
    ) -> None:
        self.namespace = f'/bench{next(_NUMBERS)}'
        self._robot_name, self._apart, self._object_at = robot, apart, object_at
        self.robot = self._robot()
        self.executor = self._executor()
        self.monitor = self._process(
            'safety_monitor',
            watch_camera=False,
            heartbeat_max_wall_age=4.0,
            tf_max_wall_age=6.0,
            **_PATIENCE,
        )
        self.client = Client()
        self.actions = ActionClient(self.client.node, self.Action, self.name(self.action))
        self.states: list[tuple[float, JointState]] = []
        self._lock = threading.Lock()
        self.client.node.create_subscription(
            JointState, self.name('joint_states'), self._on_state, 10
        )

    def __enter__(self) -> Bench:
        try:
            self.wait_until_safe()
            assert self.actions.wait_for_server(20)
            self._wait_for_states()  # the monitor may hear the robot before this client does
        except BaseException:
            self.__exit__()  # or its processes outlive the test
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.client.close()
        problems = []
        for process in (self.executor, self.monitor, self.robot):
            try:
                process.stop()
            except AssertionError as error:
                problems.append(error)
        assert not problems

    def _process(self, module: str, **parameters: Any) -> NodeProcess:
        command = node_command(module, robot=self._robot_name, **parameters)
        return NodeProcess([*command, '-r', f'__ns:={self.namespace}'])

    def _robot(self) -> NodeProcess:
        return self._process(
            'mock_robot_node', rate=50.0, states_apart=self._apart, object_at=self._object_at
        )

    def _executor(self, **parameters: Any) -> NodeProcess:
        defaults = {'execute': True, 'max_velocity_scaling': 1.0, 'safety_max_wall_age': 5.0}
        return self._process('executor_node', **(defaults | _PATIENCE | parameters))

    def restart(self, **executor: Any) -> None:
        """The robot at home again, and an executor with other parameters."""
        self.executor.stop()
        self.robot.stop()
        # or the old robot's last states pass for the new one's, which the monitor may not hear yet
        self.safety(lambda m: m.reasons & SafetyStatus.STALE_JOINT_STATE)
        self.robot, self.executor = self._robot(), self._executor(**executor)
        self.executor.wait_for_output('ready', 40)
        self.trigger('safety_monitor/reset')
        self.wait_until_safe()
        # a server that has found the client's requests may not have found who reads its replies
        time.sleep(1.0)

    def make_ready(self) -> None:
        """At rest, with everything reset and whoever died started again."""
        if not self.executor.alive or not self.robot.alive:
            self.restart()
        self.trigger('safety_monitor/reset')
        self.trigger('executor/reset')
        self.wait_until_safe()
        deadline = time.monotonic() + 5
        while np.abs(self.arm('velocity')).max() > 0.01 and time.monotonic() < deadline:
            time.sleep(0.05)

    def name(self, relative: str) -> str:
        """A name in this bench's namespace."""
        return f'{self.namespace}/{relative}'

    def _on_state(self, message: JointState) -> None:
        if ROBOT.arm.joints[0] not in message.name:
            return  # of the hand alone
        with self._lock:
            self.states.append((time.monotonic(), message))

    def _wait_for_states(self) -> None:
        deadline = time.monotonic() + 20
        while not self.states and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.states, 'the robot publishes no joint states'

    def wait_until_safe(self) -> SafetyStatus:
        """Block until the monitor says OK."""
        return self.safety(lambda m: m.level == SafetyStatus.OK)

    def safety(self, accept: Callable[[SafetyStatus], bool]) -> SafetyStatus:
        """Block until the monitor publishes something that is accepted."""
        topic = self.name('safety_monitor/status')
        return self.client.wait_for_message(
            SafetyStatus, topic, LATCHED, timeout_s=40, accept=accept
        )

    def trigger(self, name: str) -> Trigger.Response:
        """Call a Trigger service; those here may be called twice.

        A server that was killed is matched until its lease expires, and may swallow a request.
        """
        for timeout_s in (6.0, 6.0, 30.0):
            try:
                return self.client.call(Trigger, self.name(name), Trigger.Request(), timeout_s)
            except AssertionError as error:
                missed = error
        raise missed

    def arm(self, field: str = 'position') -> np.ndarray:
        """Latest positions or velocities of the arm."""
        return self._latest(ROBOT.arm.joints, field)

    def hand(self) -> np.ndarray:
        """Latest positions of the driven joints of the hand; not with states apart."""
        return self._latest(ROBOT.hand.joints, 'position')

    def _latest(self, joints: Sequence[str], field: str) -> np.ndarray:
        with self._lock:
            message = self.states[-1][1]
        values = dict(zip(message.name, getattr(message, field), strict=True))
        return np.array([values[name] for name in joints])

    def wait_for_arm(self, positions: Sequence[float], timeout_s: float = 10.0) -> None:
        """Until this client has heard that the arm is there, which may be late."""
        deadline = time.monotonic() + timeout_s
        while np.abs(self.arm() - positions).max() > 0.02 and time.monotonic() < deadline:
            time.sleep(0.02)
        np.testing.assert_allclose(self.arm(), positions, atol=0.02)

    def history(self, since: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times, arm positions and velocities since a monotonic time."""
        with self._lock:
            states = [item for item in self.states if item[0] >= since]
        columns = [states[0][1].name.index(name) for name in ROBOT.arm.joints]
        return (
            np.array([t for t, _ in states]),
            np.array([m.position for _, m in states])[:, columns],
            np.array([m.velocity for _, m in states])[:, columns],
        )

    def goal(self, *, candidates: int = 1, **fields: Any) -> Any:
        """A pick of a box from above."""
        now = self.client.node.get_clock().now().nanoseconds * 1e-9
        defaults = {'velocity_scaling': 0.8, 'hold_duration': 0.2}
        goal = example_goal(now=now, **(defaults | fields))
        goal.candidates = list(goal.candidates) * candidates
        return goal

    def start(self, goal: Any, *, until: int | None = None, speed: float = 0.2) -> Any:
        """Send a goal; wait until feedback reports the stage and the arm is that fast [rad/s]."""
        reached = threading.Event()

        def on_feedback(message: Any) -> None:
            if message.feedback.stage == until:
                reached.set()

        handle = self.client.send_goal(self.actions, goal, on_feedback)
        if until is not None:
            assert reached.wait(30), self.executor.output
            deadline = time.monotonic() + 10
            while np.abs(self.arm('velocity')).max() < speed and time.monotonic() < deadline:
                time.sleep(0.01)
        return handle

    def finish(self, handle: Any, timeout_s: float = 60.0) -> Any:
        """Wait for a goal's result."""
        return self.client.result(handle.get_result_async(), timeout_s).result

    def run(self, **fields: Any) -> Any:
        """Send a goal and wait for its result."""
        return self.finish(self.start(self.goal(**fields)))


def assert_ramped_to_rest(bench: Bench, since: float, *, within_s: float) -> None:
    """The arm moved at a monotonic time, came to rest soon after it, and did not jump."""
    time.sleep(0.3)
    times, positions, velocities = bench.history(since)
    moving = np.abs(velocities).max(axis=1) > 0.01
    assert moving[0], 'the arm did not move when it was told to stop'
    assert not moving[-1], 'the arm still moves'
    assert times[np.flatnonzero(moving)[-1]] - since < within_s
    # no jump: positions change no faster than the arm was moving
    steps = np.abs(np.diff(positions, axis=0)).max(axis=1)
    fastest = np.abs(velocities).max()
    assert steps.max() < fastest * max(0.1, 2 * np.diff(times).max())
