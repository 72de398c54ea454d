"""The node base, as a real process: lifecycle, parameters, shutdown."""

import signal
import sys
import textwrap

import pytest
from harness import Client, NodeProcess
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState

pytestmark = pytest.mark.ros

NODE = """
    from dex1b_core.errors import Dex1bError, ErrorCode
    from dex1b_ros.node import Dex1bNode, NodeParameters, run
    from pydantic import Field

    class Parameters(NodeParameters):
        rate: float = Field(5.0, ge=0.0, le=10.0, description='[Hz]')

    class Probe(Dex1bNode):
        Parameters = Parameters
        def __init__(self): super().__init__('probe')
        def activate(self): print('ACTIVE', self.params.rate, flush=True)
        def deactivate(self): print('DEACTIVATED', flush=True)

    def main(): run(Probe)
    if __name__ == '__main__': main()
"""


@pytest.fixture
def probe_module(tmp_path, monkeypatch):
    (tmp_path / 'probe_node.py').write_text(textwrap.dedent(NODE))

    def start(*arguments: str) -> NodeProcess:
        return NodeProcess([sys.executable, str(tmp_path / 'probe_node.py'), *arguments])

    return start


def state(client: Client) -> str:
    return client.call(GetState, '/probe/get_state', GetState.Request()).current_state.label


def change(client: Client, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return client.call(ChangeState, '/probe/change_state', request).success


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_starts_active_and_stops_safely_on_signals(probe_module, number):
    process = probe_module()
    process.wait_for_output('ACTIVE 5.0')
    assert process.stop(signal_number=number) == 0
    assert 'DEACTIVATED' in process.output


def test_autostart_off_waits_for_transitions(probe_module, client):
    process = probe_module('--ros-args', '-p', 'autostart:=false', '-p', 'rate:=7.0')
    try:
        assert state(client) == 'unconfigured'
        assert change(client, Transition.TRANSITION_CONFIGURE)
        assert change(client, Transition.TRANSITION_ACTIVATE)
        assert state(client) == 'active'
        assert 'ACTIVE 7.0' in process.output
    finally:
        process.stop()


@pytest.mark.parametrize('value', ['hello', '20.0'])
def test_bad_parameter_is_named_and_the_node_stays_alive(probe_module, client, value):
    process = probe_module('--ros-args', '-p', f'rate:={value}')
    try:
        process.wait_for_output("parameter 'rate' of node 'probe'")
        assert '[2]' in process.output
        assert state(client) == 'unconfigured'
    finally:
        process.stop()


def test_malformed_parameter_file_ends_with_a_clear_message(probe_module, tmp_path):
    path = tmp_path / 'bad.yaml'
    path.write_text('probe:\n  ros__parameters:\n rate: [1,\n')
    process = probe_module('--ros-args', '--params-file', str(path))
    assert process.process.wait(20) != 0
    assert '[2]' in process.output
    assert 'bad.yaml' in process.output
