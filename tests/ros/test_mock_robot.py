"""The mock robot as a process: perfect tracking, no physics."""

import subprocess
import sys

import pytest
from control_msgs.action import FollowJointTrajectory
from harness import Client, NodeProcess
from sensor_msgs.msg import JointState
from test_sim_robot import ABORTED, CANCELED, HOME, ROBOT, SUCCEEDED, finish, goal, position
from tf2_msgs.msg import TFMessage

from dex1b_ros.action_client import ActionClient

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def bench(ros_domain):
    process = NodeProcess('mock_robot_node', rate=50.0, tf_prefix='right_')
    client = Client('mock_robot_client')
    client.arm = ActionClient(
        client.node, FollowJointTrajectory, f'{ROBOT.arm.controller}/follow_joint_trajectory'
    )
    client.joints = ['right_' + name for name in ROBOT.arm.joints]
    try:
        yield client
    finally:
        client.close()
        assert process.stop(timeout_s=20.0) == 0
    assert 'Traceback' not in process.output


def joint_states(client, accept=None):
    return client.wait_for_message(JointState, 'joint_states', 5, 30.0, accept)


def test_it_starts_at_home_with_an_open_hand(bench):
    state = joint_states(bench)
    for group, start in ((ROBOT.arm, ROBOT.arm.home), (ROBOT.hand, ROBOT.hand.open)):
        for name, value in zip(group.joints, start, strict=True):
            assert position(state, 'right_' + name) == pytest.approx(value)
    assert position(state, 'right_index_q2') == pytest.approx(1.05851325 * 0.15 + 0.72349796)


def test_it_moves_through_the_trajectory_and_reports_velocities(bench):
    away = [0.4, *HOME[1:]]
    request = goal(bench.joints, (0.0, HOME), (1.0, away))
    handle = bench.send_goal(bench.arm, request)
    moving = joint_states(bench, lambda s: 0.1 < position(s, 'right_joint1') < 0.3)
    assert moving.velocity[moving.name.index('right_joint1')] > 0.1
    assert finish(bench, handle)[0] == SUCCEEDED
    joint_states(bench, lambda s: position(s, 'right_joint1') == pytest.approx(0.4))


def test_transforms_carry_the_prefix(bench):
    message = bench.wait_for_message(TFMessage, '/tf', 20)
    frames = {t.child_frame_id for t in message.transforms}
    assert {'right_link7', 'right_thumb_L2'} <= frames


def test_cancel_and_replacement(bench):
    away = [0.8, *HOME[1:]]
    first = bench.send_goal(bench.arm, goal(bench.joints, (20.0, away)))
    second = bench.send_goal(bench.arm, goal(bench.joints, (20.0, HOME)))
    assert finish(bench, first)[0] == ABORTED
    bench.result(second.cancel_goal_async())
    assert finish(bench, second)[0] == CANCELED


def test_names_without_the_prefix_are_rejected(bench):
    assert not bench.send_goal(bench.arm, goal(ROBOT.arm.joints, (1.0, HOME))).accepted


def test_it_needs_no_physics_engine():
    code = (
        'import sys, dex1b_ros.mock_robot_node; '
        "print([m for m in ('sapien', 'open3d', 'torch') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == '[]'
