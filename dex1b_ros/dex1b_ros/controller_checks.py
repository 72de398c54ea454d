"""What a running ros2_control tells about its controllers: their joints, and whether they act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.node import Node

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import Interface, JointGroup
from dex1b_ros.node import Dex1bNode, wait_for

_ANSWER_S = 2.0


def controller_listens(node: Node, group: JointGroup) -> bool:
    """Whether somebody takes the group's commands, as far as discovery knows."""
    if group.interface is Interface.FOLLOW_JOINT_TRAJECTORY:
        service = node.resolve_service_name(f'{group.command_name}/_action/send_goal')
        return bool(node.count_services(service))
    return bool(node.count_subscribers(node.resolve_topic_name(group.command_name)))


def require_joint_names(node: Dex1bNode, group: JointGroup) -> None:
    """Compare a controller's `joints` parameter, where it can be asked, with the description.

    An array of positions carries no names: there the order counts too. Call it from a worker
    thread.

    Raises:
        Dex1bError: INVALID_CONFIGURATION, with both lists.
    """
    joints = controller_joints(node, group.controller)
    if joints is not None:
        check_joint_names(group, joints, node.params.tf_prefix)


def controller_joints(node: Node, controller: str) -> tuple[str, ...] | None:
    """A controller's `joints` parameter; None where it cannot be asked or has none."""
    name = f'{controller}/get_parameters'
    answer = _ask(node, GetParameters, name, GetParameters.Request(names=['joints']))
    if answer is None or not answer.values or not answer.values[0].string_array_value:
        return None
    return tuple(answer.values[0].string_array_value)


def check_joint_names(group: JointGroup, joints: Sequence[str], prefix: str) -> None:
    """Compare a controller's joints with the description.

    Raises:
        Dex1bError: INVALID_CONFIGURATION.
    """
    expected = [prefix + name for name in group.command_order]
    same = (
        list(joints) == expected if group.interface.streamed else sorted(joints) == sorted(expected)
    )
    if not same:
        raise Dex1bError(
            ErrorCode.INVALID_CONFIGURATION,
            f"controller '{group.controller}' has joints {list(joints)}, the description "
            f'{expected} (tf_prefix {prefix!r}); correct `joints` or `command_joints`: they must '
            f'be the same{" and in the same order" if group.interface.streamed else ""}',
        )


def require_active_controllers(node: Node, groups: Iterable[JointGroup]) -> str:
    """Refuse to go on while the controller manager says that a controller is not active.

    Returns:
        Why nobody could be asked, or ''.

    Raises:
        Dex1bError: CONTROLLER_UNAVAILABLE, with the state of each controller.
    """
    try:
        from controller_manager_msgs.srv import ListControllers
    except ImportError:
        return 'controller_manager_msgs is not installed'
    name = 'controller_manager/list_controllers'
    answer = _ask(node, ListControllers, name, ListControllers.Request())
    if answer is None:
        return f"no service '{node.resolve_service_name(name)}'"
    check_active({item.name: item.state for item in answer.controller}, groups)
    return ''


def check_active(states: dict[str, str], groups: Iterable[JointGroup]) -> None:
    """Refuse controllers whose state is not 'active'.

    A driver that takes a stream of joint states is no controller of a manager.

    Raises:
        Dex1bError: CONTROLLER_UNAVAILABLE.
    """
    for group in groups:
        if group.interface is Interface.JOINT_STATE_STREAM:
            continue
        state = states.get(group.controller, 'not loaded')
        if state != 'active':
            raise Dex1bError(
                ErrorCode.CONTROLLER_UNAVAILABLE,
                f"controller '{group.controller}' is {state}; the controller manager has {states}: "
                f'ros2 control set_controller_state {group.controller} active',
            )


def _ask(node: Node, kind: Any, name: str, request: Any) -> Any:
    """The answer of a service, or None when there is none or it does not answer in time."""
    if not node.count_services(node.resolve_service_name(name)):
        return None
    client = node.create_client(kind, name)
    try:
        if not client.wait_for_service(_ANSWER_S):
            return None
        return wait_for(client.call_async(request), _ANSWER_S, name)
    except Dex1bError:
        return None
    finally:
        node.destroy_client(client)
