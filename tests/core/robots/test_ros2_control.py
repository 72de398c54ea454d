"""The ros2_control description, parsed back."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dex1b_core.commands import robot as commands
from dex1b_core.errors import ConfigurationError, Dex1bError
from dex1b_core.robots import Interface, load_robot
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.ros2_control import MOCK, controllers, ros2_control_urdf

ROBOT = load_robot('xarm7_ability')


@pytest.fixture(scope='module')
def systems():
    document = ElementTree.fromstring(ros2_control_urdf(ROBOT))
    return {system.get('name'): system for system in document.findall('ros2_control')}


def test_driven_joints_take_positions_and_start_at_home_with_an_open_hand(systems):
    for label, group, start in (('arm', ROBOT.arm, ROBOT.arm.home),
                                ('hand', ROBOT.hand, ROBOT.hand.open)):  # fmt: skip
        system = systems[f'xarm7_ability_{label}']
        assert system.findtext('hardware/plugin') == MOCK
        driven = [j for j in system.findall('joint') if j.find('command_interface') is not None]
        assert [joint.get('name') for joint in driven] == list(group.joints)
        for joint, value in zip(driven, start, strict=True):
            states = {s.get('name'): s for s in joint.findall('state_interface')}
            assert set(states) == {'position', 'velocity'}
            assert float(states['position'].findtext('param')) == pytest.approx(value, abs=1e-5)


def test_joints_that_mimic_others_take_no_commands(systems):
    joints = {joint.get('name'): joint for joint in systems['xarm7_ability_hand'].findall('joint')}
    assert joints['index_q2'].find('command_interface') is None
    first = float(joints['index_q2'].findtext('state_interface/param'))
    assert first == pytest.approx(1.05851325 * 0.15 + 0.72349796, abs=1e-5)


def test_the_file_is_still_the_robot_and_finds_its_meshes(tmp_path):
    path = tmp_path / 'robot.urdf'
    path.write_text(ros2_control_urdf(ROBOT))
    assert LinkTree.from_urdf(path).links == LinkTree.from_urdf(ROBOT.urdf_path).links
    for mesh in ElementTree.parse(path).getroot().iter('mesh'):
        assert mesh.get('filename').startswith('file:///')
        assert Path(mesh.get('filename').removeprefix('file://')).is_file()


def test_a_hand_that_grips_is_never_aborted():
    parameters = controllers(ROBOT)
    hand = parameters[ROBOT.hand.controller]['ros__parameters']
    assert hand['cmd_timeout'] == 0.0
    assert set(hand['constraints']) == {'goal_time', 'stopped_velocity_tolerance'}
    assert hand['constraints']['goal_time'] > 0
    arm = parameters[ROBOT.arm.controller]['ros__parameters']
    assert set(ROBOT.arm.joints) < set(arm['constraints'])
    assert arm['joints'] == list(ROBOT.arm.joints)


def test_streamed_positions_go_to_a_forward_controller_in_its_order():
    order = ROBOT.arm.joints[::-1]
    change = {'interface': Interface.POSITION_STREAM, 'command_joints': order}
    robot = ROBOT.model_copy(update={'arm': ROBOT.arm.model_copy(update=change)})
    parameters = controllers(robot)
    manager = parameters['controller_manager']['ros__parameters']
    assert manager[ROBOT.arm.controller]['type'].endswith('ForwardCommandController')
    arm = parameters[ROBOT.arm.controller]['ros__parameters']
    assert arm == {'joints': list(order), 'interface_name': 'position'}


def test_drivers_outside_of_ros2_control_are_refused():
    change = {'interface': Interface.JOINT_STATE_STREAM, 'topic': 'cmd'}
    robot = ROBOT.model_copy(update={'hand': ROBOT.hand.model_copy(update=change)})
    with pytest.raises(ConfigurationError, match='joint_state_stream'):
        controllers(robot)


def test_the_command_writes_both_files(tmp_path):
    options = ['ros2-control', 'xarm7_ability', '--output', str(tmp_path), '--plugin', 'a/B']
    answer = CliRunner().invoke(
        commands.app, [*options, '--param', 'robot_ip=192.168.1.10'], catch_exceptions=False
    )
    assert 'spawner joint_state_broadcaster xarm7_traj_controller' in answer.output
    text = (tmp_path / 'xarm7_ability.urdf').read_text()
    assert '<plugin>a/B</plugin>' in text
    assert '<param name="robot_ip">192.168.1.10</param>' in text
    file = yaml.safe_load((tmp_path / 'xarm7_ability.controllers.yaml').read_text())
    assert file == controllers(ROBOT)
    with pytest.raises(Dex1bError, match='NAME=VALUE'):
        CliRunner().invoke(commands.app, [*options, '--param', 'ip'], catch_exceptions=False)
