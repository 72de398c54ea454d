"""Vectors, poses, transforms and times; quaternions are xyzw on the ROS side."""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, Transform, Vector3
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import from_xyzw, to_xyzw

Array = NDArray[np.float64]


def vector_msg(vector: Any) -> Vector3:
    """(3,) to Vector3."""
    return Vector3(x=float(vector[0]), y=float(vector[1]), z=float(vector[2]))


def vector(message: Vector3 | Point) -> Array:
    """Vector3 or Point to (3,)."""
    return np.array([message.x, message.y, message.z])


def pose_msg(transform: Array) -> Pose:
    """(4, 4) to Pose."""
    position, quaternion = to_xyzw(transform)
    pose = Pose(position=Point(x=position[0], y=position[1], z=position[2]))
    o = pose.orientation
    o.x, o.y, o.z, o.w = (float(value) for value in quaternion)
    return pose


def pose(message: Pose) -> Array:
    """Pose to (4, 4).

    Raises:
        Dex1bError: INVALID_REQUEST for a quaternion that is no rotation.
    """
    o = message.orientation
    try:
        return from_xyzw(vector(message.position), [o.x, o.y, o.z, o.w])
    except ValueError as error:
        raise Dex1bError(ErrorCode.INVALID_REQUEST, f'pose: {error}') from error


def transform_msg(transform: Array) -> Transform:
    """(4, 4) to Transform."""
    as_pose = pose_msg(transform)
    return Transform(translation=vector_msg(transform[:3, 3]), rotation=as_pose.orientation)


def transform(message: Transform) -> Array:
    """Transform to (4, 4)."""
    r = message.rotation
    return from_xyzw(vector(message.translation), [r.x, r.y, r.z, r.w])


def duration_msg(seconds: float) -> Duration:
    """Seconds to Duration."""
    nanoseconds = round(seconds * 1e9)
    return Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def seconds(message: Any) -> float:
    """Duration or Time to seconds."""
    return float(message.sec + message.nanosec * 1e-9)
