"""Who may say and hear what: an SROS 2 policy for the nodes of the stack and one robot.

Only the executor may command controllers; the safety monitor may end what they do. Whoever plans
and picks is a client, whoever changes parameters and lifecycle states an operator.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from dex1b_core.robots import Interface, JointGroup, RobotDescription
from dex1b_ros import moveit_settings

Element = ElementTree.Element

_OWN_SERVICES = (
    'change_state', 'describe_parameters', 'get_available_states', 'get_available_transitions',
    'get_logger_levels', 'get_parameter_types', 'get_parameters', 'get_state',
    'get_transition_graph', 'get_type_description', 'list_parameters', 'set_logger_levels',
    'set_parameters', 'set_parameters_atomically',
)  # fmt: skip
_TELL_LIFE = {
    'articulate_object', 'capture_scene', 'check_grasps', 'execute_articulation',
    'execute_grasp', 'generate_grasps', 'grasp_object', 'plan_articulation', 'plan_grasp',
}  # fmt: skip
_PARAMETER_SERVICES = tuple(name for name in _OWN_SERVICES if 'parameter' in name)
_CAMERA = ('image_raw', 'camera_info')


@dataclass(frozen=True)
class Rights:
    """What one node may do; names are relative, '~' is the node.

    Attributes:
        publish, subscribe: Topics.
        reply, request: Services.
        execute, call: Actions, as server and as client.
    """

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()
    call: tuple[str, ...] = ()


def rights(robot: RobotDescription) -> dict[str, Rights]:
    """Rights of each node of the stack, of clients, operators and the robot's driver."""
    arm, hand = robot.arm, robot.hand
    cameras = tuple(f'camera/{kind}/{end}' for kind in ('depth', 'color') for end in _CAMERA)
    actions = tuple(g.command_name for g in (arm, hand) if _has_action(g))
    topics = tuple(g.command_name for g in (arm, hand) if not _has_action(g))
    parameters = tuple(f'{group.controller}/get_parameters' for group in (arm, hand))
    triggers = ('stop', 'reset', 'pause', 'resume')
    return {
        'perception': Rights(
            publish=(
                '~/labels', '~/markers', '~/object_cloud', '~/objects', '~/obstacle_cloud',
                '~/segmentation', '~/support_plane',
            ),
            subscribe=(
                '/tf', '/tf_static', 'clicked_point', 'joint_states', 'target_mask', *cameras,
            ),
            execute=('capture_scene',),
        ),
        'generator': Rights(reply=('generate_grasps',)),
        'sim_check': Rights(execute=('check_grasps',)),
        'grasp_server': Rights(
            publish=(
                '~/grasps', '~/markers', '~/planned_motion', '~/planned_path', '~/rejected',
                'execute_grasp/heartbeat',
            ),
            subscribe=('grasp_object/heartbeat', 'joint_states'),
            reply=('plan_grasp',),
            request=('generate_grasps',),
            execute=('grasp_object',),
            call=('capture_scene', 'check_grasps', 'execute_grasp'),
        ),
        'articulation_server': Rights(
            publish=(
                '~/grasps', '~/markers', '~/planned_path', '~/model', '~/axis',
                'execute_articulation/heartbeat',
            ),
            subscribe=('articulate_object/heartbeat', 'joint_states', '/tf', '/tf_static'),
            reply=('plan_articulation',),
            execute=('articulate_object',),
            call=('capture_scene', 'execute_articulation'),
        ),
        'executor': Rights(
            publish=('~/status', *topics),
            subscribe=(
                'joint_states', 'safety_monitor/status', 'execute_grasp/heartbeat',
                'execute_articulation/heartbeat',
            ),
            reply=tuple(f'~/{name}' for name in triggers),
            request=(
                *parameters, 'controller_manager/list_controllers', *moveit_settings.SERVICES,
            ),
            execute=('execute_grasp', 'execute_articulation'),
            call=actions,
        ),
        'safety_monitor': _monitor(arm, cameras),
        'dex1b_client': Rights(
            publish=(
                'grasp_object/heartbeat', 'articulate_object/heartbeat', 'clicked_point', 'estop',
                'target_mask',
            ),
            subscribe=('executor/status', 'safety_monitor/status'),
            request=(
                'plan_grasp', 'plan_articulation', 'safety_monitor/reset',
                *(f'executor/{name}' for name in triggers),
            ),
            call=('grasp_object', 'articulate_object'),
        ),
        'viewer': _viewer(cameras),
        'robot_driver': Rights(
            publish=('joint_states', '/tf', '/tf_static', 'robot_description', *cameras),
            subscribe=(*topics, arm.name_of(Interface.JOINT_TRAJECTORY)),
            reply=(*parameters, 'controller_manager/list_controllers'),
            execute=actions,
        ),
    }  # fmt: skip


def _viewer(cameras: tuple[str, ...]) -> Rights:
    """A client that also looks; it commands nothing but the stack."""
    return Rights(
        publish=('grasp_object/heartbeat',),
        subscribe=(
            'executor/status', 'grasp_server/grasps', 'grasp_server/planned_motion',
            'grasp_server/rejected', 'joint_states', 'perception/markers',
            'perception/object_cloud', 'perception/obstacle_cloud', 'perception/support_plane',
            'safety_monitor/status', '/tf', '/tf_static', *cameras,
        ),
        request=(
            'plan_grasp', 'executor/stop', 'executor/reset', 'safety_monitor/reset',
            *(f'perception/{service}' for service in _PARAMETER_SERVICES),
        ),
        call=('grasp_object',),
    )  # fmt: skip


def _monitor(arm: JointGroup, cameras: tuple[str, ...]) -> Rights:
    """Ends what the arm's controller does: by a goal's end, or by a trajectory that brakes."""
    action = f'{arm.name_of(Interface.FOLLOW_JOINT_TRAJECTORY)}/_action'
    return Rights(
        publish=(
            '~/status',
            *(() if arm.interface.streamed else (arm.name_of(Interface.JOINT_TRAJECTORY),)),
        ),
        subscribe=(
            'estop', 'executor/status', 'joint_states', '/tf', f'{action}/feedback',
            *(name for name in cameras if name.endswith('camera_info')),
        ),
        reply=('~/reset',),
        request=(f'{action}/cancel_goal',),
    )  # fmt: skip


def _has_action(group: JointGroup) -> bool:
    return group.interface is Interface.FOLLOW_JOINT_TRAJECTORY


def policy_xml(robot: RobotDescription, namespace: str = '/') -> str:
    """The policy that `ros2 security create_permission` takes, one enclave a node."""
    policy = ElementTree.Element('policy', version='0.2.0')
    enclaves = ElementTree.SubElement(policy, 'enclaves')
    every = rights(robot)
    for name, own in every.items():
        is_managed = name not in {'dex1b_client', 'robot_driver'}
        _add_enclave(enclaves, name, own, namespace, is_managed)
    nodes = [name for name in every if name not in {'dex1b_client', 'robot_driver'}]
    operator = Rights(
        subscribe=tuple(f'{name}/transition_event' for name in nodes),
        request=tuple(f'{name}/{service}' for name in nodes for service in _OWN_SERVICES),
    )
    _add_enclave(enclaves, 'operator', operator, namespace, is_managed=False)
    ElementTree.indent(policy)
    return ElementTree.tostring(policy, encoding='unicode') + '\n'


def _add_enclave(
    enclaves: Element, name: str, own: Rights, namespace: str, is_managed: bool
) -> None:
    enclave = ElementTree.SubElement(enclaves, 'enclave', path=f'/{name}')
    profiles = ElementTree.SubElement(enclave, 'profiles')
    profile = ElementTree.SubElement(profiles, 'profile', ns=namespace, node=name)
    services = tuple(f'~/{service}' for service in _OWN_SERVICES) if is_managed else ()
    events = ('~/transition_event',) if is_managed else ()
    own_life, others_life = _alive(own.reply + own.execute), _alive(own.request + own.call)
    for kind, permission, names in (
        ('topic', 'publish', (*own.publish, *own_life, '/rosout', '/parameter_events', *events)),
        ('topic', 'subscribe', (*own.subscribe, *others_life, '/clock', '/parameter_events')),
        ('service', 'reply', (*own.reply, *services)),
        ('service', 'request', own.request),
        ('action', 'execute', own.execute),
        ('action', 'call', own.call),
    ):
        if names:
            group = ElementTree.SubElement(profile, f'{kind}s', {permission: 'ALLOW'})
            for item in names:
                ElementTree.SubElement(group, kind).text = item


def _alive(servers: tuple[str, ...]) -> tuple[str, ...]:
    """Topics by which they tell that they live."""
    return tuple(f'{name}/alive' for name in servers if name in _TELL_LIFE)
