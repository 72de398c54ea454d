"""The joint of a part from two observations of it: register the clouds, read off the screw axis.

Clouds need no correspondences. Iterative closest points (open3d, point to plane) starts from many
turns; of those that fit about equally the smallest motion counts, as parts are often symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.articulation.articulated_object import Array
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform, transform_points

FEWEST_POINTS = 100
STARTS = np.radians([0.0, 15.0, -15.0, 35.0, -35.0, 60.0, -60.0, 85.0, -85.0])  # about each axis
REACHES = (0.08, 0.03, 0.012)  # [m] within which points pair up, from coarse to fine
STEPS = 30  # of each
SLIDE_STEPS = 5
NORMALS_WITHIN = (0.03, 30)  # [m] and neighbours, of surface normals
SMALL_TURN = np.radians(15.0)  # that may be noise: then the part slides,
ALIKE, NEARLY = 1.05, 2e-4  # if the clouds fit without it nearly as well: factor, and [m]
LEAST_SLIDE = 0.01  # [m]
MOST_TURN = 2.0  # [rad]: a panel turned over often fits as well
TIE = 1.15  # fits worse by less than this factor are as good
CUT = 0.02  # [m] beyond which a point's distance does not count more


@dataclass(frozen=True, eq=False)
class AxisEstimate:
    """A joint, in the frame of the clouds.

    Attributes:
        kind: Turns or slides.
        axis: (3,) unit; the displacement is positive.
        origin: (3,) point of the axis closest to the part's first place [m].
        displacement: Between the observations [rad or m].
        after_T_before: (4, 4) motion of the part.
        residual: Mean distance of the registered clouds [m].
    """

    kind: Literal['revolute', 'prismatic']
    axis: Array
    origin: Array
    displacement: float
    after_T_before: Array
    residual: float


def estimate_axis(before: Array, after: Array) -> AxisEstimate:
    """The joint that moved a part between two observations.

    Args:
        before: (N, 3) points on the part [m].
        after: (M, 3) points on it after it moved [m], same frame.

    Raises:
        Dex1bError: TOO_FEW_POINTS for fewer than `FEWEST_POINTS` finite points in either;
            INVALID_REQUEST when the part did not move.
    """
    first, second = _checked('first', before), _checked('second', after)
    source, target = _cloud(first), _cloud(second)
    motion, residual = _registered(source, target)
    turn = Rotation.from_matrix(motion[:3, :3]).as_rotvec()
    angle = float(np.linalg.norm(turn))
    middle = first.mean(axis=0)
    if angle < SMALL_TURN:
        straight = _slid(source, target, motion, middle)
        misfit = _misfit(source, target, straight)
        if misfit < ALIKE * residual + NEARLY:
            return _slide(middle, straight, misfit)
    axis = turn / angle
    origin = _axis_point(motion, axis, middle)
    return AxisEstimate('revolute', axis, origin, angle, motion, residual)


def _slide(middle: Array, motion: Array, residual: float) -> AxisEstimate:
    way = motion[:3, 3]
    length = float(np.linalg.norm(way))
    if length < LEAST_SLIDE:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'the part moved {1e3 * length:.1f} mm between the observations; expected a '
            f'slide of {1e3 * LEAST_SLIDE:.0f} mm or more, or a turn',
        )
    return AxisEstimate('prismatic', way / length, middle, length, motion, residual)


def _axis_point(motion: Array, axis: Array, near: Array) -> Array:
    """(3,) point c of the axis of a turn, closest to a point: (I - R) c = t across the axis."""
    rotation, translation = motion[:3, :3], motion[:3, 3]
    across = translation - (translation @ axis) * axis
    point = np.linalg.lstsq(np.eye(3) - rotation, across, rcond=1e-9)[0]
    return np.asarray(point + ((near - point) @ axis) * axis)


def _slid(source: Any, target: Any, motion: Array, middle: Array) -> Array:
    """The motion without a turn, registered again step by step."""
    straight = make_transform(np.eye(3), transform_points(motion, middle[None])[0] - middle)
    for reach in REACHES:
        for _ in range(SLIDE_STEPS):
            found = _closest_points(source, target, straight, (reach,), steps=1)
            way = transform_points(found, middle[None])[0] - middle
            straight = make_transform(np.eye(3), way)
    return straight


def _registered(source: Any, target: Any) -> tuple[Array, float]:
    """`after_T_before` (4, 4) and the mean distance left [m]."""
    found = []
    for start in _starts(source.get_center(), target.get_center()):
        motion = _closest_points(source, target, start, REACHES[:2])
        found.append((_misfit(source, target, motion), _size(motion), motion))
    found = [entry for entry in found if entry[1] <= MOST_TURN] or found
    best = min(misfit for misfit, _, _ in found)
    near = [entry for entry in found if entry[0] <= TIE * best]
    refined = []
    for _, _, motion in sorted(near, key=lambda entry: entry[1])[:6]:
        fine = _closest_points(source, target, motion, REACHES[1:])
        refined.append((_misfit(source, target, fine), _size(fine), fine))
    refined = [entry for entry in refined if entry[1] <= MOST_TURN] or refined
    best = min(misfit for misfit, _, _ in refined)
    misfit, _, motion = min(
        (entry for entry in refined if entry[0] <= TIE * best), key=lambda entry: entry[1]
    )
    return motion, misfit


def _starts(first: Array, second: Array) -> list[Array]:
    """Turns about the three axes that bring one middle onto the other."""
    starts = []
    for axis in np.eye(3):
        for angle in STARTS if axis[0] else STARTS[1:]:
            turn = Rotation.from_rotvec(angle * axis).as_matrix()
            starts.append(make_transform(turn, second - turn @ first))
    return starts


def _closest_points(
    source: Any, target: Any, start: Array, reaches: tuple[float, ...], steps: int = STEPS
) -> Array:
    import open3d as o3d

    registration = o3d.pipelines.registration
    method = registration.TransformationEstimationPointToPlane()
    stop = registration.ICPConvergenceCriteria(max_iteration=steps)
    motion = start
    for reach in reaches:
        result = registration.registration_icp(source, target, reach, motion, method, stop)
        motion = np.asarray(result.transformation)
    return motion


def _misfit(source: Any, target: Any, motion: Array) -> float:
    """Mean distance [m] from either cloud to the other, each point's cut at `CUT`."""
    import copy

    moved = copy.deepcopy(source).transform(motion)
    both = [
        np.minimum(np.asarray(one.compute_point_cloud_distance(other)), CUT).mean()
        for one, other in ((moved, target), (target, moved))
    ]
    return float(np.mean(both))


def _size(motion: Array) -> float:
    """Of a turn [rad]."""
    return float(Rotation.from_matrix(motion[:3, :3]).magnitude())


def _cloud(points: Array) -> Any:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    radius, neighbours = NORMALS_WITHIN
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(radius, neighbours))
    return cloud


def _checked(name: str, points: NDArray[Any]) -> Array:
    """Finite points (N, 3)."""
    values = np.asarray(points, dtype=float)
    if values.ndim != 2 or values.shape[1] != 3:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{name} observation of shape {values.shape}; expected points (N, 3)',
        )
    finite: Array = values[np.isfinite(values).all(axis=1)]
    if len(finite) < FEWEST_POINTS:
        raise Dex1bError(
            ErrorCode.TOO_FEW_POINTS,
            f'{name} observation has {len(finite)} finite points; expected {FEWEST_POINTS} or '
            'more on the moving part',
        )
    return finite
