"""The simulated robot as a process: its topics, its controllers, its refusals."""

import itertools
import signal
import sys
import threading
import time

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from control_msgs.action import FollowJointTrajectory
from control_msgs.msg import JointTolerance
from geometry_msgs.msg import PoseStamped
from harness import Client, NodeProcess
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dex1b_core.robots import load_robot
from dex1b_core.simulation.world import Placement
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.node import LATCHED

pytestmark = pytest.mark.ros

ROBOT = load_robot('xarm7_ability')
HOME = list(ROBOT.arm.home)
SUCCEEDED, CANCELED, ABORTED = 4, 5, 6
STATIC = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
START_S = 90.0  # a busy machine loads the physics engine slowly


@pytest.fixture(scope='module')
def robot(ros_domain):
    process = NodeProcess('sim_robot_node', seed=4, real_time_factor=4.0, camera_rate=10.0)
    try:
        process.wait_for_output('stands at', START_S)
        yield process
    finally:
        process.stop()
    assert 'Traceback' not in process.output


@pytest.fixture(scope='module')
def bench(robot):
    client = Client('sim_robot_client')
    client.arm = _action(client, ROBOT.arm.controller)
    client.hand = _action(client, ROBOT.hand.controller)
    yield client
    client.close()


def _action(client, controller):
    return ActionClient(client.node, FollowJointTrajectory, f'{controller}/follow_joint_trajectory')


def goal(joints, *points, velocities=True, **fields):
    """A goal through (time [s], positions)."""
    message = FollowJointTrajectory.Goal(**fields)
    message.trajectory = trajectory(joints, *points, velocities=velocities)
    return message


def trajectory(joints, *points, velocities=True):
    message = JointTrajectory(joint_names=list(joints))
    for seconds, positions in points:
        point = JointTrajectoryPoint(positions=[float(p) for p in positions])
        point.velocities = [0.0] * len(joints) if velocities else []
        point.time_from_start = conversions.duration_msg(seconds)
        message.points.append(point)
    return message


def arm_goal(duration, **changes):
    """From wherever the arm is to home, with some joints elsewhere."""
    positions = list(HOME)
    for name, value in changes.items():
        positions[ROBOT.arm.joints.index(name)] = value
    return goal(ROBOT.arm.joints, (duration, positions))


def finish(client, handle):
    result = client.result(handle.get_result_async(), 60.0)
    return result.status, result.result


def joint_states(client, accept=None):
    return client.wait_for_message(JointState, 'joint_states', 5, 30.0, accept)


def position(state, name):
    return state.position[state.name.index(name)]


def test_joint_states_name_all_joints_with_velocity_and_effort(bench):
    state = joint_states(bench)
    assert len(state.name) == len(state.position) == len(state.velocity) == len(state.effort) == 17
    assert {*ROBOT.arm.joints, *ROBOT.hand.joints, 'index_q2'} <= set(state.name)
    assert state.header.frame_id == 'link_base'
    assert np.abs(state.effort).max() < 0.1


def test_the_clock_runs_and_not_faster_than_wanted(bench):
    first, begin = bench.wait_for_message(Clock, '/clock', 5), time.monotonic()
    time.sleep(2.0)
    last, end = bench.wait_for_message(Clock, '/clock', 5), time.monotonic()
    passed = conversions.seconds(last.clock) - conversions.seconds(first.clock)
    assert 0 < passed <= 4.0 * (end - begin) + 0.3


def test_transforms_lead_to_every_link_and_to_the_camera(bench):
    static = bench.wait_for_message(TFMessage, '/tf_static', STATIC)
    moving = bench.wait_for_message(TFMessage, '/tf', 20)
    children = [t.child_frame_id for t in (*static.transforms, *moving.transforms)]
    assert len(children) == len(set(children)) == 25
    assert {'link7', 'base', 'thumb_tip', 'pinky_L2', 'camera_optical_frame'} <= set(children)
    description = bench.wait_for_message(String, 'robot_description', LATCHED)
    assert '<link name="thumb_L2"' in description.data
    assert 'file:///' in description.data


def test_depth_and_colour_show_the_object_where_it_stands(bench):
    depth = bench.wait_for_message(Image, 'camera/depth/image_raw', 1, 60.0)
    info = bench.wait_for_message(CameraInfo, 'camera/depth/camera_info', 1, 30.0)
    colour = bench.wait_for_message(Image, 'camera/color/image_raw', 1, 30.0)
    pose = bench.wait_for_message(PoseStamped, 'sim_robot/object_pose', 1)
    static = bench.wait_for_message(TFMessage, '/tf_static', STATIC)
    assert (depth.encoding, depth.width, depth.height) == ('16UC1', 640, 480)
    assert (info.width, info.k[0], info.k[2]) == (640, 525.0, 319.5)
    assert (colour.encoding, len(colour.data)) == ('rgb8', 640 * 480 * 3)
    assert depth.header.frame_id == info.header.frame_id == 'camera_optical_frame'
    (camera,) = [t for t in static.transforms if t.child_frame_id == 'camera_optical_frame']
    world_T_camera = conversions.transform(camera.transform)
    middle = conversions.pose(pose.pose) @ [0, 0, 0.1, 1]
    x, y, z, _ = np.linalg.inv(world_T_camera) @ middle
    row, column = round(525 * y / z + 239.5), round(525 * x / z + 319.5)
    metres = conversions.image(depth)[row - 3 : row + 4, column - 3 : column + 4] / 1000.0
    assert z - 0.06 < np.median(metres) < z  # its surface, in front of its middle
    red, _, blue = conversions.image(colour)[row, column].astype(int)
    assert red > blue + 50  # the object is yellow


def test_frames_that_follow_each_other_have_other_noise(bench):
    """It repeats every three frames; on a busy machine two that arrive may be three apart."""
    frames = []
    enough = threading.Event()

    def keep(message):
        frames.append(conversions.image(message).astype(float))
        if len(frames) == 8:
            enough.set()

    subscription = bench.node.create_subscription(
        Image, 'camera/depth/image_raw', keep, qos_profile_sensor_data
    )
    assert enough.wait(30.0)
    bench.node.destroy_subscription(subscription)
    differences = [
        np.median(np.abs(one - other)[(one > 0) & (other > 0)])
        for one, other in itertools.pairwise(frames[:8])
    ]
    assert 0.5 < max(differences) < 5.0  # [mm]


def test_the_arm_follows_and_ends_where_told(bench):
    feedback = []
    handle = bench.send_goal(bench.arm, arm_goal(1.5, joint1=0.3), feedback.append)
    status, result = finish(bench, handle)
    assert (status, result.error_code) == (SUCCEEDED, 0)
    state = joint_states(bench)
    assert position(state, 'joint1') == pytest.approx(0.3, abs=0.02)
    assert len(feedback) >= 5
    errors = [max(map(abs, f.feedback.error.positions)) for f in feedback]
    assert max(errors) < 0.05
    assert list(feedback[0].feedback.joint_names) == list(ROBOT.arm.joints)
    assert finish(bench, bench.send_goal(bench.arm, arm_goal(1.5)))[0] == SUCCEEDED


def test_the_hand_closes_and_mimic_joints_follow(bench):
    closed = [0.8, 0.8, 0.8, 0.8, -1.4, 0.5]
    handle = bench.send_goal(bench.hand, goal(ROBOT.hand.joints, (0.8, closed)))
    assert finish(bench, handle)[0] == SUCCEEDED
    state = joint_states(bench, lambda s: abs(position(s, 'index_q1') - 0.8) < 0.02)
    assert position(state, 'index_q2') == pytest.approx(1.05851 * 0.8 + 0.7235, abs=0.03)
    handle = bench.send_goal(bench.hand, goal(ROBOT.hand.joints, (0.8, ROBOT.hand.open)))
    assert finish(bench, handle)[0] == SUCCEEDED


def test_cancel_holds_the_measured_position(bench):
    handle = bench.send_goal(bench.arm, arm_goal(8.0, joint1=0.6))
    joint_states(bench, lambda s: position(s, 'joint1') > 0.05)
    bench.result(handle.cancel_goal_async())
    status, _ = finish(bench, handle)
    assert status == CANCELED
    at_rest = joint_states(bench, lambda s: np.abs(s.velocity).max() < 0.01)
    assert 0.05 < position(at_rest, 'joint1') < 0.55
    assert finish(bench, bench.send_goal(bench.arm, arm_goal(1.0)))[0] == SUCCEEDED


def test_a_new_goal_replaces_the_old_one(bench):
    first = bench.send_goal(bench.arm, arm_goal(8.0, joint1=0.6))
    second = bench.send_goal(bench.arm, arm_goal(1.0))
    status, result = finish(bench, first)
    assert status == ABORTED
    assert 'new goal' in result.error_string
    assert finish(bench, second)[0] == SUCCEEDED


def test_a_path_tolerance_is_kept(bench):
    tight = arm_goal(0.1, joint2=0.2)  # far beyond what the drives can do
    tight.path_tolerance = [JointTolerance(name='joint2', position=0.002)]
    status, result = finish(bench, bench.send_goal(bench.arm, tight))
    assert (status, result.error_code) == (
        ABORTED,
        FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED,
    )
    assert finish(bench, bench.send_goal(bench.arm, arm_goal(1.0)))[0] == SUCCEEDED


def _bad_goals():
    unknown = goal(['nobody', *ROBOT.arm.joints[1:]], (1.0, HOME))
    partial = goal(ROBOT.arm.joints[:3], (1.0, HOME[:3]))
    empty = FollowJointTrajectory.Goal()
    empty.trajectory.joint_names = list(ROBOT.arm.joints)
    backwards = goal(ROBOT.arm.joints, (1.0, HOME), (0.5, HOME))
    rushing = goal(ROBOT.arm.joints, (1.0, HOME))
    rushing.trajectory.points[-1].velocities = [0.5] * 7
    past = goal(ROBOT.arm.joints, (0.01, HOME))
    past.trajectory.header.stamp = Time(nanosec=1)
    infinite = goal(ROBOT.arm.joints, (1.0, [float('nan')] * 7))
    return {
        'unknown: [': unknown, 'missing: [': partial, 'no points': empty,
        'strictly increasing': backwards, 'expected zero': rushing, 'use_sim_time': past,
        'not finite': infinite,
    }  # fmt: skip


@pytest.mark.parametrize('text', list(_bad_goals()))
def test_bad_goals_are_rejected_and_the_next_good_one_works(bench, robot, text):
    before = len(robot.output)
    assert not bench.send_goal(bench.arm, _bad_goals()[text]).accepted
    robot.wait_for_output('rejects a goal')
    assert text in robot.output[before:]
    assert finish(bench, bench.send_goal(bench.arm, arm_goal(0.2)))[0] == SUCCEEDED


def test_the_topic_moves_too_and_an_empty_one_stops(bench):
    topic = bench.node.create_publisher(
        JointTrajectory, f'{ROBOT.arm.controller}/joint_trajectory', 1
    )
    deadline = time.monotonic() + 20.0
    while not topic.get_subscription_count() and time.monotonic() < deadline:
        time.sleep(0.05)
    away = list(HOME)
    away[0] = 0.2
    topic.publish(trajectory(ROBOT.arm.joints, (1.0, away)))
    joint_states(bench, lambda s: abs(position(s, 'joint1') - 0.2) < 0.01)
    handle = bench.send_goal(bench.arm, arm_goal(8.0))
    topic.publish(JointTrajectory())
    status, result = finish(bench, handle)
    assert status == ABORTED
    assert 'empty trajectory' in result.error_string
    assert finish(bench, bench.send_goal(bench.arm, arm_goal(1.0)))[0] == SUCCEEDED
    bench.node.destroy_publisher(topic)


def test_inactive_it_stops_the_clock_and_rejects_goals(bench):
    running = bench.send_goal(bench.arm, arm_goal(20.0, joint1=0.5))
    _transition(bench, 'sim_robot', Transition.TRANSITION_DEACTIVATE)
    assert finish(bench, running)[0] == ABORTED
    assert not bench.send_goal(bench.arm, arm_goal(1.0)).accepted
    _transition(bench, 'sim_robot', Transition.TRANSITION_ACTIVATE)
    assert finish(bench, bench.send_goal(bench.arm, arm_goal(1.0)))[0] == SUCCEEDED


def _transition(client, node, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    answer = client.call(ChangeState, f'{node}/change_state', request, START_S)
    assert answer.success


def _set(client, node, name, value):
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    answer = client.call(SetParameters, f'{node}/set_parameters', request)
    assert answer.results[0].successful


def test_another_object_takes_the_place_and_time_goes_on(bench):
    before = conversions.seconds(joint_states(bench).header.stamp)
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        _transition(bench, 'sim_robot', transition)
    _set(bench, 'sim_robot', 'seed', 77)
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        _transition(bench, 'sim_robot', transition)
    after = conversions.seconds(joint_states(bench).header.stamp)
    assert before < after < before + 5.0
    pose = bench.wait_for_message(PoseStamped, 'sim_robot/object_pose').pose
    expected = Placement().draw(77)
    np.testing.assert_allclose(conversions.pose(pose)[:2, 3], expected[:2, 3], atol=0.02)


def test_an_unknown_object_is_named_and_can_be_mended_while_it_runs(client):
    process = NodeProcess(
        [sys.executable, '-m', 'dex1b_ros.sim_robot_node', '--ros-args', '-r', '__ns:=/second',
         '-p', 'object:=teapot', '-p', 'depth_encoding:=32FC1', '-p', 'tf_prefix:=left_',
         '-r', '/tf:=tf', '-r', '/tf_static:=tf_static', '-r', '/clock:=clock']
    )  # fmt: skip
    try:
        process.wait_for_output("unknown object 'teapot'", START_S)
        assert '[4]' in process.output
        assert '006_mustard_bottle' in process.output
        assert process.alive
        _set(client, '/second/sim_robot', 'object', 'tomato_soup_can')
        _transition(client, '/second/sim_robot', Transition.TRANSITION_CONFIGURE)
        _transition(client, '/second/sim_robot', Transition.TRANSITION_ACTIVATE)
        state = client.wait_for_message(JointState, '/second/joint_states', 5, 30.0)
        assert state.name[0] == 'left_joint1'
        static = client.wait_for_message(TFMessage, '/second/tf_static', STATIC)
        assert 'left_base' in {t.child_frame_id for t in static.transforms}
        depth = client.wait_for_message(Image, '/second/camera/depth/image_raw', 1, 60.0)
        pixels = conversions.image(depth)
        assert depth.encoding == '32FC1'
        assert np.isnan(pixels).any()
        assert 0.3 < np.nanmedian(pixels) < 1.5
    finally:
        code = process.stop(signal_number=signal.SIGTERM, timeout_s=20.0)
    assert code == 0
    assert 'Traceback' not in process.output


@pytest.mark.parametrize(
    ('parameter', 'value', 'text'),
    [
        ('robot', 'r2d2', "unknown robot 'r2d2'; known are: panda_ability"),
        ('camera', 'top', "unknown camera 'top'; known are: front_side"),
        ('depth_encoding', 'mono8', 'depth_encoding'),
    ],
)
def test_bad_parameters_are_named_and_the_node_lives(ros_domain, parameter, value, text):
    process = NodeProcess('sim_robot_node', **{parameter: value})
    try:
        process.wait_for_output(text, START_S)
        assert process.alive
    finally:
        process.stop(timeout_s=20.0)
