"""`dex1b camera check`: what a running depth camera delivers."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import check_depth, decode_depth, make_intrinsics
from dex1b_core.perception.camera_check import plane_noise_of, stream_skew, stream_timing
from dex1b_ros import conversions
from dex1b_ros.image_sync import image_qos

KEPT = 15  # images that noise is measured on


def check_camera(
    depth_topic: str, info_topic: str, *, seconds: float = 5.0, depth_unit: float = 0.001
) -> dict[str, Any]:
    """Watch a camera that looks at a plane, and measure it.

    Args:
        depth_topic: 16UC1 or 32FC1.
        info_topic: Its camera_info.
        seconds: How long.
        depth_unit: Step of a 16UC1 image [m].

    Returns:
        `timing` (StreamTiming), `skew_s` of camera_info to depth, `latency_s` from stamp to
        arrival on this machine's clock, `plane` (PlaneNoise), `images`, ready for JSON.

    Raises:
        Dex1bError: NO_DEPTH without images or camera_info; those of `decode_depth`,
            `check_depth`, `make_intrinsics` and `plane_noise_of`.
    """
    if not rclpy.ok():
        rclpy.init()
    node = Node('dex1b_camera_check')
    try:
        images, infos, delays = _watch(node, depth_topic, info_topic, seconds)
    finally:
        node.destroy_node()
    for topic, found in ((depth_topic, images), (info_topic, infos)):
        if not found:
            raise Dex1bError(
                ErrorCode.NO_DEPTH,
                f'no message on {topic} in {seconds:.1f} s; is the driver running, and is this '
                'its topic?',
            )
    stamps = [conversions.seconds(image.header.stamp) for image in images]
    info_stamps = [conversions.seconds(info.header.stamp) for info in infos]
    depths = [
        decode_depth(conversions.image(image), image.encoding, unit_m=depth_unit)
        for image in images[-KEPT:]
    ]
    for depth in depths:
        check_depth(depth, depth_topic)
    info = infos[-1]
    intrinsics = make_intrinsics(info.k.tolist(), info.width, info.height, depths[-1].shape)
    return {
        'images': len(images),
        'timing': asdict(stream_timing(stamps)),
        'skew_s': stream_skew(stamps[1:-1], info_stamps),
        'latency_s': sorted(delays)[len(delays) // 2],
        'plane': asdict(plane_noise_of(depths, intrinsics)),
    }


def _watch(
    node: Node, depth_topic: str, info_topic: str, seconds: float
) -> tuple[list[Image], list[CameraInfo], list[float]]:
    images: list[Image] = []
    infos: list[CameraInfo] = []
    delays: list[float] = []

    def keep(image: Image) -> None:
        now = node.get_clock().now().nanoseconds * 1e-9
        delays.append(now - conversions.seconds(image.header.stamp))
        if len(images) > KEPT:
            images[-KEPT - 1].data = b''  # only its stamp is wanted
        images.append(image)

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    found = time.monotonic() + seconds
    while node.count_publishers(depth_topic) == 0 and time.monotonic() < found:
        executor.spin_once(timeout_sec=0.05)
    node.create_subscription(Image, depth_topic, keep, image_qos(node, depth_topic))
    node.create_subscription(CameraInfo, info_topic, infos.append, image_qos(node, info_topic))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.05)
    executor.remove_node(node)
    return images, infos, delays


def describe(report: dict[str, Any]) -> list[str]:
    """The report in words, a line each."""
    timing, plane = report['timing'], report['plane']
    flicker = plane['flicker_m']
    return [
        f'rate       {timing["rate_hz"]:.1f} Hz, jitter {1000 * timing["jitter_s"]:.1f} ms, '
        f'longest gap {1000 * timing["longest_gap_s"]:.0f} ms, '
        f'{timing["repeated"]} repeated stamps',
        f'skew       camera_info to depth {1000 * report["skew_s"]:.1f} ms; '
        f'latency {1000 * report["latency_s"]:.0f} ms',
        f'plane      {plane["distance_m"]:.3f} m away, turned by '
        f'{math.degrees(plane["angle_rad"]):.0f} degrees, {plane["on_plane"]:.0%} of the middle',
        f'noise      {1000 * plane["rough_m"]:.2f} mm over the plane, '
        f'{1000 * flicker:.2f} mm over time',
        f'holes      {plane["holes"]:.1%}',
    ]
