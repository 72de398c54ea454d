"""A robot for ros2_control: its URDF with <ros2_control> tags, and its controllers' parameters."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.description import RobotDescription
from dex1b_core.robots.joint_group import Interface, JointGroup
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_meshes import make_absolute

Element = ElementTree.Element

MOCK = 'mock_components/GenericSystem'
UPDATE_RATE = 250  # Hz
GOAL_TIME = 1.0  # s; 0 would wait for ever

_TYPES = {
    Interface.FOLLOW_JOINT_TRAJECTORY: 'joint_trajectory_controller/JointTrajectoryController',
    Interface.JOINT_TRAJECTORY: 'joint_trajectory_controller/JointTrajectoryController',
    Interface.POSITION_STREAM: 'forward_command_controller/ForwardCommandController',
}


def ros2_control_urdf(
    robot: RobotDescription, *, plugin: str = MOCK, parameters: dict[str, str] | None = None
) -> str:
    """The robot's URDF with a <ros2_control> system for arm and hand each.

    Args:
        robot: Whose joints are commanded by position; joints that mimic others only tell theirs.
        plugin: Of the hardware; by default none, positions are what was commanded.
        parameters: Of the plugin.

    Raises:
        AssetError: the model has not been fetched.
        ConfigurationError: a joint is not in it.
    """
    path = robot.urdf_path
    document = ElementTree.parse(path).getroot()
    make_absolute(document, path)
    for mesh in document.iter('mesh'):
        if mesh.attrib['filename'].startswith('/'):
            mesh.set('filename', f'file://{mesh.attrib["filename"]}')  # as RViz wants it
    tree = LinkTree.from_urdf(path)
    for label, group, start in (
        ('arm', robot.arm, robot.arm.home),
        ('hand', robot.hand, robot.hand.open),
    ):
        system = ElementTree.SubElement(
            document, 'ros2_control', name=f'{robot.name}_{label}', type='system'
        )
        hardware = ElementTree.SubElement(system, 'hardware')
        ElementTree.SubElement(hardware, 'plugin').text = plugin
        for key, value in (parameters or {}).items():
            ElementTree.SubElement(hardware, 'param', name=key).text = value
        _add_joints(system, group, start, tree)
    ElementTree.indent(document)
    return ElementTree.tostring(document, encoding='unicode') + '\n'


def _add_joints(
    system: Element, group: JointGroup, start: tuple[float, ...], tree: LinkTree
) -> None:
    joints = {joint.name: joint for joint in tree.joints}
    missing = [name for name in group.joints if name not in joints]
    if missing:
        raise ConfigurationError(f'joints {missing} are not in the URDF; it has {sorted(joints)}')
    for name, position in zip(group.joints, start, strict=True):
        element = ElementTree.SubElement(system, 'joint', name=name)
        command = ElementTree.SubElement(element, 'command_interface', name='position')
        lower, upper = joints[name].limits
        ElementTree.SubElement(command, 'param', name='min').text = f'{lower:.6g}'
        ElementTree.SubElement(command, 'param', name='max').text = f'{upper:.6g}'
        _add_states(element, position)
    followed = tree.complete(dict(zip(group.joints, start, strict=True)))
    for joint in tree.joints:
        if joint.kind != 'fixed' and joint.mimic is not None and joint.mimic[0] in group.joints:
            element = ElementTree.SubElement(system, 'joint', name=joint.name)
            _add_states(element, followed[joint.name])


def _add_states(element: Element, position: float) -> None:
    state = ElementTree.SubElement(element, 'state_interface', name='position')
    ElementTree.SubElement(state, 'param', name='initial_value').text = f'{position:.6g}'
    ElementTree.SubElement(element, 'state_interface', name='velocity')


def controllers(robot: RobotDescription) -> dict[str, object]:
    """Parameters of the controller manager and the controllers of arm and hand, for a YAML file.

    The hand's controller has no tolerances and no timeout: a grip is a position error, and each way
    of aborting a goal would replace it by the measured position and let go.

    Raises:
        ConfigurationError: a driver that takes joint states is no controller of ros2_control.
    """
    manager: dict[str, object] = {
        'update_rate': UPDATE_RATE,
        'joint_state_broadcaster': {'type': 'joint_state_broadcaster/JointStateBroadcaster'},
    }
    report: dict[str, object] = {'controller_manager': {'ros__parameters': manager}}
    for group, keeps_grip in ((robot.arm, False), (robot.hand, True)):
        if group.interface not in _TYPES:
            raise ConfigurationError(
                f"robot '{robot.name}': controller '{group.controller}' takes {group.interface}, "
                f'which no controller of ros2_control does; expected one of '
                f'{", ".join(sorted(_TYPES))}'
            )
        manager[group.controller] = {'type': _TYPES[group.interface]}
        report[group.controller] = {'ros__parameters': _parameters(group, keeps_grip)}
    return report


def _parameters(group: JointGroup, keeps_grip: bool) -> dict[str, object]:
    if group.interface is Interface.POSITION_STREAM:
        return {'joints': list(group.command_order), 'interface_name': 'position'}
    constraints: dict[str, object] = {'goal_time': GOAL_TIME, 'stopped_velocity_tolerance': 0.0}
    if not keeps_grip:
        constraints |= {name: {'trajectory': 0.2, 'goal': 0.02} for name in group.joints}
    return {
        'joints': list(group.joints),
        'command_interfaces': ['position'],
        'state_interfaces': ['position', 'velocity'],
        'allow_partial_joints_goal': False,
        'cmd_timeout': 0.0,
        'state_publish_rate': 50.0,
        'action_monitor_rate': 20.0,
        'constraints': constraints,
    }
