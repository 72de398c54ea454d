from __future__ import annotations

import signal
import time

import numpy as np
import pytest
from bench import LOST, Bench, assert_ramped_to_rest
from lifecycle_msgs.srv import ChangeState
from std_msgs.msg import Bool

from dex1b_core.errors import ErrorCode
from dex1b_msgs.msg import ExecutorStatus
from dex1b_ros.lease import ClientHeartbeat
from dex1b_ros.node import LATCHED

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def bench(ros_domain):
    with Bench() as instance:
        yield instance


@pytest.fixture(autouse=True)
def ready(request):
    """Each test of the shared bench begins at rest and with everything reset."""
    if 'bench' in request.fixturenames:
        request.getfixturevalue('bench').make_ready()


def test_dry_run_plans_and_moves_nothing(bench):
    begin = time.monotonic()
    result = bench.run(dry_run=True)
    assert result.error_code == ErrorCode.NONE
    assert result.executed_id == 'plan-1/0'
    assert np.abs(bench.history(begin)[2]).max() == 0


@pytest.mark.parametrize(
    ('change', 'code', 'text'),
    [
        (lambda g: g.candidates.clear(), ErrorCode.NO_CANDIDATES, 'no candidate'),
        (
            lambda g: setattr(g.scene.header, 'frame_id', 'world'),
            ErrorCode.INVALID_REQUEST,
            "expected 'link_base'",
        ),
        (
            lambda g: setattr(g.scene.header.stamp, 'sec', 1),
            ErrorCode.STALE_DEPTH,
            'look again',
        ),
        (
            lambda g: g.candidates[0].joint_names.__setitem__(0, 'finger'),
            ErrorCode.INVALID_REQUEST,
            'finger',
        ),
        (lambda g: setattr(g, 'stop_after', 99), ErrorCode.INVALID_REQUEST, 'stop_after is 99'),
        (
            lambda g: setattr(g.candidates[0].wrist_pose.position, 'x', 3.0),
            ErrorCode.OUT_OF_WORKSPACE,
            'none of 1 candidates',
        ),
    ],
)
def test_bad_goals_say_what_is_wrong(bench, change, code, text):
    goal = bench.goal()
    change(goal)
    begin = time.monotonic()
    result = bench.finish(bench.start(goal))
    assert (result.error_code, text in result.error_msg) == (code, True), result.error_msg
    time.sleep(0.5)  # a refusal is faster than the next joint states
    assert np.abs(bench.history(begin)[2]).max() < 0.01


def test_cancel_ramps_the_arm_down(bench):
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    bench.client.result(handle.cancel_goal_async())
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.CANCELED
    assert_ramped_to_rest(bench, since, within_s=1.5)


def test_a_second_goal_is_refused_while_one_runs(bench):
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    second = bench.run()
    assert second.error_code == ErrorCode.BUSY
    bench.client.result(handle.cancel_goal_async())
    assert bench.finish(handle).error_code == ErrorCode.CANCELED


def test_stop_service_latches_until_reset(bench):
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    assert 'ramped down' in bench.trigger('executor/stop').message
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.SAFETY_STOP
    assert_ramped_to_rest(bench, since, within_s=1.5)
    assert bench.run().error_code == ErrorCode.SAFETY_STOP
    assert bench.trigger('executor/reset').success
    assert bench.run(dry_run=True).error_code == ErrorCode.NONE


def test_estop_stops_the_arm_and_must_be_reset(bench):
    publisher = bench.client.node.create_publisher(Bool, bench.name('estop'), 1)
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    publisher.publish(Bool(data=True))
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.SAFETY_STOP
    assert 'estop' in result.error_msg
    assert_ramped_to_rest(bench, since, within_s=2.0)
    refused = bench.trigger('safety_monitor/reset')
    assert not refused.success
    assert 'pressed' in refused.message
    publisher.publish(Bool(data=False))
    time.sleep(0.3)
    assert bench.run().error_code == ErrorCode.SAFETY_STOP  # latched
    assert bench.trigger('safety_monitor/reset').success


def test_a_client_that_falls_silent_stops_the_arm(bench):
    heartbeat = ClientHeartbeat(bench.client.node, bench.name('execute_grasp'))
    goal = bench.goal(velocity_scaling=0.1)
    handle = bench.start(goal, until=ExecutorStatus.PREGRASP, speed=0.05)
    for _ in range(5):
        heartbeat.beat(handle)
        time.sleep(0.1)
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.SAFETY_STOP
    assert 'client that sent the goal has been silent for 2' in result.error_msg


def test_deactivation_stops_the_arm(bench):
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    since = time.monotonic()
    for transition in (4, 3):  # deactivate, activate
        request = ChangeState.Request()
        request.transition.id = transition
        assert bench.client.call(ChangeState, bench.name('executor/change_state'), request).success
        if transition == 4:
            assert bench.finish(handle).error_code == ErrorCode.SAFETY_STOP
            assert_ramped_to_rest(bench, since, within_s=1.5)
    assert bench.run(dry_run=True).error_code == ErrorCode.NONE


def test_joint_states_that_stop_end_the_goal(bench):
    handle = bench.start(bench.goal(velocity_scaling=0.1), until=ExecutorStatus.PREGRASP)
    bench.robot.process.send_signal(signal.SIGSTOP)
    try:
        result = bench.finish(handle)
    finally:
        bench.robot.process.send_signal(signal.SIGCONT)
    assert result.error_code in LOST
    assert 'joint' in result.error_msg
    time.sleep(0.5)
    bench.trigger('safety_monitor/reset')
    bench.wait_until_safe()
    assert bench.run(dry_run=True).error_code == ErrorCode.NONE


def test_stop_after_leaves_the_arm_at_the_grasp(bench):
    result = bench.run(stop_after=ExecutorStatus.APPROACH)
    assert result.error_code == ErrorCode.NONE
    assert [timing.stage for timing in result.timings] == ['pregrasp', 'approach']
    back = bench.run(stop_after=ExecutorStatus.PREGRASP)
    assert back.error_code == ErrorCode.SCENE_COLLISION
    assert 'where the arm is now' in back.error_msg
    assert back.rejections[0].code == ErrorCode.SCENE_COLLISION


@pytest.fixture
def disabled(bench):
    """The same bench, for the time of a test without leave to move."""
    bench.restart(execute=False)
    yield bench
    bench.restart()


def test_disabled_executor_refuses_but_plans(disabled):
    refused = disabled.run()
    assert refused.error_code == ErrorCode.EXECUTION_DISABLED
    assert 'execute:=true' in refused.error_msg
    assert disabled.run(dry_run=True).error_code == ErrorCode.NONE


def test_controller_that_dies_ends_the_goal_and_the_executor_lives(bench):
    handle = bench.start(bench.goal(), until=ExecutorStatus.PREGRASP)
    bench.robot.stop(signal_number=signal.SIGKILL)
    result = bench.finish(handle)
    assert result.error_code in LOST
    status = bench.client.wait_for_message(
        ExecutorStatus, bench.name('executor/status'), LATCHED,
        accept=lambda m: m.stage in (ExecutorStatus.IDLE, ExecutorStatus.STOPPED),
    )  # fmt: skip
    assert status.message
