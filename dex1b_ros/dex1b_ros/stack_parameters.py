"""What clients must have in common with a running stack."""

from __future__ import annotations

from typing import Any

from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.commander import Commander
from dex1b_ros.node import wait_for

_ANSWER_S = 10.0
_SHARED = ('robot', 'tf_prefix', 'use_sim_time')


def stack_parameters(namespace: str) -> dict[str, Any]:
    """`robot`, `tf_prefix` and `use_sim_time` of a running stack, as its grasp server has them.

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
