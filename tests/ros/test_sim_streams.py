"""The simulated robot under streamed positions: it follows, and ignores what does not fit."""

import time

import numpy as np
import pytest
from harness import Client, NodeProcess, node_command
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from test_controllers import ROBOT, STREAMS, robot_file

pytestmark = pytest.mark.ros

ARM, HAND = ROBOT.arm, ROBOT.hand


@pytest.fixture(scope='module')
def bench(ros_domain, tmp_path_factory):
    path = robot_file(tmp_path_factory.mktemp('robot'), STREAMS)
    command = node_command('sim_robot_node', robot=path, object='shape:box', camera_rate=0.1)
    process, client = NodeProcess(command), Client('streams')
    try:
        client.wait_for_message(JointState, 'joint_states', 5, 90.0)
        yield client
    finally:
        client.close()
        process.stop(timeout_s=20.0)


def measured(client, names) -> np.ndarray:
    message = client.wait_for_message(JointState, 'joint_states', 5, 30.0)
    where = dict(zip(message.name, message.position, strict=True))
    return np.array([where[name] for name in names])


def send(client, kind, topic, messages, period=0.02) -> None:
    publisher = client.node.create_publisher(kind, topic, 1)
    deadline = time.monotonic() + 20
    while not publisher.get_subscription_count() and time.monotonic() < deadline:
        time.sleep(0.05)
    for message in messages:
        publisher.publish(message)
        time.sleep(period)


def test_the_arm_follows_an_array_in_the_drivers_order(bench):
    goal = np.add(ARM.home, [0.3, 0, 0, 0, 0, 0, 0.2])
    steps = np.linspace(ARM.home, goal, 100)
    order = [ARM.joints.index(name) for name in STREAMS['arm']['command_joints']]
    messages = [Float64MultiArray(data=step[order].tolist()) for step in steps]
    send(bench, Float64MultiArray, f'{ARM.controller}/commands', messages)
    deadline = time.monotonic() + 20
    while np.abs(measured(bench, ARM.joints) - goal).max() > 0.02 and time.monotonic() < deadline:
        time.sleep(0.1)
    np.testing.assert_allclose(measured(bench, ARM.joints), goal, atol=0.02)


def test_the_hand_follows_named_joints_and_ignores_what_does_not_fit(bench):
    topic = STREAMS['hand']['topic']
    before = measured(bench, HAND.joints)
    bad = [
        JointState(name=list(HAND.joints)[:-1], position=[1.0] * 5),
        JointState(name=list(HAND.joints), position=[1.0]),
        JointState(name=list(HAND.joints), position=[float('nan')] * 6),
        JointState(position=[1.0] * 6),
    ]
    send(bench, JointState, topic, bad, period=0.1)
    time.sleep(1.0)
    np.testing.assert_allclose(measured(bench, HAND.joints), before, atol=0.02)
    goal = np.add(HAND.open, [0.3, 0.3, 0.3, 0.3, 0.0, 0.2])
    names = list(HAND.joints)[::-1]
    steps = np.linspace(HAND.open, goal, 50)
    good = [JointState(name=names, position=step[::-1].tolist()) for step in steps]
    send(bench, JointState, topic, good)
    deadline = time.monotonic() + 20
    while np.abs(measured(bench, HAND.joints) - goal).max() > 0.05 and time.monotonic() < deadline:
        time.sleep(0.1)
    np.testing.assert_allclose(measured(bench, HAND.joints), goal, atol=0.05)
