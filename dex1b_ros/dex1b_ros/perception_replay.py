"""Captures with ground truth replayed as camera topics to a perception node of its own."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from dex1b_core.benchmark.captures import LabelledCapture
from dex1b_core.benchmark.perception_bench import Timing
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import PerceptionSettings
from dex1b_core.robots import load_robot
from dex1b_msgs.action import CaptureScene
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.bringup import own_domain, running_node
from dex1b_ros.camera_publisher import camera_info, encode_depth
from dex1b_ros.node import LATCHED, wait_for
from dex1b_ros.node_list import NodeSpec, StackOptions
from dex1b_ros.object_report import PROCESSOR
from dex1b_ros.spinner import Spinner
from dex1b_ros.tf_buffer import STATIC_QOS

MAX_DEPTH = 10.0  # [m] as captures are read
PERIOD_S = 0.1  # of the images
PATIENCE_S = 60.0


@contextmanager
def node_pipeline(settings: PerceptionSettings) -> Iterator[NodePipeline]:
    """A perception node with these settings, and captures for it, in a domain of their own.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when the node does not become active.
    """
    own_domain()
    usual = PerceptionSettings().model_dump(mode='json')
    changed = {k: v for k, v in settings.model_dump(mode='json').items() if v != usual[k]}
    parameters: dict[str, Any] = {'mask_robot': False, 'max_depth': MAX_DEPTH}
    parameters |= {f'scene.{key}': value for key, value in changed.items()}
    spec = NodeSpec('perception', 'perception_node', parameters)
    # two benches may share a domain by chance
    options = StackOptions(namespace=f'replay_{os.getpid()}')
    with (
        tempfile.TemporaryDirectory() as folder,
        running_node(spec, options, log=Path(folder) / 'perception.log'),
    ):
        pipeline = NodePipeline(options.namespace)
        try:
            yield pipeline
        finally:
            pipeline.close()


@dataclass(frozen=True)
class _Shown:
    info: CameraInfo
    depth: Image
    colour: Image | None


class NodePipeline:
    """Publishes images, camera_info and TF of one capture at a time, and asks for the scene."""

    def __init__(self, namespace: str) -> None:
        self.name = 'node'
        self.timed = {
            'ms': "processor time of the node's stage segment",
            'wall_ms': 'from the goal to its result, waiting for images included',
        }
        self._context = rclpy.Context()
        self._context.init()
        self._node = Node('capture_replay', namespace=namespace, context=self._context)
        self._depth = self._node.create_publisher(Image, 'camera/depth/image_raw', 5)
        self._colour: Publisher | None = None
        self._info = self._node.create_publisher(CameraInfo, 'camera/depth/camera_info', 5)
        self._static = self._node.create_publisher(TFMessage, '/tf_static', STATIC_QOS)
        self._changed = threading.Condition()
        self._published: dict[str, Image | DiagnosticArray] = {}
        for name, kind in (('labels', Image), ('objects', DiagnosticArray)):
            self._node.create_subscription(
                kind, f'perception/{name}', partial(self._keep, name), LATCHED
            )
        self._action = ActionClient(self._node, CaptureScene, 'capture_scene')
        self._shown: _Shown | None = None
        self._node.create_timer(PERIOD_S, self._publish)
        self._spinner = Spinner(self._node, self._context)

    def close(self) -> None:
        """Destroy the node."""
        self._shown = None
        self._spinner.close()
        self._action.destroy()
        self._node.destroy_node()
        self._context.try_shutdown()

    def __call__(
        self, capture: LabelledCapture, repeats: int
    ) -> tuple[NDArray[np.int32], tuple[Timing, ...]]:
        """See `Pipeline`; as many images are averaged as the node does by itself."""
        self._place(capture)
        header = Header(frame_id=_frame_of(capture))
        pixels = encode_depth(capture.frame.depth_m, '16UC1')
        colour = capture.frame.colour
        self._offer_colour(colour is not None)
        self._shown = _Shown(
            camera_info(capture.frame.intrinsics, header),
            conversions.image_msg(pixels, '16UC1', header),
            None if colour is None else conversions.image_msg(colour, 'rgb8', header),
        )
        try:
            labels, _ = self._look()
            return labels, tuple(self._look()[1] for _ in range(repeats))
        finally:
            self._shown = None

    def _place(self, capture: LabelledCapture) -> None:
        """Tell where the camera of a capture is; each has a frame of its own."""
        message = TransformStamped(child_frame_id=_frame_of(capture))
        message.header.frame_id = load_robot('xarm7_ability').base_link
        message.transform = conversions.transform_msg(capture.frame.planning_T_camera)
        self._static.publish(TFMessage(transforms=[message]))

    def _offer_colour(self, there: bool) -> None:
        """The node waits for colour as long as somebody publishes it."""
        if there and self._colour is None:
            self._colour = self._node.create_publisher(Image, 'camera/color/image_raw', 5)
        elif not there and self._colour is not None:
            self._node.destroy_publisher(self._colour)
            self._colour = None

    def _publish(self) -> None:
        if self._shown is None:
            return
        shown, stamp = self._shown, self._node.get_clock().now().to_msg()
        for publisher, message in (
            (self._colour, shown.colour),
            (self._info, shown.info),
            (self._depth, shown.depth),
        ):
            if publisher is not None and message is not None:
                message.header.stamp = stamp
                publisher.publish(message)

    def _look(self) -> tuple[NDArray[np.int32], Timing]:
        if not self._action.wait_for_server(PATIENCE_S):
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE, f'no perception node within {PATIENCE_S:.0f} s'
            )
        begin = time.monotonic()
        goal = CaptureScene.Goal(timeout=conversions.duration_msg(PATIENCE_S))
        handle = wait_for(self._action.send_goal_async(goal), PATIENCE_S, 'the goal')
        result = wait_for(handle.get_result_async(), 2 * PATIENCE_S, 'the capture').result
        elapsed = time.monotonic() - begin
        if result.error_code != ErrorCode.NONE:
            raise Dex1bError(ErrorCode(result.error_code), result.error_msg)
        header = result.scene.header
        labels = conversions.image(self._of(header, 'labels')).astype(np.int32)
        (used,) = [s for s in self._of(header, 'objects').status if s.name == PROCESSOR]
        stages = {item.key: float(item.value) for item in used.values}
        return labels, Timing(1e3 * stages['segment'], 1e3 * elapsed)

    def _keep(self, name: str, message: Any) -> None:
        with self._changed:
            self._published[name] = message
            self._changed.notify_all()

    def _of(self, header: Header, name: str) -> Any:
        """What was published of a scene: before its result, but it may come after."""

        def is_there() -> bool:
            return name in self._published and self._published[name].header == header

        with self._changed:
            if not self._changed.wait_for(is_there, PATIENCE_S):
                raise Dex1bError(
                    ErrorCode.DEADLINE, f'no {name} of the scene within {PATIENCE_S:.0f} s'
                )
            return self._published[name]


def _frame_of(capture: LabelledCapture) -> str:
    return f'{capture.name}_optical_frame'
