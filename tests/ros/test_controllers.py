"""Picks over every interface that a controller may have, with real processes on both sides."""

from __future__ import annotations

import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from bench import LOST, ROBOT, Bench, assert_ramped_to_rest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float64MultiArray

from dex1b_core.config import config_folder
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import Interface, load_robot
from dex1b_msgs.msg import ExecutorStatus, SafetyStatus
from dex1b_ros.controller_checks import check_active, check_joint_names
from dex1b_ros.node import LATCHED

pytestmark = pytest.mark.ros

TOPICS = {
    'arm': {'interface': 'joint_trajectory'},
    'hand': {'interface': 'joint_trajectory', 'topic': 'hand_driver/command'},
}
STREAMS = {
    'arm': {
        'interface': 'position_stream',
        'rate': 100.0,
        'command_joints': list(reversed(ROBOT.arm.joints)),
    },
    'hand': {'interface': 'joint_state_stream', 'topic': 'hand_driver/joint_cmd', 'rate': 50.0},
}


def robot_file(folder, interfaces) -> str:
    """The bench's robot with other interfaces, as its own file."""
    robots, hands = config_folder() / 'robots', config_folder() / 'hands'
    robot = yaml.safe_load((robots / f'{ROBOT.name}.yaml').read_text())
    hand = yaml.safe_load((hands / f'{robot["hand"]}.yaml').read_text())
    robot['arm'] |= interfaces['arm']
    robot['hand'] = hand | interfaces['hand']
    path = folder / 'robot.yaml'
    path.write_text(yaml.safe_dump(robot))
    return str(path)


@pytest.fixture(
    scope='module', params=[None, TOPICS, STREAMS], ids=['actions', 'topics', 'streams']
)
def bench(request, ros_domain, tmp_path_factory):
    path = ROBOT.name
    if request.param is not None:
        path = robot_file(tmp_path_factory.mktemp('robot'), request.param)
    # drivers that are not one joint_state_broadcaster tell of arm and hand apart
    with Bench(path, apart=request.param is STREAMS) as instance:
        instance.interfaces = request.param
        yield instance


@pytest.fixture(autouse=True)
def ready(request):
    if 'bench' in request.fixturenames:
        request.getfixturevalue('bench').make_ready()


def test_a_pick_goes_through_all_stages(bench):
    result = bench.run()
    assert result.error_code == ErrorCode.NOT_HELD, result.error_msg
    assert 'empty after SQUEEZE' in result.error_msg
    assert not result.object_held
    assert result.executed_id == 'plan-1/0'
    stages = [timing.stage for timing in result.timings]
    assert stages == ['pregrasp', 'approach', 'close', 'squeeze', 'retreat']
    bench.wait_for_arm(ROBOT.arm.home)
    assert 'whether the controllers are active is not known' in bench.executor.output


def test_stop_ramps_the_arm_down(bench):
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    assert 'ramped down' in bench.trigger('executor/stop').message
    assert bench.finish(handle).error_code == ErrorCode.SAFETY_STOP
    assert_ramped_to_rest(bench, since, within_s=1.5)


def test_a_pause_rests_on_the_path_and_the_rest_of_the_way_follows(bench):
    assert not bench.trigger('executor/pause').success
    goal = bench.goal(stop_after=ExecutorStatus.APPROACH)
    handle = bench.start(goal, until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    assert bench.trigger('executor/pause').success
    status = bench.client.wait_for_message(
        ExecutorStatus, bench.name('executor/status'), LATCHED,
        accept=lambda m: m.stage == ExecutorStatus.PAUSED,
    )  # fmt: skip
    assert status.stage == ExecutorStatus.PAUSED
    assert_ramped_to_rest(bench, since, within_s=2.0)
    begin = time.monotonic()
    time.sleep(1.0)
    assert np.abs(bench.history(begin)[2]).max() < 0.01
    assert bench.trigger('executor/resume').success
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.NONE, result.error_msg
    assert np.abs(bench.history(begin)[2]).max() > 0.1
    assert not bench.trigger('executor/resume').success
    bench.restart()


def test_an_interrupted_executor_ramps_the_arm_down_before_it_ends(bench):
    bench.restart()
    bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    assert bench.executor.stop() == 0
    time.sleep(1.0)
    assert_ramped_to_rest(bench, since, within_s=2.0)


def test_joint_states_that_stop_end_the_commands(bench):
    bench.restart()
    if bench.interfaces is not STREAMS:
        pytest.skip('a trajectory that was sent goes on by itself')
    last = []
    topic = bench.name(f'{ROBOT.arm.controller}/commands')
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    subscription = bench.client.node.create_subscription(
        Float64MultiArray, topic, lambda m: last.append((time.monotonic(), list(m.data))), qos
    )
    handle = bench.start(bench.goal(velocity_scaling=0.1), until=ExecutorStatus.PREGRASP)
    bench.robot.process.send_signal(signal.SIGSTOP)
    try:
        result = bench.finish(handle)
        time.sleep(1.5)
        silence = time.monotonic() - last[-1][0]
    finally:
        bench.robot.process.send_signal(signal.SIGCONT)
        bench.client.node.destroy_subscription(subscription)
    assert result.error_code in LOST, result.error_msg
    assert silence > 0.5, 'it goes on commanding a robot that it cannot see'
    commands = np.array([values for _, values in last])
    steps = np.abs(np.diff(commands, axis=0)).max(axis=1)
    assert steps.max() < 0.02, 'a command jumped'
    time.sleep(0.5)
    bench.trigger('safety_monitor/reset')
    bench.wait_until_safe()
    assert bench.run(dry_run=True).error_code == ErrorCode.NONE


def test_joints_in_another_order_than_the_controller_has_are_refused(bench, tmp_path):
    if bench.interfaces is not STREAMS:
        pytest.skip('trajectories carry names')
    bench.restart()
    other = {**STREAMS, 'arm': {'interface': 'position_stream', 'rate': 100.0}}
    bench.executor.stop()
    executor, path = bench.executor, robot_file(tmp_path, other)
    name, bench._robot_name = bench._robot_name, path
    bench.executor = bench._executor()
    bench._robot_name = name
    try:
        bench.executor.wait_for_output('ready', 40)
        begin = time.monotonic()
        result = bench.run()
        assert result.error_code == ErrorCode.INVALID_CONFIGURATION, result.error_msg
        assert 'command_joints' in result.error_msg
        assert np.abs(bench.history(begin)[2]).max() < 0.01
    finally:
        bench.executor.stop()
    assert not executor.alive


def test_an_executor_that_dies_does_not_leave_the_arm_moving(bench):
    # the last one: a killed server is matched for a while and swallows requests
    bench.restart()
    # so slow that the end is further than the monitor's patience
    bench.start(bench.goal(velocity_scaling=0.05), until=ExecutorStatus.PREGRASP, speed=0.05)
    since = time.monotonic()
    bench.executor.stop(signal_number=signal.SIGKILL)
    status = bench.safety(lambda m: m.level == SafetyStatus.STOP)
    assert status.reasons & SafetyStatus.HEARTBEAT_LOST
    time.sleep(1.0)
    velocities = bench.history(since)[2]
    assert np.abs(velocities[-1]).max() < 0.01
    if bench.interfaces is not STREAMS:
        assert 'ramping the arm down' in bench.monitor.output
        # a ramp, not a jump: each step is a small part of the speed
        steps = np.abs(np.diff(velocities, axis=0)).max()
        assert steps < 0.5 * np.abs(velocities).max()
    assert np.abs(bench.arm() - ROBOT.arm.home).max() < 1.0, 'it went on to the end'


GROUP = load_robot(ROBOT.name).arm


def test_names_are_compared_as_sets_for_trajectories_and_in_order_for_arrays():
    reordered = tuple(reversed(GROUP.joints))
    check_joint_names(GROUP, reordered, '')
    check_joint_names(GROUP, [f'left_{name}' for name in reordered], 'left_')
    with pytest.raises(Dex1bError, match='joint7'):
        check_joint_names(GROUP, reordered[:-1], '')
    stream = GROUP.model_copy(update={'interface': Interface.POSITION_STREAM})
    check_joint_names(stream, GROUP.joints, '')
    with pytest.raises(Dex1bError, match='same order'):
        check_joint_names(stream, reordered, '')


def test_controllers_that_are_not_active_are_named():
    hand = SimpleNamespace(interface=Interface.JOINT_STATE_STREAM, controller='driver')
    check_active({GROUP.controller: 'active'}, (GROUP, hand))
    for states, text in (({GROUP.controller: 'inactive'}, 'is inactive'), ({}, 'not loaded')):
        with pytest.raises(Dex1bError, match=text) as caught:
            check_active(states, (GROUP,))
        assert caught.value.error_code is ErrorCode.CONTROLLER_UNAVAILABLE
