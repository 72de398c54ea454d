"""`dex1b view`: a viewer node that fits the stack that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.bringup import node_command
from dex1b_ros.commander import Commander
from dex1b_ros.node import wait_for
from dex1b_ros.node_list import NodeSpec, StackOptions

_ANSWER_S = 10.0
_SHARED = ('robot', 'tf_prefix', 'use_sim_time')


def run_viewer(*, port: int, data_folder: Path, namespace: str = '') -> None:
    """Become the viewer's process; does not return.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when no stack runs.
    """
    known = stack_parameters(namespace)
    own = {'port': port, 'data_folder': str(data_folder.absolute())}
    options = StackOptions(namespace=namespace, viewer=True)
    command = node_command(NodeSpec('viewer', 'viewer_node', known | own), options)
    os.execv(command[0], command)


def stack_parameters(namespace: str) -> dict[str, Any]:
    """What the viewer must have in common with the stack, as the grasp server has it.

    Raises:
        Dex1bError: NODE_UNAVAILABLE, DEADLINE.
    """
    with Commander(namespace=namespace) as commander:
        commander.wait_until_ready()
        client = AsyncParameterClient(commander.node, 'grasp_server')
        if not client.wait_for_services(_ANSWER_S):
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE,
                "'grasp_server' does not tell its parameters; is it hung? Restart the stack",
            )
        reply = wait_for(client.get_parameters(list(_SHARED)), _ANSWER_S, "'grasp_server'")
    values = [parameter_value_to_python(value) for value in reply.values]
    return dict(zip(_SHARED, values, strict=True))
