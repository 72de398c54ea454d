"""The simulated bench from outside: other objects on the table, stops forgotten."""

from __future__ import annotations

from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.node import wait_for

_PATIENCE_S = 60.0  # wall clock: a simulation loads slowly on a busy machine
_OUT = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
_IN = (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)


class SimBench:
    """Calls services of a running stack through a node that somebody else spins."""

    def __init__(self, node: Node, simulation: str = 'sim_robot') -> None:
        self._node, self._simulation = node, simulation

    def put(self, object_name: str, seed: int) -> None:
        """Put another object on the table, with the robot at home; nothing is restarted.

        Args:
            object_name: As the simulation's parameter.
            seed: Of its place and the camera's noise.

        Raises:
            Dex1bError: SIM_ERROR when the object cannot be put there.
        """
        for transition in _OUT:
            self._change(transition)
        values = [Parameter('object', value=object_name), Parameter('seed', value=seed)]
        request = SetParameters.Request(parameters=[value.to_parameter_msg() for value in values])
        for result in self._call(
            SetParameters, f'{self._simulation}/set_parameters', request
        ).results:
            if not result.successful:
                raise Dex1bError(ErrorCode.INVALID_REQUEST, result.reason)
        for transition in _IN:
            if not self._change(transition):
                raise Dex1bError(
                    ErrorCode.SIM_ERROR,
                    f"'{object_name}' cannot be put on the table with seed {seed}; see the log of "
                    f'{self._simulation}',
                )

    def reset(self) -> None:
        """What an operator does after a stop: forget it where its cause is gone."""
        for node in ('safety_monitor', 'executor'):
            self._call(Trigger, f'{node}/reset', Trigger.Request())

    def _change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self._call(ChangeState, f'{self._simulation}/change_state', request).success)

    def _call(self, kind: Any, name: str, request: Any) -> Any:
        client = self._node.create_client(kind, name)
        try:
            if not client.wait_for_service(_PATIENCE_S):
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE, f"no server for '{name}' in {_PATIENCE_S:.0f} s"
                )
            return wait_for(client.call_async(request), _PATIENCE_S, f"service '{name}'")
        finally:
            self._node.destroy_client(client)
