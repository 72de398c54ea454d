"""Rigid transforms as 4x4 arrays named `target_T_source`: p_target = target_T_source @ p_source.

scipy.spatial is imported where it is used: it would double the start time of small nodes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def make_transform(rotation: ArrayLike, translation: ArrayLike) -> Array:
    """Build a (4, 4) transform from a (3, 3) rotation matrix and a (3,) translation [m]."""
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = translation
    return transform


def from_xyzw(position: ArrayLike, quaternion_xyzw: ArrayLike) -> Array:
    """Build a (4, 4) transform from a (3,) position [m] and a (4,) quaternion, x y z w.

    Raises:
        ValueError: the quaternion is zero, or one of both is not finite.
    """
    from scipy.spatial.transform import Rotation

    quaternion = np.asarray(quaternion_xyzw, dtype=float)
    if not np.isfinite(quaternion).all() or np.linalg.norm(quaternion) < 1e-6:
        raise ValueError(f'quaternion xyzw {quaternion.tolist()} is not a rotation')
    if not np.isfinite(np.asarray(position, dtype=float)).all():
        raise ValueError(f'position {np.asarray(position).tolist()} is not finite')
    return make_transform(Rotation.from_quat(quaternion).as_matrix(), position)


def to_xyzw(transform: Array) -> tuple[Array, Array]:
    """Split a (4, 4) transform into a (3,) position [m] and a (4,) quaternion, x y z w."""
    from scipy.spatial.transform import Rotation

    return transform[:3, 3].copy(), Rotation.from_matrix(transform[:3, :3]).as_quat()


def from_rpy(position: ArrayLike, rpy: ArrayLike) -> Array:
    """Build a (4, 4) transform from a position [m] and fixed-axis roll, pitch, yaw [rad]."""
    from scipy.spatial.transform import Rotation

    return make_transform(Rotation.from_euler('xyz', rpy).as_matrix(), position)


def invert(transform: Array) -> Array:
    """Invert one (4, 4) or a batch (..., 4, 4) of rigid transforms."""
    inverse = np.zeros_like(transform)
    rotation = np.swapaxes(transform[..., :3, :3], -1, -2)
    inverse[..., :3, :3] = rotation
    inverse[..., :3, 3] = -(rotation @ transform[..., :3, 3:4])[..., 0]
    inverse[..., 3, 3] = 1.0
    return inverse


def transform_points(transform: Array, points: ArrayLike) -> Array:
    """Map (N, 3) points from the source frame to the target frame."""
    return np.asarray(points) @ transform[:3, :3].T + transform[:3, 3]


def look_at(eye: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 0.0, 1.0)) -> Array:
    """Pose `world_T_camera` (4, 4) of an optical frame (z forward, x right, y down, REP-103)."""
    forward = np.asarray(target, dtype=float) - np.asarray(eye, dtype=float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, dtype=float))
    right /= np.linalg.norm(right)
    return make_transform(np.stack([right, np.cross(forward, right), forward], axis=1), eye)
