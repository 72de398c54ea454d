"""Publishes a simulated depth camera: depth, aligned colour, camera_info."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from dex1b_core.perception import CameraIntrinsics
from dex1b_core.simulation.camera import DepthCamera
from dex1b_ros.conversions import image_msg, transform_msg

_STILL = 1e-4  # what moves less between frames is not rendered again
# As many frames as perception takes the median of: whichever comes first, a still scene gives the
# same median, so that a seed repeats a plan however the processes were timed.
_NOISES = 3


class CameraPublisher:
    """Renders for whoever subscribes; a thread of its owner calls `publish`."""

    def __init__(
        self, node: Node, camera: DepthCamera, *, encoding: str, noise: bool, seed: int
    ) -> None:
        self._node, self._camera = node, camera
        self._encoding, self._noise, self._seed = encoding, noise, seed
        self._frames = 0
        self._idle = threading.Lock()
        self._pixels = {
            kind: node.create_publisher(Image, f'camera/{kind}/image_raw', 1)
            for kind in ('depth', 'color')
        }
        self._infos = {
            kind: node.create_publisher(CameraInfo, f'camera/{kind}/camera_info', 1)
            for kind in ('depth', 'color')
        }

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes to an image or a camera_info."""
        publishers = (*self._pixels.values(), *self._infos.values())
        return any(publisher.get_subscription_count() for publisher in publishers)

    @property
    def busy(self) -> bool:
        """Whether a frame is being made."""
        return self._idle.locked()

    def publish(self, stamp: Time, poses: Mapping[str, NDArray[np.float64]]) -> None:
        """Render the bodies at their poses, if anybody looks."""
        with self._idle:
            camera = self._camera
            header = Header(stamp=stamp, frame_id=camera.description.frame)
            for publisher in self._infos.values():
                if publisher.get_subscription_count():
                    publisher.publish(camera_info(camera.description.intrinsics, header))
            colour, depth = (
                self._pixels[kind].get_subscription_count() > 0 for kind in ('color', 'depth')
            )
            if not colour and not depth:
                return
            moved = camera.scene.set_poses(poses, tolerance=_STILL)
            rendering = camera.look(moved=moved, colour=colour)
            if depth:
                seed = self._seed * _NOISES + self._frames % _NOISES
                self._frames += 1
                metres = camera.measure(rendering, seed=seed, noise=self._noise)
                pixels = encode_depth(metres, self._encoding)
                self._pixels['depth'].publish(image_msg(pixels, self._encoding, header))
            if colour and rendering.colour is not None:
                self._pixels['color'].publish(image_msg(rendering.colour, 'rgb8', header))

    def transform(self, stamp: Time, parent: str) -> TransformStamped:
        """Pose of the optical frame under the planning frame."""
        description = self._camera.description
        return TransformStamped(
            header=Header(stamp=stamp, frame_id=parent),
            child_frame_id=description.frame,
            transform=transform_msg(description.world_T_camera),
        )

    def destroy(self) -> None:
        """Destroy all publishers."""
        for publisher in (*self._pixels.values(), *self._infos.values()):
            self._node.destroy_publisher(publisher)


def camera_info(camera: CameraIntrinsics, header: Header) -> CameraInfo:
    """Pinhole camera without distortion."""
    info = CameraInfo(header=header, height=camera.height, width=camera.width)
    info.distortion_model, info.d = 'plumb_bob', [0.0] * 5
    info.k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [camera.fx, 0.0, camera.cx, 0.0, 0.0, camera.fy, camera.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def encode_depth(metres: NDArray[np.float32], encoding: str) -> NDArray[Any]:
    """16UC1 in millimetres with 0 for no return, or 32FC1 in metres with NaN (REP-118)."""
    if encoding == '32FC1':
        return metres
    millimetres = np.rint(np.nan_to_num(metres, nan=0.0) * 1000.0)
    return np.clip(millimetres, 0, 65535).astype(np.uint16)
