"""From depth images to labelled objects: crop, robot removal, support plane, instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.perception.frames import DepthFrame, remove_flying_pixels
from dex1b_core.perception.fusion import merge_views
from dex1b_core.perception.instances import bounding_window, label_instances
from dex1b_core.perception.robot_mask import RobotMask
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.structures import Board, split_structures
from dex1b_core.perception.support import find_support_plane, plane_noise
from dex1b_core.perception.surface import heights_above

Array = NDArray[np.float64]
THINNED = 4  # every so many rows and columns show the support plane


@dataclass(frozen=True)
class Cloud:
    """Organised cloud of one frame.

    Attributes:
        frame: Without flying pixels on what is above the plane.
        points: (H, W, 3) planning frame, NaN where not measured.
        robot: (H, W) on the robot.
        usable: (H, W) inside the workspace and not robot.
        above: (H, W) usable and higher than the support plane.
    """

    frame: DepthFrame
    points: NDArray[np.float32]
    robot: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    above: NDArray[np.bool_]


@dataclass(frozen=True)
class Segmentation:
    """Objects in all frames.

    Attributes:
        plane: The lowest that they stand on.
        clouds: One for each frame.
        labels: (H, W) for each frame, 0 = no object, 1.. by decreasing size.
        structures: (H, W) for each frame, pixels of what is too long for an object.
        boards: Level surfaces of these, highest first.
    """

    plane: Plane
    clouds: tuple[Cloud, ...]
    labels: tuple[NDArray[np.int32], ...]
    structures: tuple[NDArray[np.bool_], ...]
    boards: tuple[Board, ...]


def segment(
    frames: Sequence[DepthFrame],
    *,
    settings: PerceptionSettings,
    robot_mask: RobotMask | None = None,
    link_poses: Mapping[str, Array] | None = None,
) -> Segmentation:
    """Find the support plane and label what stands on it.

    Args:
        frames: One for each camera, taken at nearly the same time.
        settings: Thresholds and sizes.
        robot_mask: Removes robot points; needs `link_poses`.
        link_poses: planning_T_link (4, 4) by link name.

    Raises:
        Dex1bError: NO_PLANE or ROBOT_OCCLUDES.
    """
    clouds = [_cloud(frame, settings, robot_mask, link_poses or {}) for frame in frames]
    if not any(cloud.usable.any() for cloud in clouds):
        raise _nothing_usable(clouds)
    thin = np.s_[::THINNED, ::THINNED]
    sample = np.concatenate([cloud.points[thin][cloud.usable[thin]] for cloud in clouds])
    plane = find_support_plane(sample, settings=settings, stands_for=THINNED**2)
    noise = plane_noise(sample, plane, settings.plane_tolerance)
    height = max(settings.min_height, 3 * noise)
    clouds = [_above(cloud, plane, height) for cloud in clouds]
    points = [cloud.points for cloud in clouds]
    merged = merge_views(
        [
            label_instances(cloud.frame, cloud.points, cloud.above, plane, settings=settings)
            for cloud in clouds
        ],
        points,
    )
    labels, structures, boards = split_structures(merged, points, settings)
    return Segmentation(plane, tuple(clouds), tuple(labels), tuple(structures), boards)


def in_workspace(points: NDArray[np.float32], settings: PerceptionSettings) -> NDArray[np.bool_]:
    """Which of (H, W, 3) points of the planning frame lie within the workspace, shape (H, W)."""
    inside = np.ones(points.shape[:2], dtype=bool)
    bounds = zip(settings.workspace_lower, settings.workspace_upper, strict=True)
    for axis, (lower, upper) in enumerate(bounds):
        inside &= (points[..., axis] > lower) & (points[..., axis] < upper)
    return inside


def _cloud(
    frame: DepthFrame,
    settings: PerceptionSettings,
    robot_mask: RobotMask | None,
    link_poses: Mapping[str, Array],
) -> Cloud:
    points = frame.points()
    robot = np.zeros(frame.depth_m.shape, dtype=bool)
    if robot_mask is not None:
        flat = robot_mask.contains(points.reshape(-1, 3), link_poses)
        robot = flat.reshape(robot.shape)
    usable = ~robot & in_workspace(points, settings)
    return Cloud(frame, points, robot, usable, np.zeros_like(usable))


def _above(cloud: Cloud, plane: Plane, height: float) -> Cloud:
    """The cloud with what is higher than `height` above the plane, without flying pixels there."""
    above = cloud.usable & (heights_above(cloud.points, plane) > height)
    window = bounding_window(above, border=2)
    depth = cloud.frame.depth_m.copy()
    depth[window] = remove_flying_pixels(depth[window])
    kept = np.isfinite(depth)
    cloud.points[~kept] = np.nan
    frame = replace(cloud.frame, depth_m=depth)
    return replace(cloud, frame=frame, usable=cloud.usable & kept, above=above & kept)


def _nothing_usable(clouds: Sequence[Cloud]) -> Dex1bError:
    seen = sum(int(np.isfinite(cloud.points[..., 2]).sum()) for cloud in clouds)
    robot = sum(int(cloud.robot.sum()) for cloud in clouds)
    if robot > 0.5 * max(seen, 1):
        return Dex1bError(
            ErrorCode.ROBOT_OCCLUDES,
            f'{robot} of {seen} measured points lie on the robot and none in the free '
            'workspace; move the arm out of view',
        )
    return Dex1bError(
        ErrorCode.NO_PLANE,
        f'none of {seen} measured points lies in the workspace; check the camera pose in TF and '
        'workspace_lower, workspace_upper',
    )
