"""Which object is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, invert, transform_points
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.visibility import Visibility

Array = NDArray[np.float64]
NEAR = 0.05  # a named point may miss an object by this much [m]


class TargetMode(IntEnum):
    """How a target is named; equal to dex1b_msgs/msg/GraspTarget."""

    AUTO = 0
    POINT = 1
    PIXEL = 2
    BOX = 3
    MASK = 4
    CLOUD = 5
    LABEL = 6


@dataclass(frozen=True)
class Target:
    """What to grasp; everything in the planning frame. The default is the most graspable object.

    Attributes:
        point: (3,) for POINT [m].
        camera: For PIXEL and MASK; empty = the first camera.
        pixel: (u, v) column and row for PIXEL.
        box: For BOX.
        mask: (H, W) for MASK, non-zero is the object.
        cloud: (N, 3) for CLOUD [m].
        label: For LABEL, e.g. '2'.
    """

    mode: TargetMode = TargetMode.AUTO
    point: Array | None = None
    camera: str = ''
    pixel: tuple[int, int] = (0, 0)
    box: OrientedBox | None = None
    mask: NDArray[np.uint8] | None = None
    cloud: Array | None = None
    label: str = ''


@dataclass(frozen=True)
class Instance:
    """One object seen.

    Attributes:
        label: In the label images, 1..
        points: (N, 3) planning frame [m].
        box: On the support plane.
        graspability: For AUTO, higher is better.
        visibility: How much of it is in view.
    """

    label: int
    points: Array
    box: OrientedBox
    graspability: float
    visibility: Visibility


@dataclass(frozen=True)
class LabelledView:
    """What a camera's pixels show.

    Attributes:
        labels: (H, W) 0 = nothing, else the instance.
        robot: (H, W) pixels on the robot.
        points: (H, W, 3) planning frame, NaN where not measured.
    """

    camera: str
    labels: NDArray[np.int32]
    robot: NDArray[np.bool_]
    points: NDArray[np.float32] = field(repr=False)


def graspability(points: Array, box: OrientedBox, settings: PerceptionSettings) -> float:
    """How promising an object is: fits the hand, near the best place, well seen; 0..1."""
    width, height = float(box.size[1]), float(box.size[2])
    fits = 1.0 / (1.0 + np.exp((width - settings.graspable_width) / 0.01))
    tall = 1.0 - np.exp(-height / 0.03)
    distance = np.linalg.norm(box.planning_T_box[:2, 3] - np.array(settings.reach_centre[:2]))
    near = np.exp(-((distance / 0.3) ** 2))
    seen = len(points) / (len(points) + 1000.0)
    bulk = float(np.clip(box.size[0] / 0.03, 0.1, 1.0))
    return float(fits * tall * near * seen * bulk)


def choose(
    target: Target, instances: Sequence[Instance], views: Sequence[LabelledView]
) -> Instance | Array:
    """The instance meant, or (N, 3) points where the target names points instead of an object.

    Raises:
        Dex1bError: NO_OBJECT without any object for AUTO, TARGET_NOT_FOUND, ROBOT_OCCLUDES when
            the named pixel lies on the robot, INVALID_REQUEST for a malformed target.
    """
    if target.mode is TargetMode.AUTO:
        return max(instances, key=lambda instance: instance.graspability)
    if target.mode is TargetMode.POINT:
        return _at_point(target, instances)
    if target.mode is TargetMode.LABEL:
        by_label = {str(instance.label): instance for instance in instances}
        if target.label not in by_label:
            raise _not_found(f"no object has label '{target.label}'", instances)
        return by_label[target.label]
    if target.mode is TargetMode.PIXEL:
        return _at_pixel(target, instances, views)
    if target.mode is TargetMode.MASK:
        return _in_mask(target, instances, views)
    if target.mode is TargetMode.CLOUD:
        if target.cloud is None or len(target.cloud) < 10:
            raise _invalid('a CLOUD target needs at least 10 points', instances)
        return target.cloud
    return _in_box(target, instances)


def _at_point(target: Target, instances: Sequence[Instance]) -> Instance:
    if target.point is None or not np.isfinite(target.point).all():
        raise _invalid('a POINT target needs three finite coordinates', instances)
    point = target.point
    distances = [float(np.linalg.norm(i.points - point, axis=1).min()) for i in instances]
    best = int(np.argmin(distances))
    # the middle of an object lies behind its visible surface
    box = instances[best].box
    local = transform_points(invert(box.planning_T_box), point[None])[0]
    outside = float(np.linalg.norm(np.maximum(np.abs(local) - box.size / 2, 0)))
    if min(distances[best], outside) > NEAR:
        where = ', '.join(f'{value:.3f}' for value in point)
        raise _not_found(
            f'no object within {NEAR:.2f} m of ({where}); the nearest is '
            f'{min(distances[best], outside):.3f} m away',
            instances,
        )
    return instances[best]


def _view(target: Target, views: Sequence[LabelledView]) -> LabelledView:
    by_name: Mapping[str, LabelledView] = {view.camera: view for view in views}
    name = target.camera or views[0].camera
    if name not in by_name:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"unknown camera '{name}'; known are: {', '.join(sorted(by_name))}",
        )
    return by_name[name]


def _at_pixel(
    target: Target, instances: Sequence[Instance], views: Sequence[LabelledView]
) -> Instance:
    view = _view(target, views)
    (u, v), (height, width) = target.pixel, view.labels.shape
    if not (0 <= u < width and 0 <= v < height):
        raise _invalid(f'pixel ({u}, {v}) is outside the {width}x{height} image', instances)
    if view.robot[v, u]:
        raise Dex1bError(
            ErrorCode.ROBOT_OCCLUDES,
            f"pixel ({u}, {v}) of camera '{view.camera}' lies on the robot; move the robot away",
        )
    near = view.labels[max(0, v - 3) : v + 4, max(0, u - 3) : u + 4]
    label = int(view.labels[v, u]) or int(np.bincount(near[near > 0]).argmax() if near.any() else 0)
    for instance in instances:
        if instance.label == label:
            return instance
    raise _not_found(f"no object at pixel ({u}, {v}) of camera '{view.camera}'", instances)


def _in_mask(target: Target, instances: Sequence[Instance], views: Sequence[LabelledView]) -> Array:
    view = _view(target, views)
    if target.mask is None or target.mask.shape != view.labels.shape:
        shape = None if target.mask is None else target.mask.shape
        raise _invalid(
            f"the mask has shape {shape}, the depth image of '{view.camera}' has "
            f'{view.labels.shape}',
            instances,
        )
    chosen = (target.mask > 0) & ~view.robot & np.isfinite(view.points[..., 2])
    points = view.points[chosen].astype(float)
    if len(points) < 10:
        raise _not_found(f'the mask covers {len(points)} measured points', instances)
    return points


def _in_box(target: Target, instances: Sequence[Instance]) -> Array:
    if target.box is None or not (target.box.size > 0).all():
        raise _invalid('a BOX target needs a box with positive sides', instances)
    points = np.concatenate([instance.points for instance in instances])
    local = transform_points(invert(target.box.planning_T_box), points)
    inside = points[(np.abs(local) <= target.box.size / 2).all(axis=1)]
    if len(inside) < 10:
        raise _not_found(f'the box holds {len(inside)} object points', instances)
    return inside


def _listing(instances: Sequence[Instance]) -> str:
    return '; '.join(
        f'{i.label} at ({", ".join(f"{v:.2f}" for v in i.box.planning_T_box[:3, 3])})'
        for i in instances
    )


def _not_found(what: str, instances: Sequence[Instance]) -> Dex1bError:
    return Dex1bError(
        ErrorCode.TARGET_NOT_FOUND, f'{what}; objects seen are: {_listing(instances)}'
    )


def _invalid(what: str, instances: Sequence[Instance]) -> Dex1bError:
    return Dex1bError(ErrorCode.INVALID_REQUEST, f'{what}; objects seen are: {_listing(instances)}')
