"""The doctor's view of a robot: the mock robot, and a driver that does everything wrong."""

from __future__ import annotations

import pytest
from geometry_msgs.msg import TransformStamped
from harness import Client, NodeProcess, node_command
from rclpy.duration import Duration
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from test_controllers import ROBOT, STREAMS, robot_file
from tf2_msgs.msg import TFMessage

from dex1b_core.doctor import DoctorOptions, Finding, Status
from dex1b_ros.node import LATCHED
from dex1b_ros.robot_doctor import verdict
from dex1b_ros.stack_doctor import check_stack

pytestmark = pytest.mark.ros


def findings(**options) -> dict:
    return {item.check: item for item in check_stack(DoctorOptions(**options))}


def test_a_streamed_mock_robot_passes_but_for_its_missing_nodes(ros_domain, tmp_path):
    path = robot_file(tmp_path, STREAMS)
    options = {'rate': 50.0, 'tf_prefix': 'left_', 'states_apart': True}
    command = node_command('mock_robot_node', robot=path, **options)
    process = NodeProcess([*command, '-r', '__ns:=/passes'])
    try:
        process.wait_for_output('after its start', 40.0)
        found = findings(namespace='passes', robot=path, tf_prefix='left_', discovery_s=6.0)
    finally:
        process.stop()
    for check in ('joint states', 'joint states clock', 'joint names', 'joint limits', 'TF tree',
                  'TF clock', 'arm controller', 'arm order', 'hand controller',
                  'hand order'):  # fmt: skip
        assert found[check].status is Status.OK, found[check]
    assert '2 kinds of messages' in found['joint names'].detail
    assert 'position_stream on /passes/xarm7_traj_controller/commands' in (
        found['arm controller'].detail
    )
    assert found['controller states'].status is Status.SKIPPED
    assert 'node executor' in found['verdict'].detail


def test_another_order_than_the_controllers_is_found(ros_domain, tmp_path):
    other = {**STREAMS, 'arm': {'interface': 'position_stream'}}
    (tmp_path / 'driver').mkdir()
    path = robot_file(tmp_path / 'driver', STREAMS)
    command = node_command('mock_robot_node', robot=path)
    process = NodeProcess([*command, '-r', '__ns:=/order'])
    try:
        process.wait_for_output('after its start', 40.0)
        path = robot_file(tmp_path, other)
        found = findings(namespace='order', robot=path, discovery_s=6.0)
    finally:
        process.stop()
    assert found['arm order'].status is Status.FAIL
    assert 'same order' in found['arm order'].detail


class BadDriver:
    """Ten seconds ago, joints missing or told of twice, one out of its limits, a TF island."""

    def __init__(self) -> None:
        self.client = Client('bad_driver')
        node = self.client.node
        self._states = node.create_publisher(JointState, '/bad/joint_states', 5)
        self._tf = node.create_publisher(TFMessage, '/tf_static', LATCHED)
        transform = TransformStamped(header=Header(frame_id='table'), child_frame_id='link_base')
        other = TransformStamped(header=Header(frame_id='floor'), child_frame_id='link_base')
        self._tf.publish(TFMessage(transforms=[transform, other]))
        node.create_timer(0.05, self._publish)

    def _publish(self) -> None:
        stamp = (self.client.node.get_clock().now() - Duration(seconds=10.0)).to_msg()
        home, header = ROBOT.arm.home, Header(stamp=stamp)
        for names, positions in (
            (ROBOT.arm.joints, [*home[:-1], 9.0]),
            (ROBOT.hand.joints[:-1], ROBOT.hand.open[:-1]),
            (ROBOT.arm.joints[:1], [home[0] + 1.0]),
        ):
            told = JointState(header=header, name=list(names), position=list(positions))
            self._states.publish(told)


def test_everything_that_a_driver_can_do_wrong_is_named(ros_domain):
    driver = BadDriver()
    try:
        found = findings(namespace='bad', robot=ROBOT.name, discovery_s=3.0)
    finally:
        driver.client.close()
    assert found['stack'].status is Status.SKIPPED
    expected = {
        'joint states clock': '-10.0',
        'joint names': f"missing ['{ROBOT.hand.joints[-1]}']",
        'joint publishers': f"contradict each other about joints ['{ROBOT.arm.joints[0]}']",
        'joint limits': 'joint7 at 9.000',
        'TF tree': "no way from 'link_base' to 'base'",
        'arm controller': 'nobody takes follow_joint_trajectory',
        'hand controller': '/bad/ability_hand_controller/follow_joint_trajectory',
    }
    for check, text in expected.items():
        assert found[check].status is Status.FAIL, found[check]
        assert text in found[check].detail
        assert found[check].mend
    assert found['cameras'].status is Status.WARN
    assert found['verdict'].status is Status.FAIL
    assert 'joint limits' in found['verdict'].detail


def test_the_verdict_follows_the_worst():
    fine = Finding('a', Status.OK, '')
    warned = Finding('b', Status.WARN, '')
    assert verdict([fine]).status is Status.OK
    assert verdict([fine, warned]).status is Status.WARN
    assert verdict([warned, Finding('c', Status.FAIL, '')]).detail == 'not ready: c'
