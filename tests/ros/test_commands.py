"""The command line, as users call it: bad input ends with a code and one line."""

import subprocess
import sys
import time

import psutil
import pytest
import trimesh

from dex1b_core.errors import ErrorCode

pytestmark = pytest.mark.ros


def dex1b(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'dex1b_core.cli', *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ('arguments', 'code', 'expected'),
    [
        (('demo', '--object', 'no_such'), ErrorCode.UNKNOWN_OBJECT, '006_mustard_bottle'),
        (('demo', '--robot', 'no_such'), ErrorCode.UNKNOWN_ROBOT, 'xarm7_ability'),
        (('up', 'grasp', 'objekt:=mug'), ErrorCode.INVALID_REQUEST, 'NAME:=VALUE'),
        (('up', 'grasp', 'execute:=yes'), ErrorCode.INVALID_REQUEST, 'true, false'),
        (('up', 'juggle'), ErrorCode.INVALID_REQUEST, 'grasp'),
        (('up', 'grasp', 'params_file:=/no/file.yaml'), ErrorCode.INVALID_CONFIGURATION, '/no/'),
    ],
)
def test_bad_input_ends_with_code_and_mend(arguments, code, expected):
    result = dex1b(*arguments)
    assert result.returncode == 1
    assert f'error {int(code)} {code.name}' in result.stderr
    assert expected in result.stderr
    assert 'Traceback' not in result.stderr


def test_a_mesh_in_millimetres_is_refused_before_anything_starts(tmp_path):
    path = tmp_path / 'jar.stl'
    trimesh.creation.cylinder(32.0, 110.0).export(path)
    result = dex1b('demo', '--object', str(path), '--out', str(tmp_path / 'out'))
    assert result.returncode == 1
    assert f'error {int(ErrorCode.SHAPE_INVALID)}' in result.stderr
    assert 'looks like millimetres' in result.stderr
    assert 'the demo takes metres' in result.stderr
    assert not (tmp_path / 'out').exists()


def test_a_parameter_file_that_is_no_yaml_starts_no_node(tmp_path):
    path = tmp_path / 'bad.yaml'
    path.write_text('/**:\n  ros__parameters: [1,\n')
    result = dex1b('up', 'grasp', f'params_file:={path}')
    assert result.returncode == 1
    assert 'INVALID_CONFIGURATION' in result.stderr
    assert 'bad.yaml' in result.stderr


def test_plan_without_a_stack_says_how_to_start_one():
    result = dex1b('plan', '--no-sim-time')
    assert result.returncode == 1
    assert ErrorCode.NODE_UNAVAILABLE.name in result.stderr
    assert 'dex1b up grasp' in result.stderr


def test_up_takes_its_nodes_with_it_when_it_is_terminated():
    command = [sys.executable, '-m', 'dex1b_core.cli', 'up', 'grasp', 'mock_physics:=false']
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
        process = psutil.Process(up.pid)
        deadline = time.monotonic() + 60.0
        while len(process.children()) < 7 and time.monotonic() < deadline:
            time.sleep(0.2)
        nodes = process.children()
        assert len(nodes) == 7
        up.terminate()
        up.wait(60.0)
    assert not [node for node in nodes if node.is_running()]


def test_help_lists_the_commands():
    text = dex1b('--help').stdout
    for command in ('up', 'view', 'plan', 'pick', 'demo', 'assets', 'doctor', 'bench'):
        assert command in text
