"""The articulation server before a simulated cabinet: what it refuses, and that nothing moves."""

import math
from dataclasses import replace

import numpy as np
import pytest
from harness import node_process
from std_msgs.msg import Header

from dex1b_core.errors import ErrorCode
from dex1b_msgs.srv import PlanArticulation
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.demo_articulate import OpeningTask

pytestmark = pytest.mark.ros

OBJECT, SEED = 'articulated:door-left-100', 1
TASK = OpeningTask.of(OBJECT, SEED)


@pytest.fixture(scope='module')
def bench(ros_domain):
    with (
        node_process('sim_robot_node', object=OBJECT, seed=SEED, camera='robot_side'),
        node_process(
            'perception_node', use_sim_time=True, scene__max_points=20000, scene__reconstruct=False
        ),
        node_process('articulation_server', use_sim_time=True) as server,
    ):
        server.wait_for_output('active', 90.0)  # the optimiser takes its time to load
        yield server


def plan(client, joint=TASK.joint, displacement=0.5, **changes) -> PlanArticulation.Response:
    model = model_msg(joint, Header(frame_id='link_base'))
    for name, value in changes.items():
        setattr(model, name, value)
    request = PlanArticulation.Request(model=model, displacement=displacement, seed=1)
    return client.call(PlanArticulation, 'plan_articulation', request, 180.0)


def test_a_joint_is_not_led_beyond_its_limit(bench, client) -> None:
    reply = plan(client, displacement=TASK.joint.upper + 0.2)
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert 'beyond the limits' in reply.error_msg


def test_a_wrong_axis_moves_nothing_that_is_seen(bench, client) -> None:
    wrong = replace(TASK.joint, origin=TASK.joint.origin - np.array([0.2, 0.0, 0.0]))
    reply = plan(client, joint=wrong)
    assert reply.error_code == ErrorCode.TARGET_NOT_FOUND
    assert 'axis' in reply.error_msg


def test_malformed_models_are_refused_before_anybody_looks(bench, client) -> None:
    reply = plan(client, type=7)
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert 'REVOLUTE=1' in reply.error_msg
    reply = plan(client, lower=math.nan)
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert 'finite' in reply.error_msg
    assert bench.alive
