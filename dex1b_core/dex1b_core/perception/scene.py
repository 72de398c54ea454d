"""From depth images to a scene: plane, instances, the target and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.perception.boxes import oriented_box
from dex1b_core.perception.frames import DepthFrame
from dex1b_core.perception.freespace import View
from dex1b_core.perception.instances import bounding_window
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.perception.robot_mask import RobotMask
from dex1b_core.perception.robot_shadow import robot_shadow
from dex1b_core.perception.segmentation import Cloud, Segmentation, segment
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.shapes import reconstruct_shapes
from dex1b_core.perception.structures import plane_under
from dex1b_core.perception.surface import heights_above, make_surface
from dex1b_core.perception.target import (
    Instance,
    LabelledView,
    Target,
    choose,
    graspability,
)
from dex1b_core.perception.visibility import measure_visibility

Array = NDArray[np.float64]
NORMAL_SPAN = 4  # [px] from a pixel to those that span its normal


@dataclass(frozen=True)
class Scene:
    """Everything perceived at one instant, planning frame.

    Attributes:
        observation: The target.
        instances: All objects, by label.
        labels: (H, W) label image for each frame, 0 = no object.
        robot: (H, W) pixels on the robot for each frame.
        robot_points_removed: Their number.
    """

    observation: ObjectObservation
    instances: tuple[Instance, ...]
    labels: tuple[NDArray[np.int32], ...]
    robot: tuple[NDArray[np.bool_], ...]
    robot_points_removed: int

    @property
    def plane(self) -> Plane:
        """The support plane."""
        return self.observation.support_plane


def observe(
    frames: Sequence[DepthFrame],
    *,
    settings: PerceptionSettings,
    robot_mask: RobotMask | None = None,
    link_poses: Mapping[str, Array] | None = None,
    target: Target | None = None,
) -> Scene:
    """Find the support plane, the objects on it, and describe the target.

    Args:
        frames: One for each camera, taken at nearly the same time.
        settings: Thresholds and sizes.
        robot_mask: Removes robot points; needs `link_poses`.
        link_poses: planning_T_link (4, 4) by link name.
        target: What to grasp; None = the most graspable object.

    Raises:
        Dex1bError: DEPTH_EMPTY, NO_PLANE, NO_OBJECT, ROBOT_OCCLUDES, TOO_FEW_POINTS,
            TARGET_NOT_FOUND or INVALID_REQUEST.
    """
    segmentation = segment(
        frames, settings=settings, robot_mask=robot_mask, link_poses=link_poses or {}
    )
    return describe(segmentation, settings=settings, target=target)


def describe(
    segmentation: Segmentation, *, settings: PerceptionSettings, target: Target | None = None
) -> Scene:
    """Measure the objects that `segment` found, and all that is known about the target.

    Args:
        segmentation: Of the frames.
        settings: Thresholds and sizes.
        target: What to grasp; None = the most graspable object.

    Raises:
        Dex1bError: NO_OBJECT, TOO_FEW_POINTS, ROBOT_OCCLUDES, TARGET_NOT_FOUND or INVALID_REQUEST.
    """
    clouds, labels = segmentation.clouds, segmentation.labels
    views = [
        LabelledView(cloud.frame.camera, image, cloud.robot, cloud.points)
        for cloud, image in zip(clouds, labels, strict=True)
    ]
    instances = _instances(views, segmentation, settings)
    if not instances:
        raise _no_object(clouds, segmentation.plane, settings)
    chosen = choose(target or Target(), instances, views)
    observation = _describe(chosen, instances, segmentation, settings)
    robot = tuple(cloud.robot for cloud in clouds)
    removed = int(sum(image.sum() for image in robot))
    return Scene(observation, instances, labels, robot, removed)


def _instances(
    views: Sequence[LabelledView], segmentation: Segmentation, settings: PerceptionSettings
) -> tuple[Instance, ...]:
    seen_of = measure_visibility(
        [view.labels for view in views],
        [cloud.frame.depth_m for cloud in segmentation.clouds],
        [view.robot for view in views],
    )
    instances = []
    for label, visibility in enumerate(seen_of, start=1):
        seen = [view.points[view.labels == label] for view in views]
        points = np.concatenate(seen).astype(float)
        if len(points) < settings.min_points:
            continue
        plane = plane_under(points, segmentation.boards, segmentation.plane)
        box = oriented_box(points, plane)
        score = graspability(points, box, settings)
        instances.append(Instance(label, points, box, score, visibility))
    return tuple(instances)


def _describe(
    chosen: Instance | Array,
    instances: Sequence[Instance],
    segmentation: Segmentation,
    settings: PerceptionSettings,
) -> ObjectObservation:
    clouds, labels = segmentation.clouds, segmentation.labels
    masks = _target_masks(chosen, clouds, labels)
    points = np.concatenate([c.points[m] for c, m in zip(clouds, masks, strict=True)])
    normals = np.concatenate([_normals(c, m) for c, m in zip(clouds, masks, strict=True)])
    known = np.isfinite(normals).all(axis=1)
    points, normals = points[known].astype(float), normals[known].astype(float)
    keep = _not_outliers(points)
    points, normals = points[keep], normals[keep]
    if len(points) < settings.min_points // 3:
        raise Dex1bError(
            ErrorCode.TOO_FEW_POINTS,
            f'the target has {len(points)} clean points, expected at least '
            f'{settings.min_points // 3}; bring the camera nearer or uncover the object',
        )
    plane = plane_under(points, segmentation.boards, segmentation.plane)
    shapes: tuple[ShapeHypothesis, ...] = ()
    if settings.reconstruct:
        views = [
            View(c.frame.depth_m, mask, c.frame.intrinsics, c.frame.planning_T_camera)
            for c, mask in zip(clouds, masks, strict=True)
        ]
        shapes = reconstruct_shapes(
            points,
            normals,
            plane,
            views,
            hypotheses=settings.hypotheses,
            voxel=settings.voxel,
            max_faces=settings.max_faces,
        )
    obstacles = _thin(
        _obstacles(segmentation, masks, plane, settings), settings.max_obstacle_points
    )
    if settings.robot_shadow:
        hidden = robot_shadow(clouds, points)
        obstacles = np.concatenate([obstacles, _thin(hidden, settings.max_obstacle_points)])
    label = chosen.label if isinstance(chosen, Instance) else _majority(masks, labels)
    return ObjectObservation(
        points=_thin(points, settings.max_points),
        normals=_thin(normals, settings.max_points),
        obstacles=obstacles,
        support_plane=plane,
        box=oriented_box(np.concatenate([points, *(s.vertices for s in shapes[:1])]), plane),
        shapes=shapes,
        label=label,
        visibility=next((i.visibility for i in instances if i.label == label), None),
    )


def _obstacles(
    segmentation: Segmentation,
    masks: Sequence[NDArray[np.bool_]],
    plane: Plane,
    settings: PerceptionSettings,
) -> Array:
    """(M, 3) points of other objects, and of boards and walls that are clearly above the plane."""
    parts = []
    for cloud, image, structure, mask in zip(
        segmentation.clouds, segmentation.labels, segmentation.structures, masks, strict=True
    ):
        stands_out = heights_above(cloud.points, plane) > 2 * settings.min_height
        parts.append(cloud.points[((image > 0) | (structure & stands_out)) & ~mask])
    return np.concatenate(parts).astype(float)


def _normals(cloud: Cloud, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, 3) normals at the pixels of a mask, NaN where unknown."""
    window = bounding_window(mask, border=NORMAL_SPAN)
    eye = cloud.frame.planning_T_camera[:3, 3]
    surface = make_surface(
        cloud.points[window],
        cloud.frame.depth_m[window],
        cloud.usable[window],
        eye,
        span=NORMAL_SPAN,
    )
    return surface.normals[mask[window]]


def _target_masks(
    chosen: Instance | Array,
    clouds: Sequence[Cloud],
    labels: Sequence[NDArray[np.int32]],
) -> list[NDArray[np.bool_]]:
    if isinstance(chosen, Instance):
        return [image == chosen.label for image in labels]
    from scipy.spatial import cKDTree

    tree = cKDTree(chosen)
    masks = []
    for cloud in clouds:
        lower, upper = chosen.min(axis=0) - 0.005, chosen.max(axis=0) + 0.005
        near = cloud.usable & ((cloud.points > lower) & (cloud.points < upper)).all(axis=-1)
        distance, _ = tree.query(cloud.points[near], distance_upper_bound=0.005)
        near[near] = np.isfinite(distance)
        masks.append(near)
    return masks


def _majority(masks: Sequence[NDArray[np.bool_]], labels: Sequence[NDArray[np.int32]]) -> int:
    counts = np.bincount(np.concatenate([i[m] for i, m in zip(labels, masks, strict=True)]))
    counts[0] = 0
    return int(counts.argmax()) if counts.any() else 0


def _not_outliers(points: Array, *, neighbours: int = 12, ratio: float = 3.0) -> NDArray[np.bool_]:
    """Points whose mean distance to their neighbours is not far above the usual."""
    from scipy.spatial import cKDTree

    if len(points) <= neighbours:
        return np.ones(len(points), dtype=bool)
    distance = cKDTree(points).query(points, neighbours)[0].mean(axis=1)
    limit = np.median(distance) + ratio * 1.4826 * np.median(np.abs(distance - np.median(distance)))
    return np.asarray(distance < max(limit, 0.006))


def _thin(points: Array, count: int) -> Array:
    """At most `count` rows, evenly spread."""
    if len(points) <= count:
        return points
    return points[np.linspace(0, len(points) - 1, count).astype(int)] if count else points[:0]


def _no_object(clouds: Sequence[Cloud], plane: Plane, settings: PerceptionSettings) -> Dex1bError:
    heights = np.concatenate([plane.signed_distance(c.points[c.usable]) for c in clouds])
    count = int((heights > settings.min_height).sum())
    robot = sum(int(cloud.robot.sum()) for cloud in clouds)
    return Dex1bError(
        ErrorCode.NO_OBJECT,
        f'no object on the support plane: {count} points in the workspace are higher than '
        f'{settings.min_height:.3f} m above it and form no surface of {settings.min_points} '
        f'pixels ({robot} robot pixels were removed); put an object into the workspace '
        f'{settings.workspace_lower} to {settings.workspace_upper}',
    )
