"""What the cameras see, now and then, as coloured points for the viewer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.parameter_client import AsyncParameterClient

from dex1b_core.perception import DepthFrame
from dex1b_ros.capture import make_frame
from dex1b_ros.image_sync import CameraTopics, ImageCollector
from dex1b_ros.node import Dex1bNode, wait_for
from dex1b_ros.tf_buffer import make_tf_buffer

Cloud = tuple[NDArray[np.float64], NDArray[np.uint8]]

MOST_POINTS = 60_000
_TIMEOUT_S = 5.0
_TF_TIMEOUT_S = 1.0
_TOLERANCE_S = 0.05
_NO_COLOUR = (120, 150, 190)
_NAMES = ('cameras', 'depth_topic', 'info_topic', 'color_topic', 'depth_unit', 'max_depth')


@dataclass(frozen=True)
class CameraSetting:
    """Perception's parameters of these names, so that they are set in one place."""

    cameras: tuple[str, ...]
    depth_topic: str
    info_topic: str
    color_topic: str
    depth_unit: float
    max_depth: float


class CameraClouds:
    """Takes one image of each camera when asked; listens to nothing in between.

    Args:
        node: Whose thread makes subscriptions.
        planning_frame: Points are in this frame.
    """

    def __init__(self, node: Dex1bNode, planning_frame: str) -> None:
        self._node, self._frame = node, planning_frame
        self._tf = make_tf_buffer(node)
        self._parameters = AsyncParameterClient(node, 'perception')
        self._setting: CameraSetting | None = None
        self._changed = threading.Condition()

    def close(self) -> None:
        """Drop the subscriptions."""
        self._tf.close()

    def look(self) -> Cloud | None:
        """Points (N, 3) [m] and colours (N, 3); None when perception does not answer.

        Call it from a worker thread.

        Raises:
            Dex1bError: a camera gave no image, or no transform.
        """
        setting = self._setting = self._setting or self._ask()
        if setting is None:
            return None
        collectors = wait_for(
            self._node.on_executor(lambda: self._collect(setting)), _TIMEOUT_S, 'this node'
        )
        try:
            frames = [self._frame_of(collector, setting) for collector in collectors]
        finally:
            for collector in collectors:
                self._node.on_executor(collector.close)
        return joined(frames)

    def _ask(self) -> CameraSetting | None:
        if not self._parameters.services_are_ready():
            return None
        future = self._parameters.get_parameters(list(_NAMES))
        values = [_value(item) for item in wait_for(future, _TIMEOUT_S, 'perception').values]
        known = dict(zip(_NAMES, values, strict=True))
        if any(value is None for value in values):  # not configured yet
            return None
        return CameraSetting(**(known | {'cameras': tuple(known['cameras'])}))

    def _collect(self, setting: CameraSetting) -> list[ImageCollector]:
        now = self._node.get_clock().now().nanoseconds * 1e-9
        topics = (setting.depth_topic, setting.info_topic, setting.color_topic)
        return [
            ImageCollector(
                self._node,
                CameraTopics(name, *(topic.format(camera=name) for topic in topics)),
                after_s=now, count=1, tolerance_s=_TOLERANCE_S, changed=self._changed,
            )
            for name in setting.cameras
        ]  # fmt: skip

    def _frame_of(self, collector: ImageCollector, setting: CameraSetting) -> DepthFrame:
        deadline = time.monotonic() + _TIMEOUT_S
        with self._changed:
            while not collector.done and time.monotonic() < deadline:
                self._changed.wait(0.1)
        if collector.matched < collector.count:
            raise collector.missing(_TIMEOUT_S)
        return make_frame(collector.take(), collector.topics.camera, setting, self._pose)

    def _pose(self, frame: str, stamp_s: float | None = None) -> Any:
        return self._tf.lookup(self._frame, frame, stamp_s=stamp_s, timeout_s=_TF_TIMEOUT_S)


def joined(frames: list[DepthFrame]) -> Cloud:
    """All points of some frames, every so many of them so that a browser can hold them."""
    pixels = sum(frame.depth_m.size for frame in frames)
    step = max(1, int(np.ceil(np.sqrt(pixels / MOST_POINTS))))
    points, colours = [], []
    for frame in frames:
        seen = frame.points()[::step, ::step].reshape(-1, 3)
        colour = np.full(seen.shape, _NO_COLOUR, np.uint8)
        if frame.colour is not None and frame.colour.shape[:2] == frame.depth_m.shape:
            colour = frame.colour[::step, ::step].reshape(-1, 3)
        valid = np.isfinite(seen).all(axis=1)
        points.append(seen[valid].astype(float))
        colours.append(colour[valid])
    return np.concatenate(points), np.concatenate(colours)


def _value(message: Any) -> Any:
    from rclpy.parameter import parameter_value_to_python

    return parameter_value_to_python(message)
