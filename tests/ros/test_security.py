"""The SROS 2 policy against the graph of the running nodes."""

from __future__ import annotations

import importlib.util
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict

import pytest
from harness import NodeProcess, node_command

from dex1b_core.config import config_folder
from dex1b_core.robots import load_robot
from dex1b_ros.node_list import StackOptions, grasp_nodes
from dex1b_ros.security import policy_xml

pytestmark = pytest.mark.ros

ROBOT = load_robot('xarm7_ability')
FILE = config_folder() / 'security' / 'xarm7_ability.policy.xml'
SERVER = ('cancel_goal', 'get_result', 'send_goal')
TOLD = ('feedback', 'status')


def allowed(text: str) -> dict[str, dict[str, set[str]]]:
    """Absolute names by enclave and by 'topic publish', ...; actions as what they consist of."""
    found: dict = defaultdict(lambda: defaultdict(set))
    for enclave in ElementTree.fromstring(text).iter('enclave'):
        profile = enclave.find('profiles/profile')
        node = profile.get('node')
        for group in profile:
            ((permission, verdict),) = group.attrib.items()
            assert verdict == 'ALLOW'
            for item in group:
                name = item.text.replace('~', f'/{node}')
                name = name if name.startswith('/') else f'/{name}'
                for kind, full in parts(item.tag, permission, name):
                    found[node][kind].add(full)
    return found


def parts(kind: str, permission: str, name: str) -> list[tuple[str, str]]:
    if kind != 'action':
        return [(permission, name)]
    is_server = permission == 'execute'
    services = [('reply' if is_server else 'request', f'{name}/_action/{s}') for s in SERVER]
    topics = [('publish' if is_server else 'subscribe', f'{name}/_action/{t}') for t in TOLD]
    return services + topics


def test_the_file_is_what_the_command_writes():
    assert FILE.read_text() == policy_xml(ROBOT), 'dex1b security-policy ' + str(FILE)


def test_only_the_executor_commands_controllers_and_the_monitor_ends_what_they_do():
    found = allowed(policy_xml(ROBOT))
    for controller in (ROBOT.arm.controller, ROBOT.hand.controller):
        goal = f'/{controller}/follow_joint_trajectory/_action/send_goal'
        assert {n for n, r in found.items() if goal in r['request']} == {'executor'}
    cancel = f'/{ROBOT.arm.controller}/follow_joint_trajectory/_action/cancel_goal'
    assert {n for n, r in found.items() if cancel in r['request']} == {
        'executor', 'safety_monitor',
    }  # fmt: skip
    brake = f'/{ROBOT.arm.controller}/joint_trajectory'
    assert {n for n, r in found.items() if brake in r['publish']} == {'safety_monitor'}
    execute = '/execute_grasp/_action/send_goal'
    assert {n for n, r in found.items() if execute in r['request']} == {'grasp_server'}
    client = found['dex1b_client']
    assert {'/plan_grasp', '/executor/stop', '/grasp_object/_action/send_goal'} <= client['request']
    assert not any('set_parameters' in name for name in client['request'])


def test_every_node_of_the_stack_has_an_enclave():
    stack = {spec.name for spec in grasp_nodes(StackOptions(use_mock_hardware=False, viewer=True))}
    assert stack <= set(allowed(policy_xml(ROBOT)))


def test_running_nodes_do_nothing_that_is_not_allowed(client):
    found = allowed(FILE.read_text())
    modules = {
        spec.name: spec.executable
        for spec in grasp_nodes(StackOptions(use_mock_hardware=False, viewer=True))
    }
    processes = {name: NodeProcess(node_command(module)) for name, module in modules.items()}
    try:
        for process in processes.values():
            process.wait_for_output('after its start', 90.0)
        time.sleep(3.0)
        graph = {name: what(client.node, name) for name in modules}
    finally:
        for process in processes.values():
            process.process.terminate()
        for process in processes.values():
            process.process.wait(20.0)
    for name, names in graph.items():
        assert names['reply'], f'{name} was not found'
        for permission, used in names.items():
            assert used <= found[name][permission], (name, permission)


@pytest.mark.skipif(
    importlib.util.find_spec('moveit_msgs') is None,
    reason='moveit_msgs is not installed; there are no wheels of it',
)
def test_an_executor_that_asks_moveit_does_nothing_that_is_not_allowed(client):
    parameters = {'motion_backend': 'moveit', 'moveit__group': 'arm'}
    executor = NodeProcess('executor_node', robot=ROBOT.name, **parameters)
    try:
        executor.wait_for_output('ready', 90.0)
        time.sleep(3.0)
        graph = what(client.node, 'executor')
    finally:
        executor.stop()
    assert '/plan_kinematic_path' in graph['request']
    allows = allowed(FILE.read_text())['executor']
    for permission, used in graph.items():
        assert used <= allows[permission], permission


def what(node, name: str) -> dict[str, set[str]]:
    """What a node of the graph does, by permission."""
    calls = {
        'publish': node.get_publisher_names_and_types_by_node,
        'subscribe': node.get_subscriber_names_and_types_by_node,
        'reply': node.get_service_names_and_types_by_node,
        'request': node.get_client_names_and_types_by_node,
    }
    return {kind: {item for item, _ in call(name, '/')} for kind, call in calls.items()}
