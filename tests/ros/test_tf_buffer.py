"""The same questions to both transform buffers; tf2_ros only where it is installed."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from harness import Client
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import from_rpy, make_transform
from dex1b_ros import conversions
from dex1b_ros.tf_buffer import (
    STATIC_QOS,
    LookupFailedError,
    Tf2Buffer,
    TopicBuffer,
    TransformBuffer,
    TransformTree,
)

HAS_TF2 = importlib.util.find_spec('tf2_ros') is not None
BUFFERS = [
    TopicBuffer,
    pytest.param(
        Tf2Buffer, marks=pytest.mark.skipif(not HAS_TF2, reason='tf2_ros is not installed here')
    ),
]
START = 1000.0


class Publisher:
    """A robot and a camera: base -> arm (moves along x, turns about z) -> hand; base -> camera."""

    def __init__(self, client: Client) -> None:
        node = client.node
        self._moving = node.create_publisher(TFMessage, '/tf', QoSProfile(depth=100))
        self._static = node.create_publisher(TFMessage, '/tf_static', STATIC_QOS)
        self._static.publish(
            TFMessage(
                transforms=[
                    self._stamped('base', 'camera', 0.0, from_rpy([1, 0, 0], [0, 0, np.pi])),
                    self._stamped('arm', 'hand', 0.0, make_transform(np.eye(3), [0, 0, 0.1])),
                    self._stamped('island', 'palm', 0.0, np.eye(4)),
                ]
            )
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 10
        while self._moving.get_subscription_count() == 0 and time.monotonic() < deadline:
            time.sleep(0.02)

    def move(self, stamp: float, x: float, yaw: float) -> None:
        pose = from_rpy([x, 0, 0], [0, 0, yaw])
        self._moving.publish(TFMessage(transforms=[self._stamped('base', 'arm', stamp, pose)]))

    @staticmethod
    def _stamped(parent: str, child: str, stamp: float, pose: np.ndarray) -> TransformStamped:
        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp.sec = int(stamp)
        message.header.stamp.nanosec = round((stamp - int(stamp)) * 1e9)
        message.transform = conversions.transform_msg(pose)
        return message


@pytest.fixture(params=BUFFERS)
def buffer(request: pytest.FixtureRequest, client: Client) -> Iterator[TransformBuffer]:
    instance = request.param(client.node)
    yield instance
    instance.close()


@pytest.fixture
def robot(client: Client, buffer: TransformBuffer) -> Publisher:
    publisher = Publisher(client)
    publisher.wait()
    for step in range(3):
        publisher.move(START + step, x=0.1 * step, yaw=0.2 * step)
    buffer.lookup('base', 'hand', stamp_s=START + 2, timeout_s=10.0)
    buffer.lookup('base', 'camera', timeout_s=10.0)
    return publisher


@pytest.mark.usefixtures('robot')
def test_latest(buffer: TransformBuffer) -> None:
    base_T_hand = buffer.lookup('base', 'hand')
    assert base_T_hand == pytest.approx(from_rpy([0.2, 0, 0.1], [0, 0, 0.4]), abs=1e-6)


@pytest.mark.usefixtures('robot')
def test_between_two_stamps_is_interpolated(buffer: TransformBuffer) -> None:
    base_T_hand = buffer.lookup('base', 'hand', stamp_s=START + 0.5)
    assert base_T_hand == pytest.approx(from_rpy([0.05, 0, 0.1], [0, 0, 0.1]), abs=1e-6)


@pytest.mark.usefixtures('robot')
def test_across_branches(buffer: TransformBuffer) -> None:
    camera_T_hand = buffer.lookup('camera', 'hand', stamp_s=START)
    expected = np.linalg.inv(from_rpy([1, 0, 0], [0, 0, np.pi])) @ from_rpy([0, 0, 0.1], [0, 0, 0])
    assert camera_T_hand == pytest.approx(expected, abs=1e-6)


@pytest.mark.usefixtures('robot')
def test_static_frames_hold_at_any_time(buffer: TransformBuffer) -> None:
    early = buffer.lookup('base', 'camera', stamp_s=1.0)
    assert early == pytest.approx(buffer.lookup('base', 'camera'), abs=1e-9)


@pytest.mark.usefixtures('robot')
def test_a_frame_to_itself_is_the_identity(buffer: TransformBuffer) -> None:
    assert buffer.lookup('arm', 'arm') == pytest.approx(np.eye(4))


def test_waits_for_what_comes(buffer: TransformBuffer, robot: Publisher, client: Client) -> None:
    timer = client.node.create_timer(0.3, lambda: robot.move(START + 3, 0.3, 0.6))
    started = time.monotonic()
    base_T_arm = buffer.lookup('base', 'arm', stamp_s=START + 2.5, timeout_s=10.0)
    assert time.monotonic() - started > 0.1
    assert base_T_arm[0, 3] == pytest.approx(0.25)
    timer.cancel()


@pytest.mark.usefixtures('robot')
@pytest.mark.parametrize(
    ('target', 'source', 'stamp'),
    [
        ('base', 'nowhere', None),
        ('nowhere', 'base', None),
        ('base', 'palm', None),
        ('base', 'hand', START + 50),
        ('base', 'hand', START - 50),
    ],
)
def test_missing_transform_is_explained(
    buffer: TransformBuffer, target: str, source: str, stamp: float | None
) -> None:
    with pytest.raises(Dex1bError) as caught:
        buffer.lookup(target, source, stamp_s=stamp, timeout_s=0.05)
    assert caught.value.error_code == ErrorCode.TF_ERROR
    assert f"from '{source}' to '{target}'" in caught.value.message
    assert 'camera' in caught.value.message.split('frames known')[1]


@pytest.mark.usefixtures('robot')
def test_frames_are_listed(buffer: TransformBuffer) -> None:
    assert set(buffer.frames()) >= {'arm', 'hand', 'camera', 'palm'}


# -- the tree alone, what only we can get wrong ------------------------------------------------


def _tree(*stamps: float) -> TransformTree:
    tree = TransformTree(history_s=10.0)
    for stamp in stamps:
        pose = make_transform(np.eye(3), [stamp, 0, 0])
        tree.add([('base', 'arm', stamp, pose)], static=False)
    return tree


def test_messages_out_of_order_are_sorted() -> None:
    assert _tree(5.0, 7.0, 6.0).lookup('base', 'arm', 5.5)[0, 3] == pytest.approx(5.5)


def test_old_poses_are_forgotten() -> None:
    tree = _tree(0.0, 5.0, 14.0)
    assert tree.lookup('base', 'arm', 5.0)[0, 3] == 5.0
    with pytest.raises(LookupFailedError, match='before its oldest'):
        tree.lookup('base', 'arm', 1.0)


def test_a_clock_set_back_starts_anew() -> None:
    tree = _tree(100.0, 101.0, 2.0, 3.0)
    assert tree.lookup('base', 'arm', None)[0, 3] == 3.0
    with pytest.raises(LookupFailedError):
        tree.lookup('base', 'arm', 100.0)


def test_a_loop_of_frames_is_refused() -> None:
    tree = TransformTree()
    for parent, child in (('a', 'b'), ('b', 'a')):
        tree.add([(parent, child, 0.0, np.eye(4))], static=True)
    with pytest.raises(LookupFailedError, match='loop'):
        tree.lookup('a', 'b', None)


def test_the_newest_common_time_is_used() -> None:
    tree = _tree(5.0, 6.0)
    for stamp in (5.0, 5.5):
        tree.add([('arm', 'hand', stamp, make_transform(np.eye(3), [0, stamp, 0]))], static=False)
    assert tree.lookup('base', 'hand', None)[:2, 3] == pytest.approx([5.5, 5.5])
