"""Where a floating hand's slides and turns stand for a pose of the hand."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.geometry.transforms import make_transform


def mount_frame(target: ArticulatedObject) -> Array:
    """`object_T_mount` (4, 4) of a floating hand: x along the joint, so that leading is one turn.

    Intrinsic angles about x, y, z then change in the first alone, whatever the range.
    """
    axis = target.joint.axis
    side = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    side /= np.linalg.norm(side)
    turn = np.stack([axis, side, np.cross(axis, side)], axis=1)
    return make_transform(turn, target.joint.origin)


def carrier_joints(mount_T_hand: Array, before: Array) -> Array:
    """(6,) slides and turns of a hand's pose (4, 4); the turns closest to those before (3,)."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # at gimbal lock any of the solutions is right
        angles = Rotation.from_matrix(mount_T_hand[:3, :3]).as_euler('XYZ')
    other = np.array([angles[0] + np.pi, np.pi - angles[1], angles[2] + np.pi])
    options = [a + 2 * np.pi * np.round((before - a) / (2 * np.pi)) for a in (angles, other)]
    nearest = min(options, key=lambda option: float(np.abs(option - before).sum()))
    joints: Array = np.r_[mount_T_hand[:3, 3], nearest]
    return joints
