"""The sim check node as a real process."""

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from harness import NodeProcess
from rclpy.action import ActionClient
from std_msgs.msg import Header

from dex1b_core.errors import ErrorCode
from dex1b_core.planning import CheckResult, FailureReason
from dex1b_msgs.action import CheckGrasps
from dex1b_ros import conversions

sys.path.insert(0, str(Path(__file__).parents[1] / 'core' / 'simulation'))
import grasp_scenes as scenes

pytestmark = pytest.mark.ros

HEADER = Header(frame_id='link_base')


@pytest.fixture(scope='module')
def node(ros_domain):
    process = NodeProcess('sim_check_node', workers=2, check__trials=2)
    yield process
    process.stop()


@pytest.fixture
def checks(client, node):
    action = ActionClient(client.node, CheckGrasps, 'check_grasps')
    yield Checks(client, action)
    action.destroy()


class Checks:
    """Sends goals."""

    def __init__(self, client, action):
        self.client, self.action = client, action

    def start(self, candidates, observation=None, feedback=None, budget_s=60.0, **fields):
        goal = CheckGrasps.Goal(**fields)
        goal.time_budget = conversions.duration_msg(budget_s)
        goal.scene = conversions.snapshot_msg(observation or scenes.observation(), HEADER)
        goal.candidates = [conversions.candidate_msg(c, 'base', HEADER) for c in candidates]
        handle = self.client.send_goal(self.action, goal, feedback)
        assert handle.accepted
        return handle

    def result(self, *arguments, **options):
        handle = self.start(*arguments, **options)
        return self.client.result(handle.get_result_async(), 90.0).result


def workers_of(node):
    children = psutil.Process(node.process.pid).children(recursive=True)
    return [c for c in children if c.status() != psutil.STATUS_ZOMBIE]


def many(count):
    return [scenes.side_grasp(up=1e-4 * index) for index in range(count)]


def test_verdicts_progress_and_rejections(checks):
    progress = []
    result = checks.result(
        [scenes.in_the_air(), scenes.good(), scenes.in_the_table(), scenes.in_the_air()],
        seed=7,
        feedback=lambda message: progress.append(message.feedback),
    )
    assert result.error_code == ErrorCode.NONE
    assert result.seed == 7
    verdicts = [conversions.candidate(c).sim_check for c in result.candidates]
    assert [v.reason for v in verdicts] == [
        FailureReason.MISSED, FailureReason.NONE, FailureReason.TABLE_HIT, FailureReason.MISSED,
    ]  # fmt: skip
    assert result.candidates[1].wrist_frame == 'base'
    assert result.candidates[1].score > result.candidates[0].score
    counted = {r.code: r.count for r in result.rejections}
    assert counted == {ErrorCode.CHECK_MISSED: 2, ErrorCode.CHECK_TABLE_HIT: 1}
    assert all(r.stage == 'check' and r.example for r in result.rejections)
    assert (progress[-1].done, progress[-1].passed, progress[-1].total) == (4, 1, 4)


def test_seed_zero_is_drawn_and_reported(checks):
    assert checks.result([scenes.good()], seed=0).seed > 0


def test_all_failed_keeps_the_verdicts(checks):
    result = checks.result([scenes.in_the_air(), scenes.in_the_can()], seed=1)
    assert result.error_code == ErrorCode.ALL_FAILED
    assert 'another seed or view' in result.error_msg
    assert [c.sim_check.result for c in result.candidates] == [CheckResult.FAILED] * 2


def test_no_time(checks):
    result = checks.result([scenes.in_the_air()] * 100, seed=1, budget_s=0.4)
    assert result.error_code == ErrorCode.CHECK_TIMEOUT
    assert result.candidates[-1].sim_check.result == CheckResult.NOT_RUN


@pytest.mark.parametrize(
    ('candidates', 'observation', 'code'),
    [
        ([], scenes.observation(), ErrorCode.INVALID_REQUEST),
        ([replace(scenes.good(), hand='allegro')], None, ErrorCode.INVALID_REQUEST),
        ([scenes.good()], replace(scenes.observation(), shapes=()), ErrorCode.SHAPE_INVALID),
        (
            [scenes.good()],
            scenes.observation(replace(scenes.can(), vertices=scenes.can().vertices * [1, 1, 0])),
            ErrorCode.SHAPE_INVALID,
        ),
        (
            [scenes.good()],
            replace(scenes.observation(), points=np.zeros((0, 3)), normals=np.zeros((0, 3))),
            ErrorCode.NO_OBJECT,
        ),
    ],
    ids=['no candidates', 'other hand', 'no shape', 'flat shape', 'no points'],
)
def test_bad_input_gets_its_code_and_the_next_goal_works(checks, candidates, observation, code):
    result = checks.result(candidates, observation, seed=1)
    assert result.error_code == code
    assert 'expected' in result.error_msg or 'no object points' in result.error_msg
    assert checks.result([scenes.good()], seed=1).error_code == ErrorCode.NONE


def test_cancel(checks):
    moving = threading.Event()
    handle = checks.start(many(200), seed=1, feedback=lambda _: moving.set())
    assert moving.wait(30)
    start = time.monotonic()
    checks.client.result(handle.cancel_goal_async())
    result = checks.client.result(handle.get_result_async()).result
    assert time.monotonic() - start < 1.5
    assert result.error_code == ErrorCode.CANCELED
    assert checks.result([scenes.good()], seed=1).error_code == ErrorCode.NONE


def test_two_goals_at_a_time(checks):
    moving = threading.Event()
    first = checks.start(many(20), seed=1, feedback=lambda _: moving.set())
    assert moving.wait(30)
    assert checks.result([scenes.good()], seed=1).error_code == ErrorCode.BUSY
    assert checks.client.result(first.get_result_async(), 90.0).result.error_code == 0


def test_killed_worker_is_replaced(checks, node):
    moving = threading.Event()
    handle = checks.start(many(12), seed=1, feedback=lambda _: moving.set())
    assert moving.wait(30)
    os.kill(workers_of(node)[0].pid, signal.SIGKILL)
    result = checks.client.result(handle.get_result_async(), 90.0).result
    assert result.error_code == ErrorCode.NONE
    results = [c.sim_check.result for c in result.candidates]
    assert CheckResult.NOT_RUN not in results
    assert results.count(CheckResult.PASSED) >= len(results) - 1
    assert len(workers_of(node)) == 2


def test_idle_node_and_workers_use_little(checks, node):
    checks.result([scenes.good()], seed=1)
    processes = [psutil.Process(node.process.pid), *workers_of(node)]
    time.sleep(1.0)
    before = [sum(p.cpu_times()[:2]) for p in processes]
    time.sleep(3.0)
    after = [sum(p.cpu_times()[:2]) for p in processes]
    assert max(b - a for a, b in zip(before, after, strict=True)) / 3.0 < 0.05


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ends_with_all_its_workers(ros_domain, client, number):
    process = NodeProcess('sim_check_node', workers=2)
    try:
        deadline = time.monotonic() + 20.0
        while len(workers_of(process)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        workers = workers_of(process)
        assert len(workers) == 2
        assert not any(
            'sapien' in m.path for m in psutil.Process(process.process.pid).memory_maps()
        )
    finally:
        status = process.stop(signal_number=number)
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    _, alive = psutil.wait_procs(workers, timeout=20.0)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_wrong_parameter_is_reported(ros_domain):
    process = NodeProcess('sim_check_node', check__friction=-1.0)
    try:
        process.wait_for_output('check.friction')
        assert process.alive
    finally:
        process.stop()
