"""Camera messages and grasp targets as values of the library."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, transform_points
from dex1b_core.perception import (
    DepthFrame,
    Target,
    TargetMode,
    check_camera_still,
    check_depth,
    check_still,
    decode_depth,
    in_workspace,
    make_intrinsics,
    median_depth,
    rectify_depth,
)
from dex1b_msgs.msg import GraspTarget, StageTiming
from dex1b_ros import conversions
from dex1b_ros.image_sync import ImageSet

Array = NDArray[np.float64]


class PoseOf(Protocol):
    """planning_T_frame (4, 4) at a time, None = the latest."""

    def __call__(self, frame: str, stamp_s: float | None = None) -> Array:
        """Look it up."""
        ...


class Stopwatch:
    """Time of stages, all in one thread.

    Attributes:
        timings: On the clock.
        processor_s: What the thread used of a processor; other processes do not disturb it.
    """

    def __init__(self) -> None:
        self.timings: list[StageTiming] = []
        self.processor_s: dict[str, float] = {}
        self._last, self._last_used = time.monotonic(), time.thread_time()

    def lap(self, stage: str) -> None:
        """End a stage."""
        now, used = time.monotonic(), time.thread_time()
        duration = conversions.duration_msg(now - self._last)
        self.timings.append(StageTiming(stage=stage, duration=duration))
        self.processor_s[stage] = used - self._last_used
        self._last, self._last_used = now, used


def time_msg(stamp_s: float) -> Time:
    """Seconds to Time."""
    nanoseconds = round(stamp_s * 1e9)
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def make_frame(sets: Sequence[ImageSet], camera: str, params: Any, pose_of: PoseOf) -> DepthFrame:
    """Median of the depth images, placed by TF at the stamp of the last.

    Raises:
        Dex1bError: DEPTH_ENCODING, DEPTH_EMPTY, CAMERA_INFO_MISMATCH, TF_ERROR, INVALID_REQUEST, or
            SCENE_MOVING when camera or workspace changed between the images.
    """
    last = sets[-1]
    depths = [_decode(item.depth, params) for item in sets]
    for depth in depths:
        check_depth(depth, camera)
    if any(depth.shape != depths[-1].shape for depth in depths):
        raise Dex1bError(
            ErrorCode.CAMERA_INFO_MISMATCH,
            f"the images of camera '{camera}' change their size; wait until it has settled",
        )
    info, frame = last.info, last.depth.header.frame_id
    if info.header.frame_id != frame:
        raise Dex1bError(
            ErrorCode.CAMERA_INFO_MISMATCH,
            f"camera '{camera}': the depth image is in frame '{frame}', its camera_info in "
            f"'{info.header.frame_id}'; use the camera_info of the depth stream",
        )
    intrinsics = make_intrinsics(info.k.tolist(), info.width, info.height, depths[-1].shape)
    depth = rectify_depth(median_depth(depths), intrinsics, info.d)
    poses = [pose_of(frame, item.stamp_s) for item in (*sets[:-1][:1], last)]
    check_camera_still(poses, camera)
    colour, span = _colour(last.colour), last.stamp_s - sets[0].stamp_s
    made = DepthFrame(depth, intrinsics, poses[-1], colour, last.stamp_s, camera, span)
    check_still(depths, in_workspace(made.points(), params.scene), camera)
    return made


def _decode(message: Image, params: Any) -> NDArray[np.float32]:
    pixels = conversions.image(message)
    return decode_depth(
        pixels, message.encoding, unit_m=params.depth_unit, max_depth=params.max_depth
    )


def _colour(message: Image | None) -> NDArray[np.uint8] | None:
    if message is None or message.encoding not in {'rgb8', 'rgba8', 'bgr8', 'bgra8'}:
        return None
    pixels = conversions.image(message)[..., :3]
    return pixels[..., ::-1] if message.encoding.startswith('bgr') else pixels


def check_skew(frames: Sequence[DepthFrame], allowed_s: float) -> None:
    """Refuse images of different times.

    Raises:
        Dex1bError: CAMERA_SKEW.
    """
    stamps = [frame.stamp_s for frame in frames]
    skew = max(stamps) - min(stamps)
    if skew > allowed_s:
        names = ', '.join(f'{frame.camera} {frame.stamp_s:.3f}' for frame in frames)
        raise Dex1bError(
            ErrorCode.CAMERA_SKEW,
            f'the images of the cameras are {skew:.3f} s apart, allowed are {allowed_s:.3f} s '
            f'({names}); synchronise the cameras or raise max_skew',
        )


def read_target(message: GraspTarget, planning_frame: str, pose_of: PoseOf) -> Target:
    """Target in the planning frame.

    Raises:
        Dex1bError: INVALID_REQUEST for an unknown mode or malformed parts, TF_ERROR.
    """
    try:
        mode = TargetMode(message.mode)
    except ValueError:
        known = ', '.join(f'{mode.name}={int(mode)}' for mode in TargetMode)
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'unknown target mode {message.mode}; known are: {known}'
        ) from None
    moves = mode in {TargetMode.POINT, TargetMode.BOX, TargetMode.CLOUD}
    frame = message.header.frame_id or planning_frame
    pose = pose_of(frame) if moves and frame != planning_frame else np.eye(4)
    if mode is TargetMode.POINT:
        point = transform_points(pose, conversions.vector(message.point)[None])[0]
        return Target(mode, point=point)
    if mode is TargetMode.BOX:
        size = conversions.vector(message.box_size)
        return Target(mode, box=OrientedBox(pose @ conversions.pose(message.box_pose), size))
    if mode is TargetMode.CLOUD:
        return Target(mode, cloud=transform_points(pose, conversions.cloud(message.cloud)))
    if mode is TargetMode.MASK:
        return Target(mode, camera=message.camera, mask=_mask(message.mask))
    pixel = (int(message.u), int(message.v))
    return Target(mode, camera=message.camera, pixel=pixel, label=message.label)


def _mask(message: Image) -> NDArray[np.uint8]:
    if message.encoding not in {'mono8', '8UC1'}:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"the mask is '{message.encoding}'; expected mono8, 0 = background",
        )
    pixels: NDArray[np.uint8] = conversions.image(message)
    return pixels
