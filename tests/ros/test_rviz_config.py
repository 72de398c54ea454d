"""What RViz shows is what the nodes publish, with qualities of service that fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from harness import Client, node_process
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from dex1b_core.planning import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    Reachability,
    ReachResult,
    SimCheck,
)
from dex1b_core.robots import load_robot
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.viz.verdict import BLUE, GREEN, ORANGE, RED
from dex1b_ros.articulation_display import axis_markers
from dex1b_ros.grasp_display import LIFETIME_S, grasp_markers
from dex1b_ros.pick_request import ExecutorParameters

FOLDER = Path(__file__).resolve().parents[2] / 'config' / 'rviz'
CONFIGS = ('grasp', 'articulate')
NODES = ('sim_robot_node', 'perception_node', 'grasp_server', 'articulation_server')
TYPES = {
    'PointCloud2': 'sensor_msgs/msg/PointCloud2',
    'MarkerArray': 'visualization_msgs/msg/MarkerArray',
    'Path': 'nav_msgs/msg/Path',
    'Image': 'sensor_msgs/msg/Image',
    'RobotModel': 'std_msgs/msg/String',
}


def manager(config: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f'{config}.rviz').read_text())['Visualization Manager']


CLOUD_TOPICS = ('Depth Map Topic', 'Color Image Topic')
DISPLAYS = {
    (config, topic['Value']): item
    for config in CONFIGS
    for item in manager(config)['Displays']
    if (topic := item.get('Topic') or item.get('Description Topic'))
}


@pytest.fixture(scope='module')
def running(ros_domain: int) -> Iterator[Client]:
    with ExitStack() as stack:
        for node in NODES:
            stack.enter_context(node_process(node))
        client = Client('rviz_test')
        stack.callback(client.close)
        yield client


def publishers_of(client: Client, topic: str) -> list[TopicEndpointInfo]:
    """Discovery tells of a node's topics one by one: waited for, each of them."""
    deadline = time.monotonic() + 60.0
    while not (publishers := client.node.get_publishers_info_by_topic(topic)):
        assert time.monotonic() < deadline, f'nobody publishes {topic}'
        time.sleep(0.1)
    return publishers


@pytest.mark.ros
@pytest.mark.parametrize(('config', 'topic'), sorted(DISPLAYS))
def test_a_display_fits_its_publisher(running: Client, config: str, topic: str) -> None:
    publishers = publishers_of(running, topic)
    display = DISPLAYS[config, topic]
    settings = display.get('Topic') or display['Description Topic']
    assert publishers[0].topic_type == TYPES[display['Class'].split('/')[1]]
    offered = publishers[0].qos_profile
    latched = offered.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert settings['Durability Policy'] == ('Transient Local' if latched else 'Volatile')
    reliable = offered.reliability == ReliabilityPolicy.RELIABLE
    assert reliable or settings['Reliability Policy'] == 'Best Effort'


@pytest.mark.ros
@pytest.mark.parametrize('setting', CLOUD_TOPICS)
def test_the_cloud_of_the_camera_finds_its_images(running: Client, setting: str) -> None:
    (display,) = (item for item in manager('grasp')['Displays'] if 'DepthCloud' in item['Class'])
    topic = display[setting]
    publishers = publishers_of(running, topic)
    assert publishers[0].topic_type == 'sensor_msgs/msg/Image'
    # the plugin derives the name of the camera_info from that of the image
    assert publishers_of(running, topic.replace('image_raw', 'camera_info'))


def test_every_output_for_the_eye_has_a_display() -> None:
    """What security.py lets perception and planning publish as clouds, markers and paths."""
    from dex1b_ros.security import rights

    allowed = rights(load_robot('xarm7_ability'))
    published = {
        topic.replace('~', node)
        for node in ('perception', 'grasp_server')
        for topic in allowed[node].publish
        if topic.startswith('~')
    }
    data = {
        'grasp_server/grasps', 'grasp_server/rejected', 'grasp_server/planned_motion',
        'perception/labels', 'perception/objects',
    }  # fmt: skip
    assert published - data == {
        name
        for config, name in DISPLAYS
        if config == 'grasp' and name.startswith(('perception', 'grasp'))
    }


def candidates() -> tuple[list[GraspCandidate], list[GraspCandidate]]:
    """Two kept, and one dropped for each kind of reason."""
    plain = GraspCandidate(
        'hand', np.eye(4), ('a',), *np.zeros((3, 1)), np.array([0.0, 0.0, -1.0]), 0.1
    )
    held = replace(plain, sim_check=SimCheck(CheckResult.PASSED, trials=3, successes=3))
    slipped = replace(plain, sim_check=SimCheck(CheckResult.FAILED, FailureReason.SLIPPED))
    far = replace(plain, reachability=Reachability(ReachResult.NO_IK))
    return [held, held], [slipped, far]


def test_markers_are_told_apart_and_vanish() -> None:
    first, *markers = grasp_markers(*candidates(), Header(frame_id='link_base')).markers
    assert first.action == Marker.DELETEALL
    keys = [(marker.ns, marker.id) for marker in markers]
    assert len(set(keys)) == len(keys)
    again = grasp_markers(*candidates(), Header()).markers[1:]
    assert [(marker.ns, marker.id) for marker in again] == keys
    assert {marker.header.frame_id for marker in markers} == {'link_base'}
    assert {marker.lifetime.sec for marker in markers} == {int(LIFETIME_S)}
    assert ExecutorParameters().max_scene_age == LIFETIME_S


def test_markers_say_and_show_the_verdict() -> None:
    markers = grasp_markers(*candidates(), Header()).markers[1:]
    colours = {
        (m.ns, m.id): (m.color.r, m.color.g, m.color.b) for m in markers if m.type == Marker.ARROW
    }
    assert colours == {
        ('grasps', 0): pytest.approx(BLUE), ('grasps', 1): pytest.approx(GREEN),
        ('rejected', 0): pytest.approx(RED), ('rejected', 1): pytest.approx(ORANGE),
    }  # fmt: skip
    texts = {(m.ns, m.id): m.text for m in markers if m.type == Marker.TEXT_VIEW_FACING}
    assert texts == {
        ('grasps_text', 0): '#0 held 3/3', ('grasps_text', 1): '#1 held 3/3',
        ('rejected_text', 0): 'rejected #0 slipped', ('rejected_text', 1): 'rejected #1 no ik',
    }  # fmt: skip


def test_topics_are_relative_so_that_a_namespace_works() -> None:
    assert DISPLAYS
    assert not [name for _, name in DISPLAYS if name.startswith('/')]


@pytest.mark.parametrize('config', CONFIGS)
def test_the_fixed_frame_is_the_planning_frame(config: str) -> None:
    assert manager(config)['Global Options']['Fixed Frame'] == load_robot('xarm7_ability').base_link


def test_the_namespaces_of_grasp_markers_are_listed() -> None:
    markers = grasp_markers(*candidates(), Header()).markers
    for server in (('grasp', 'grasp_server'), ('articulate', 'articulation_server')):
        listed = DISPLAYS[server[0], f'{server[1]}/markers']['Namespaces']
        assert listed == {marker.ns: True for marker in markers if marker.ns}


def test_the_namespaces_of_axis_markers_are_listed() -> None:
    joint = ObjectJoint('revolute', np.array([0.0, 0.0, 1.0]), np.zeros(3), 0.0, 1.0)
    markers = axis_markers(joint, 0.5, 1.0, Header()).markers
    listed = DISPLAYS['articulate', 'articulation_server/axis']['Namespaces']
    assert set(listed) == {marker.ns for marker in markers if marker.ns}
