"""What RViz shows is what the nodes publish, with qualities of service that fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from harness import Client, node_process
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from std_msgs.msg import Header

from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import load_robot
from dex1b_ros.grasp_display import grasp_markers

CONFIG = Path(__file__).resolve().parents[2] / 'config' / 'rviz' / 'grasp.rviz'
NODES = ('sim_robot_node', 'perception_node', 'grasp_server')
TYPES = {
    'PointCloud2': 'sensor_msgs/msg/PointCloud2',
    'MarkerArray': 'visualization_msgs/msg/MarkerArray',
    'Path': 'nav_msgs/msg/Path',
    'Image': 'sensor_msgs/msg/Image',
    'RobotModel': 'std_msgs/msg/String',
}


def manager() -> dict[str, Any]:
    return yaml.safe_load(CONFIG.read_text())['Visualization Manager']


DISPLAYS = {
    topic['Value']: item
    for item in manager()['Displays']
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


@pytest.mark.ros
@pytest.mark.parametrize('topic', sorted(DISPLAYS))
def test_a_display_fits_its_publisher(running: Client, topic: str) -> None:
    deadline = time.monotonic() + 60.0
    while not (publishers := running.node.get_publishers_info_by_topic(topic)):
        assert time.monotonic() < deadline, f'nobody publishes {topic}'
        time.sleep(0.1)
    display = DISPLAYS[topic]
    settings = display.get('Topic') or display['Description Topic']
    assert publishers[0].topic_type == TYPES[display['Class'].split('/')[1]]
    offered = publishers[0].qos_profile
    latched = offered.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert settings['Durability Policy'] == ('Transient Local' if latched else 'Volatile')
    reliable = offered.reliability == ReliabilityPolicy.RELIABLE
    assert reliable or settings['Reliability Policy'] == 'Best Effort'


def test_topics_are_relative_so_that_a_namespace_works() -> None:
    assert DISPLAYS
    assert not [name for name in DISPLAYS if name.startswith('/')]


def test_the_fixed_frame_is_the_planning_frame() -> None:
    assert manager()['Global Options']['Fixed Frame'] == load_robot('xarm7_ability').base_link


def test_the_namespaces_of_grasp_markers_are_listed() -> None:
    candidate = GraspCandidate(
        'hand', np.eye(4), ('a',), *np.zeros((3, 1)), np.array([0.0, 0.0, -1.0]), 0.1
    )
    markers = grasp_markers([candidate], [candidate], Header()).markers
    listed = DISPLAYS['grasp_server/markers']['Namespaces']
    assert set(listed) == {marker.ns for marker in markers if marker.ns}
