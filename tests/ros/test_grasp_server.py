"""The coordinator alone: what it answers when its neighbours are missing or the request is bad."""

import pytest
from harness import Client, node_process

from dex1b_core.errors import ErrorCode
from dex1b_msgs.action import CaptureScene
from dex1b_msgs.srv import PlanGrasp

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def server(ros_domain):
    with node_process('grasp_server') as process:
        yield process


def plan(client: Client, **request) -> PlanGrasp.Response:
    return client.call(PlanGrasp, 'plan_grasp', PlanGrasp.Request(**request), 60.0)


def test_missing_perception_is_named_and_the_node_stays_alive(server, client):
    for _ in range(2):
        reply = plan(client)
        assert reply.error_code == ErrorCode.NODE_UNAVAILABLE
        assert "'capture_scene'" in reply.error_msg
    assert server.alive


def test_unknown_hand_lists_the_known_one(server, client):
    reply = plan(client, hand='claw')
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert "'claw'" in reply.error_msg
    assert 'ability_right' in reply.error_msg


def test_a_failure_of_perception_is_passed_on_with_its_code(server, client):
    from rclpy.action import ActionServer

    def refuse(handle):
        handle.abort()
        return CaptureScene.Result(error_code=int(ErrorCode.NO_OBJECT), error_msg='table is empty')

    fake_camera = ActionServer(client.node, CaptureScene, 'capture_scene', refuse)
    try:
        reply = plan(client)
        assert reply.error_code == ErrorCode.NO_OBJECT
        assert reply.error_msg == 'table is empty'
    finally:
        fake_camera.destroy()


def test_two_plans_at_once_are_refused_as_busy(server, client):
    kind = client.node.create_client(PlanGrasp, 'plan_grasp')
    assert kind.wait_for_service(20.0)
    first = kind.call_async(PlanGrasp.Request())
    second = kind.call_async(PlanGrasp.Request())
    codes = {client.result(f, 60.0).error_code for f in (first, second)}
    assert codes == {int(ErrorCode.NODE_UNAVAILABLE), int(ErrorCode.BUSY)}


def test_unknown_robot_fails_configuration_with_the_known_names(ros_domain):
    with node_process('grasp_server', robot='no_such_robot') as process:
        process.wait_for_output('unknown robot')
        assert f'[{int(ErrorCode.UNKNOWN_ROBOT)}]' in process.output
        assert 'xarm7_ability' in process.output
        assert process.alive
