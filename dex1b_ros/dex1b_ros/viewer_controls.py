"""The viewer's buttons as calls of the running stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_srvs.srv import Trigger

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.viz.browser.controls import Report
from dex1b_msgs.msg import GraspTarget
from dex1b_ros.commander import StackClient
from dex1b_ros.node import Dex1bNode, wait_for
from dex1b_ros.reports import pick_report, plan_report

Array = NDArray[np.float64]

_ANSWER_S = 5.0
_STOP = 'executor/stop'
_RESETS = ('safety_monitor/reset', 'executor/reset')


class RosControls:
    """Call it from threads that do not spin the node."""

    def __init__(self, node: Dex1bNode) -> None:
        self._node = node
        self._stack = StackClient(node)
        self._triggers = {name: node.create_client(Trigger, name) for name in (_STOP, *_RESETS)}

    def destroy(self) -> None:
        """Free the clients."""
        self._stack.destroy()
        for client in self._triggers.values():
            self._node.destroy_client(client)

    def plan(self, target: Array | None) -> Report:
        """See StackControls."""
        return plan_report(self._stack.plan(target=grasp_target(target)))

    def pick(self, target: Array | None) -> Report:
        """See StackControls."""
        return pick_report(self._stack.pick(target=grasp_target(target)))

    def stop(self) -> str:
        """Cancel the viewer's pick, and stop the executor whoever it works for."""
        self._stack.cancel()
        return self._trigger(_STOP)

    def reset(self) -> str:
        """Reset the monitor, then the executor, which asks the monitor."""
        return '; '.join(self._trigger(name) for name in _RESETS)

    def _trigger(self, name: str) -> str:
        client = self._triggers[name]
        if not client.service_is_ready():
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE,
                f"no service '{client.srv_name}': is its node running? A robot in motion must be "
                'stopped by its own emergency stop',
            )
        reply: Any = wait_for(client.call_async(Trigger.Request()), _ANSWER_S, f"service '{name}'")
        return f'{name}: {reply.message or ("done" if reply.success else "refused")}'


def grasp_target(point: Array | None) -> GraspTarget | None:
    """The object at a point (3,) of the planning frame [m]; None: the most graspable."""
    if point is None:
        return None
    target = GraspTarget(mode=GraspTarget.POINT)
    target.point.x, target.point.y, target.point.z = (float(value) for value in point)
    return target
