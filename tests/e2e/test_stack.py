"""The whole stack: without permission it never moves."""

import os
import time
from pathlib import Path

import pytest

from dex1b_core.errors import ErrorCode
from dex1b_ros.bringup import Stack
from dex1b_ros.commander import Commander
from dex1b_ros.node_list import StackOptions

pytestmark = pytest.mark.e2e


def processes(text: str) -> list[str]:
    """Command lines of running processes that contain the text."""
    found = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            line = path.read_bytes().replace(b'\0', b' ').decode()
        except OSError:  # it ended meanwhile
            continue
        if text in line:
            found.append(line)
    return found


@pytest.fixture
def own_domain(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(1 + os.getpid() % 99))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


@pytest.mark.timeout(400)
def test_stack_plans_but_does_not_move_unless_asked(own_domain, tmp_path):
    options = StackOptions(object='061_foam_brick', seed=2)
    with Stack(options, log_folder=tmp_path) as stack, Commander(use_sim_time=True) as commander:
        commander.wait_until_ready(90.0, stack.require_alive)
        reply = _plan_when_seen(commander)
        assert reply.error_code == ErrorCode.NONE, reply.error_msg
        assert reply.candidates[0].id == f'{reply.plan_id}/0'
        assert reply.seed == 5
        assert reply.scene.object_points > 100
        refused = commander.pick(seed=5)
        assert refused.error_code == ErrorCode.EXECUTION_DISABLED
        assert 'execute' in refused.error_msg
        pids = list(stack.pids.values())
    assert not [pid for pid in pids if Path(f'/proc/{pid}').exists()]
    assert not processes(str(tmp_path))


def _plan_when_seen(commander: Commander):
    deadline = time.monotonic() + 120.0
    while True:
        reply = commander.plan(seed=5, max_candidates=2)
        seen = reply.error_code not in (ErrorCode.NO_DEPTH, ErrorCode.TF_ERROR)
        if seen or time.monotonic() > deadline:
            return reply
