"""Whoever waits for a server that is killed is told, and is answered once it runs again."""

import signal
import threading
import time

import pytest
from harness import NodeProcess

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_msgs.action import GraspObject
from dex1b_msgs.srv import PlanGrasp
from dex1b_ros.callers import ActionCaller, ServiceCaller
from dex1b_ros.server_life import LEASE_S

pytestmark = pytest.mark.ros


@pytest.fixture
def callers(client):
    made = (
        ServiceCaller(client.node, PlanGrasp, 'plan_grasp'),
        ActionCaller(client.node, GraspObject, 'grasp_object', has_lease=True),
    )
    yield made
    for caller in made:
        caller.destroy()


def call_of(caller, seconds: float):
    """A call that would wait for perception, which does not run."""
    if isinstance(caller, ServiceCaller):
        return caller.call(PlanGrasp.Request(), timeout_s=seconds)
    return caller.call(GraspObject.Goal(), timeout_s=seconds, cancelled=lambda: False)


def refused(caller) -> None:
    """A call that is answered at once."""
    reply = caller.call(PlanGrasp.Request(hand='claw'), timeout_s=20.0)
    assert reply.error_code == ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(('kind', 'number'), [(0, signal.SIGKILL), (1, signal.SIGSTOP)])
def test_a_lost_server_is_noticed_within_its_lease(ros_domain, callers, kind, number):
    caller, server = callers[kind], NodeProcess('grasp_server')
    try:
        server.wait_for_output('active', 40.0)
        refused(callers[0])
        time.sleep(LEASE_S)  # within which it first tells that it lives
        threading.Timer(0.7, server.process.send_signal, [number]).start()
        begin = time.monotonic()
        with pytest.raises(Dex1bError, match='ended or hangs') as caught:
            call_of(caller, 20.0)
        assert caught.value.error_code is ErrorCode.NODE_UNAVAILABLE
        assert time.monotonic() - begin < 9.0
    finally:
        server.process.kill()
        server.process.wait()
    again = NodeProcess('grasp_server')
    try:
        again.wait_for_output('active', 40.0)
        refused(callers[0])
    finally:
        again.stop()


def test_a_canceled_service_call_ends(ros_domain, client):
    server = NodeProcess('grasp_server')
    caller = ServiceCaller(client.node, PlanGrasp, 'plan_grasp')
    try:
        server.wait_for_output('active', 40.0)
        with pytest.raises(Dex1bError, match='canceled while waiting'):
            caller.call(PlanGrasp.Request(), timeout_s=60.0, cancelled=lambda: True)
    finally:
        caller.destroy()
        server.stop()
