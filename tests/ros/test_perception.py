"""The perception node as a real process, fed by a synthetic camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped, TransformStamped
from harness import Client, NodeProcess
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from dex1b_core.errors import ErrorCode
from dex1b_core.geometry import invert, look_at
from dex1b_msgs.action import CaptureScene
from dex1b_msgs.msg import GraspTarget
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.node import LATCHED
from dex1b_ros.tf_buffer import STATIC_QOS

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
PLANNING_T_CAMERA = look_at([1.0, 0.1, 0.5], [0.45, 0.0, 0.05])
BOX = (np.array([0.40, -0.04, 0.0]), np.array([0.48, 0.04, 0.12]))
SECOND_BOX = (np.array([0.42, 0.20, 0.0]), np.array([0.47, 0.26, 0.05]))


def box_scene(*boxes: Any) -> np.ndarray:
    """Depth (H, W) [m] of boxes on the plane z = 0, by intersecting rays."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    rays = np.stack([(u - WIDTH / 2) / FOCAL, (v - HEIGHT / 2) / FOCAL, np.ones(u.shape)], -1)
    directions, eye = rays @ PLANNING_T_CAMERA[:3, :3].T, PLANNING_T_CAMERA[:3, 3]
    depth = np.where(directions[..., 2] < 0, -eye[2] / directions[..., 2], np.nan)
    for low, high in boxes:
        with np.errstate(divide='ignore'):
            a, b = (low - eye) / directions, (high - eye) / directions
        enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
        depth = np.where((enter < leave) & (enter > 0), np.fmin(depth, enter), depth)
    return depth


@dataclass
class SyntheticCamera:
    """Publishes what its fields say, ten times a second."""

    client: Client
    depth: np.ndarray = field(default_factory=lambda: box_scene(BOX, SECOND_BOX))
    encoding: str = '16UC1'
    info_size: tuple[int, int] = (WIDTH, HEIGHT)
    frame: str = 'camera_optical_frame'
    stamp_offset_s: float = 0.0
    next_depth: np.ndarray | None = None  # taken in turn with `depth`
    frozen_ns: int | None = None
    label: str | None = None  # encoding that the message claims
    cut: int = 0  # bytes that are missing
    on: bool = True

    def __post_init__(self) -> None:
        node = self.client.node
        self._depth = node.create_publisher(Image, 'camera/depth/image_raw', 5)
        self._info = node.create_publisher(CameraInfo, 'camera/depth/camera_info', 5)
        self._static = node.create_publisher(TFMessage, '/tf_static', STATIC_QOS)
        self._static.publish(TFMessage(transforms=[self._transform()]))
        self._timer = node.create_timer(0.1, self._tick)

    def _transform(self) -> TransformStamped:
        message = TransformStamped(child_frame_id='camera_optical_frame')
        message.header.frame_id = 'link_base'
        message.transform = conversions.transform_msg(PLANNING_T_CAMERA)
        return message

    def _tick(self) -> None:
        if not self.on:
            return
        now = self.client.node.get_clock().now().nanoseconds + int(self.stamp_offset_s * 1e9)
        now = self.frozen_ns or now
        header = Header(frame_id=self.frame)
        header.stamp.sec, header.stamp.nanosec = divmod(now, 10**9)
        if self.next_depth is not None:
            self.depth, self.next_depth = self.next_depth, self.depth
        if self.encoding == '16UC1':
            pixels = np.nan_to_num(self.depth * 1000).astype(np.uint16)
        elif self.encoding == '32FC1':
            pixels = self.depth.astype(np.float32)
        else:
            pixels = np.zeros((*self.depth.shape, 3), np.uint8)
        if self.depth.size:
            image = conversions.image_msg(pixels, self.encoding, header)
        else:
            image = Image(header=header, encoding=self.encoding)
        if self.label is not None:
            image.encoding = self.label
        if self.cut:
            image.data = image.data[: -self.cut]
        info = CameraInfo(header=header, width=self.info_size[0], height=self.info_size[1])
        info.k = [FOCAL, 0.0, WIDTH / 2, 0.0, FOCAL, HEIGHT / 2, 0.0, 0.0, 1.0]
        self._depth.publish(image)
        self._info.publish(info)

    def reset(self) -> None:
        """Be a good camera again."""
        self.depth, self.encoding = box_scene(BOX, SECOND_BOX), '16UC1'
        self.info_size, self.frame = (WIDTH, HEIGHT), 'camera_optical_frame'
        self.stamp_offset_s, self.on = 0.0, True
        self.frozen_ns, self.label, self.cut, self.next_depth = None, None, 0, None


@dataclass
class Bench:
    """A camera, the node and a client of its action."""

    client: Client
    camera: SyntheticCamera
    node: NodeProcess
    action: ActionClient

    def capture(self, target: GraspTarget | None = None, timeout_s: float = 5.0) -> Any:
        """Result of one goal."""
        goal = CaptureScene.Goal(target=target or GraspTarget(), frames=2)
        goal.timeout = conversions.duration_msg(timeout_s)
        handle = self.client.send_goal(self.action, goal)
        assert handle.accepted
        return self.client.result(handle.get_result_async()).result


@pytest.fixture(scope='module')
def bench(ros_domain: int) -> Iterator[Bench]:
    node = NodeProcess(
        'perception_node',
        mask_robot=False,
        tf_timeout=0.5,
        scene__workspace_lower=[0.1, -0.6, -0.1],
    )
    client = Client('camera_and_client')
    camera = SyntheticCamera(client)
    action = ActionClient(client.node, CaptureScene, 'capture_scene')
    try:
        yield Bench(client, camera, node, action)
    finally:
        action.destroy()
        client.close()
        assert node.stop() == 0, node.output


@pytest.fixture
def good_again(bench: Bench) -> Iterator[None]:
    """After bad input the node must answer a good request."""
    yield
    bench.camera.reset()
    time.sleep(0.15)
    result = bench.capture()
    assert result.error_code == ErrorCode.NONE, result.error_msg
    assert bench.node.alive


def test_scene_of_two_boxes_is_measured(bench: Bench) -> None:
    result = bench.capture()

    scene = conversions.observation(result.scene)
    assert result.scene.summary.objects == 2
    assert scene.box.planning_T_box[:3, 3] == pytest.approx([0.44, 0.0, 0.06], abs=0.005)
    assert sorted(scene.box.size[:2]) == pytest.approx([0.08, 0.08], abs=0.008)
    assert scene.box.size[2] == pytest.approx(0.12, abs=0.004)
    assert scene.support_plane.normal == pytest.approx([0, 0, 1], abs=0.01)
    assert len(scene.obstacles) > 50
    assert (scene.obstacles[:, 1] > 0.15).all()
    assert len(scene.shapes) == 3
    assert {timing.stage for timing in result.timings} >= {'segment', 'describe'}
    assert list(result.scene.summary.cameras) == ['camera']


@pytest.mark.usefixtures('good_again')
def test_float_depth_gives_the_same_scene(bench: Bench) -> None:
    bench.camera.encoding = '32FC1'
    time.sleep(0.15)

    summary = bench.capture().scene.summary

    assert summary.objects == 2
    assert summary.object_box_size.z == pytest.approx(0.12, abs=0.004)


def test_images_are_newer_than_the_request(bench: Bench) -> None:
    before = bench.client.node.get_clock().now().nanoseconds * 1e-9

    result = bench.capture()

    assert conversions.seconds(result.scene.header.stamp) > before


def test_clouds_and_picture_are_latched(bench: Bench) -> None:
    bench.capture()

    cloud = bench.client.wait_for_message(PointCloud2, 'perception/object_cloud', LATCHED)
    picture = bench.client.wait_for_message(Image, 'perception/segmentation', LATCHED)

    assert cloud.header.frame_id == 'link_base'
    assert (picture.width, picture.height, picture.encoding) == (WIDTH, HEIGHT, 'rgb8')


def test_every_object_is_reported_with_what_is_known_of_it(bench: Bench) -> None:
    header = bench.capture().scene.header

    report = bench.client.wait_for_message(
        DiagnosticArray, 'perception/objects', LATCHED, accept=lambda m: m.header == header
    )

    *objects, camera, processor = report.status
    names = [status.name for status in report.status]
    assert names == ['object 1', 'object 2', 'camera camera', 'processor']
    assert 0 < float({item.key: item.value for item in processor.values}['segment']) < 2
    assert [status.message for status in objects].count('target') == 1
    for status in objects:
        values = {item.key: float(item.value) for item in status.values}
        assert values['completeness'] > 0.95
        assert values['confidence'] > 0.95
    times = {item.key: float(item.value) for item in camera.values}
    assert 0 < times['age'] < 10
    assert 0.05 < times['span'] < 2


@pytest.fixture
def click_and_mask(bench: Bench) -> Iterator[tuple[Any, Any]]:
    """Publishers as RViz and segmenters have; in the end nothing stands."""
    node = bench.client.node
    clicks = node.create_publisher(PointStamped, 'clicked_point', 1)
    masks = node.create_publisher(Image, 'target_mask', 1)
    for publisher in (clicks, masks):
        deadline = time.monotonic() + 10.0
        while not publisher.get_subscription_count():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield clicks, masks
    masks.publish(conversions.image_msg(np.zeros((4, 4), np.uint8), 'mono8', Header()))
    time.sleep(0.3)


def test_a_click_and_a_mask_stand_in_for_a_target(
    bench: Bench, click_and_mask: tuple[Any, Any]
) -> None:
    """The newest of both; a request that names its target gets that; an empty mask withdraws it."""

    def y_of(target: GraspTarget | None = None) -> Any:
        result = bench.capture(target)
        assert result.error_code == ErrorCode.NONE, result.error_msg
        return pytest.approx(result.scene.summary.object_box_pose.position.y, abs=0.01)

    clicks, masks = click_and_mask
    usual = y_of()
    labels = conversions.image(bench.client.wait_for_message(Image, 'perception/labels', LATCHED))
    for y, other in ((0.23, 1), (0.0, 2)):
        click = PointStamped(header=Header(frame_id='link_base'))
        click.point.x, click.point.y, click.point.z = 0.42, y, 0.05
        clicks.publish(click)
        time.sleep(0.3)
        assert y == y_of()
        assert y_of(GraspTarget(mode=GraspTarget.LABEL, label='2')) == 0.23
        pixels = np.where(labels == other, 255, 0).astype(np.uint8)
        masks.publish(conversions.image_msg(pixels, 'mono8', Header()))
        time.sleep(0.3)
        assert y_of() == 0.23 - y
    masks.publish(conversions.image_msg(np.zeros_like(pixels), 'mono8', Header()))
    time.sleep(0.3)
    assert y_of().expected == usual


@pytest.mark.parametrize(
    ('target', 'expected_y'),
    [
        (GraspTarget(mode=GraspTarget.LABEL, label='2'), 0.23),
        (GraspTarget(mode=GraspTarget.LABEL, label='1'), 0.0),
    ],
)
def test_label_chooses_the_object(bench: Bench, target: GraspTarget, expected_y: float) -> None:
    summary = bench.capture(target).scene.summary

    assert summary.object_box_pose.position.y == pytest.approx(expected_y, abs=0.01)
    assert str(summary.object_label) == target.label


def test_point_in_the_camera_frame_chooses_the_object(bench: Bench) -> None:
    point = invert(PLANNING_T_CAMERA) @ [0.445, 0.23, 0.05, 1.0]
    target = GraspTarget(mode=GraspTarget.POINT)
    target.header.frame_id = 'camera_optical_frame'
    target.point.x, target.point.y, target.point.z = point[:3]

    summary = bench.capture(target).scene.summary

    assert summary.object_box_pose.position.y == pytest.approx(0.23, abs=0.01)


def _zero_size(camera: SyntheticCamera) -> None:
    camera.depth = np.zeros((0, 0))


def _all_nan(camera: SyntheticCamera) -> None:
    camera.encoding, camera.depth = '32FC1', np.full((HEIGHT, WIDTH), np.nan)


def _all_zero(camera: SyntheticCamera) -> None:
    camera.depth = np.zeros((HEIGHT, WIDTH))


def _colour_as_depth(camera: SyntheticCamera) -> None:
    camera.encoding = 'rgb8'


def _other_size_in_info(camera: SyntheticCamera) -> None:
    camera.info_size = (640, 480)


def _unknown_frame(camera: SyntheticCamera) -> None:
    camera.frame = 'nowhere'


def _no_plane(camera: SyntheticCamera) -> None:
    camera.depth = box_scene((np.array([0.6, -5.0, -5.0]), np.array([0.7, 5.0, 5.0])))


def _empty_table(camera: SyntheticCamera) -> None:
    camera.depth = box_scene()


def _silent(camera: SyntheticCamera) -> None:
    camera.on = False


def _old_stamps(camera: SyntheticCamera) -> None:
    camera.stamp_offset_s = -100.0


def _half_invalid(camera: SyntheticCamera) -> None:
    camera.depth[:, : WIDTH // 2] = np.nan


def _many_holes(camera: SyntheticCamera) -> None:
    camera.depth[np.random.default_rng(0).random(camera.depth.shape) < 0.5] = np.nan


def _shuffled(camera: SyntheticCamera) -> None:
    camera.depth = np.random.default_rng(0).permuted(camera.depth.ravel()).reshape(HEIGHT, WIDTH)


def _integers_called_floats(camera: SyntheticCamera) -> None:
    camera.label = '32FC1'


def _floats_called_integers(camera: SyntheticCamera) -> None:
    camera.encoding, camera.label = '32FC1', '16UC1'


def _saturated(camera: SyntheticCamera) -> None:
    camera.depth = np.full((HEIGHT, WIDTH), 65.535)


def _one_depth(camera: SyntheticCamera) -> None:
    camera.depth = np.full((HEIGHT, WIDTH), 0.8)


def _too_few_bytes(camera: SyntheticCamera) -> None:
    camera.cut = 1000


def _frozen_stamp(camera: SyntheticCamera) -> None:
    camera.frozen_ns = camera.client.node.get_clock().now().nanoseconds + 400_000_000


def _moving_object(camera: SyntheticCamera) -> None:
    camera.next_depth = box_scene(BOX, np.add(SECOND_BOX, [0.0, 0.01, 0.0]))


def _future_stamp(camera: SyntheticCamera) -> None:
    camera.stamp_offset_s = 100.0


@pytest.mark.usefixtures('good_again')
@pytest.mark.parametrize(
    ('break_it', 'code', 'says'),
    [
        (_half_invalid, ErrorCode.DEPTH_EMPTY, '50% of the columns'),
        (_many_holes, ErrorCode.DEPTH_ENCODING, 'nearly all holes'),
        (_shuffled, ErrorCode.DEPTH_ENCODING, 'continue in their neighbour'),
        (_integers_called_floats, ErrorCode.INVALID_REQUEST, 'expected 307200'),
        (_floats_called_integers, ErrorCode.DEPTH_EMPTY, 'another encoding'),
        (_saturated, ErrorCode.DEPTH_EMPTY, 'no valid pixel'),
        (_one_depth, ErrorCode.DEPTH_EMPTY, 'every valid pixel'),
        (_too_few_bytes, ErrorCode.INVALID_REQUEST, 'bytes'),
        (_frozen_stamp, ErrorCode.STALE_DEPTH, 'the stamp of the one before'),
        (_moving_object, ErrorCode.SCENE_MOVING, 'wait until the scene rests'),
        (_future_stamp, ErrorCode.STALE_DEPTH, 'in the future'),
        (_zero_size, ErrorCode.DEPTH_EMPTY, '0x0'),
        (_all_nan, ErrorCode.DEPTH_EMPTY, 'no valid pixel'),
        (_all_zero, ErrorCode.DEPTH_EMPTY, 'no valid pixel'),
        (_colour_as_depth, ErrorCode.DEPTH_ENCODING, 'expected one of 16UC1, 32FC1'),
        (_other_size_in_info, ErrorCode.CAMERA_INFO_MISMATCH, '640x480'),
        (_unknown_frame, ErrorCode.TF_ERROR, "from 'nowhere' to 'link_base'"),
        (_no_plane, ErrorCode.NO_PLANE, 'no support plane'),
        (_empty_table, ErrorCode.NO_OBJECT, 'no object on the support plane'),
        (_silent, ErrorCode.NO_DEPTH, 'publishers: 1'),
        (_old_stamps, ErrorCode.STALE_DEPTH, 'before the request'),
    ],
)
def test_bad_input_has_its_code(bench: Bench, break_it: Any, code: int, says: str) -> None:
    break_it(bench.camera)
    time.sleep(0.2)

    result = bench.capture(timeout_s=1.0)

    assert result.error_code == code, result.error_msg
    assert says in result.error_msg


@pytest.mark.parametrize(
    ('target', 'code', 'says'),
    [
        (GraspTarget(mode=9), ErrorCode.INVALID_REQUEST, 'AUTO=0'),
        (GraspTarget(mode=GraspTarget.LABEL, label='7'), ErrorCode.TARGET_NOT_FOUND, '1 at ('),
        (GraspTarget(mode=GraspTarget.PIXEL, u=5000), ErrorCode.INVALID_REQUEST, 'outside'),
        (GraspTarget(mode=GraspTarget.PIXEL, camera='x'), ErrorCode.INVALID_REQUEST, 'camera'),
        (GraspTarget(mode=GraspTarget.PIXEL), ErrorCode.TARGET_NOT_FOUND, 'pixel (0, 0)'),
    ],
)
def test_bad_target_has_its_code(bench: Bench, target: Any, code: int, says: str) -> None:
    result = bench.capture(target)

    assert result.error_code == code, result.error_msg
    assert says in result.error_msg


@pytest.mark.usefixtures('good_again')
def test_a_second_goal_meanwhile_is_refused(bench: Bench) -> None:
    bench.camera.on = False
    goal = CaptureScene.Goal()
    goal.timeout = conversions.duration_msg(3.0)
    told = threading.Event()
    first = bench.client.send_goal(bench.action, goal, lambda _: told.set())
    assert told.wait(3.0)

    second = bench.capture()

    assert second.error_code == ErrorCode.BUSY
    first.cancel_goal_async()
    assert bench.client.result(first.get_result_async()).result.error_code == ErrorCode.CANCELED


@pytest.mark.usefixtures('good_again')
def test_feedback_says_what_is_missing(bench: Bench) -> None:
    bench.camera.on = False
    waiting: list[str] = []
    goal = CaptureScene.Goal()
    goal.timeout = conversions.duration_msg(0.5)

    handle = bench.client.send_goal(
        bench.action, goal, lambda message: waiting.append(message.feedback.waiting_for)
    )
    bench.client.result(handle.get_result_async())

    assert waiting[0] == 'camera/depth/image_raw'


def test_idle_node_uses_little_of_a_core(bench: Bench) -> None:
    process = psutil.Process(bench.node.process.pid)
    time.sleep(1.0)
    before, started = process.cpu_times(), time.monotonic()
    time.sleep(4.0)
    after = process.cpu_times()

    used = after.user + after.system - before.user - before.system
    assert used / (time.monotonic() - started) < 0.05
