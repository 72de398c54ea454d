from __future__ import annotations

import time
from pathlib import Path

import pytest
from bench import ROBOT
from harness import NodeProcess
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from dex1b_msgs.msg import ExecutorStatus, SafetyStatus
from dex1b_ros.node import LATCHED

pytestmark = pytest.mark.ros

NAMES = [*ROBOT.arm.joints, *ROBOT.hand.joints]
HOME = [*ROBOT.arm.home, *ROBOT.hand.open]


class Robot:
    """Publishes what a driver and an executor would; faults are assignments."""

    def __init__(self, client):
        node = self.node = client.node
        self.positions, self.velocities = list(HOME), [0.0] * len(HOME)
        self.names, self.age = list(NAMES), 0.0
        self.publishing, self.stage = True, ExecutorStatus.IDLE
        self._joints = node.create_publisher(JointState, 'joint_states', 5)
        self._tf = node.create_publisher(TFMessage, '/tf', 5)
        self._status = node.create_publisher(ExecutorStatus, 'executor/status', LATCHED)
        self._timer = node.create_timer(0.04, self._tick)

    def _tick(self):
        if not self.publishing:
            return
        message = JointState(name=self.names, position=self.positions, velocity=self.velocities)
        stamp = self.node.get_clock().now().nanoseconds * 1e-9 - self.age
        message.header.stamp.sec, message.header.stamp.nanosec = int(stamp), int(stamp % 1 * 1e9)
        self._joints.publish(message)
        self._tf.publish(TFMessage())
        self._status.publish(ExecutorStatus(stage=self.stage))


@pytest.fixture(scope='module')
def monitor(ros_domain):
    process = NodeProcess('safety_monitor', watch_camera=False, controller_grace=3600.0)
    yield process
    process.stop()


@pytest.fixture
def robot(client, monitor):
    instance = Robot(client)
    deadline = time.monotonic() + 20
    while not reset(client).success and time.monotonic() < deadline:
        time.sleep(0.1)  # the last test's fault is still present
    status(client, lambda m: m.level == SafetyStatus.OK)
    return instance


def status(client, accept):
    return client.wait_for_message(
        SafetyStatus, 'safety_monitor/status', LATCHED, accept=accept, timeout_s=40
    )


def reset(client):
    return client.call(Trigger, 'safety_monitor/reset', Trigger.Request())


def test_says_what_it_has_not_seen_yet(client, monitor):
    first = status(client, lambda m: True)
    assert first.level == SafetyStatus.UNKNOWN
    assert 'joint_states' in first.message
    assert 'publishers: 0' in first.message


def test_estop_is_latched_until_released_and_reset(client, robot):
    estop = robot.node.create_publisher(Bool, 'estop', LATCHED)
    estop.publish(Bool(data=True))
    assert status(client, lambda m: m.level == SafetyStatus.STOP).reasons == SafetyStatus.ESTOP
    assert not reset(client).success
    estop.publish(Bool(data=False))
    time.sleep(0.3)
    assert status(client, lambda m: True).level == SafetyStatus.STOP
    assert reset(client).success
    status(client, lambda m: m.level == SafetyStatus.OK)


@pytest.mark.parametrize(
    ('fault', 'reason', 'text'),
    [
        ({'positions': [0.0, 2.3, *HOME[2:]]}, SafetyStatus.POSITION_LIMIT, "'joint2' is at 2.300"),
        (
            {'velocities': [0.0, 0.0, 3.0, *[0.0] * 10]},
            SafetyStatus.VELOCITY_LIMIT,
            "'joint3' turns at 3.000",
        ),
        ({'positions': [3.1, *HOME[1:]]}, SafetyStatus.WORKSPACE_BOUND, "'base' is at"),
        ({'positions': [*HOME[:-1], float('nan')]}, SafetyStatus.HAND_FAULT, 'thumb_q2'),
    ],
)
def test_limits_stop_and_name_the_numbers(client, robot, fault, reason, text):
    for name, value in fault.items():
        setattr(robot, name, value)
    stop = status(client, lambda m: m.level == SafetyStatus.STOP)
    assert stop.reasons & reason
    assert text in stop.message
    robot.positions, robot.velocities = list(HOME), [0.0] * len(HOME)
    time.sleep(0.5)
    assert status(client, lambda m: True).level == SafetyStatus.STOP
    assert reset(client).success


@pytest.mark.parametrize(
    ('stage', 'level'),
    [(ExecutorStatus.IDLE, SafetyStatus.WARN), (ExecutorStatus.APPROACH, SafetyStatus.STOP)],
)
@pytest.mark.parametrize(
    'fault', [{'publishing': False}, {'age': 5.0}, {'names': ['a', *NAMES[1:]]}]
)
def test_stale_joint_states_stop_only_what_moves(client, robot, fault, stage, level):
    robot.stage = stage
    time.sleep(0.2)
    for name, value in fault.items():
        setattr(robot, name, value)
    seen = status(client, lambda m: m.reasons & SafetyStatus.STALE_JOINT_STATE)
    assert seen.level == level
    assert 'joint_states' in seen.message


def test_a_silent_hand_is_named_while_the_arm_is_heard(client, robot):
    n = len(ROBOT.arm.joints)
    robot.names, robot.positions, robot.velocities = NAMES[:n], HOME[:n], [0.0] * n
    seen = status(client, lambda m: m.reasons & SafetyStatus.STALE_JOINT_STATE)
    assert ROBOT.hand.joints[0] in seen.message


def test_publishers_that_contradict_each_other_stop_the_robot(client, robot):
    other = robot.node.create_publisher(JointState, 'joint_states', 5)
    wrong = JointState(name=[NAMES[1]], position=[HOME[1] + 0.6])

    def publish():
        wrong.header.stamp = robot.node.get_clock().now().to_msg()
        other.publish(wrong)

    timer = robot.node.create_timer(0.1, publish)
    stop = status(client, lambda m: m.level == SafetyStatus.STOP)
    assert f'contradict each other about joints {[NAMES[1]]}' in stop.message
    assert not reset(client).success
    robot.node.destroy_timer(timer)
    time.sleep(1.5)
    assert reset(client).success


def test_silent_executor_counts_only_in_motion(client, robot):
    robot._status, silent = robot.node.create_publisher(ExecutorStatus, 'nowhere', 1), robot._status
    time.sleep(2.5)
    assert status(client, lambda m: True).level == SafetyStatus.OK
    silent.publish(ExecutorStatus(stage=ExecutorStatus.LIFT))
    stop = status(client, lambda m: m.level == SafetyStatus.STOP)
    assert stop.reasons == SafetyStatus.HEARTBEAT_LOST
    assert reset(client).success
    status(client, lambda m: m.level == SafetyStatus.OK)


def test_watches_cheaply(monitor, client, robot):
    def cpu_seconds():
        fields = Path(f'/proc/{monitor.process.pid}/stat').read_text().split()
        return (int(fields[13]) + int(fields[14])) / 100

    before, begin = cpu_seconds(), time.monotonic()
    time.sleep(4.0)
    assert (cpu_seconds() - before) / (time.monotonic() - begin) < 0.2  # a busy loop takes 1
