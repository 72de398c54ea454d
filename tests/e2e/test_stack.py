"""The whole stack as users run it: the demo lifts, a stack without permission never moves."""

import json
import os
import subprocess
import sys
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


@pytest.mark.timeout(600)
def test_demo_lifts_and_holds_by_ground_truth(tmp_path):
    command = [sys.executable, '-m', 'dex1b_core.cli', 'demo', '--object', '061_foam_brick']
    result = subprocess.run(
        [*command, '--out', str(tmp_path)], capture_output=True, text=True, timeout=560
    )
    report = json.loads((tmp_path / 'report.json').read_text())
    assert result.returncode == 0, result.stdout + result.stderr
    assert report['success'] is True
    assert report['lift_height_m'] >= 0.10
    assert report['hold_s'] >= 2.0
    assert report['object'] == '061_foam_brick'
    assert report['seed'] == 1
    assert {'perceive', 'generate', 'reach', 'check', 'motion', 'lift'} <= {
        item['stage'] for item in report['stages']
    }
    for key in ('robot', 'candidates', 'rejections', 'wall_s', 'versions'):
        assert report[key], key
    for name in ('perception.png', 'candidates.png', 'pick.png', 'report.html'):
        assert (tmp_path / name).stat().st_size > 10_000, name


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
