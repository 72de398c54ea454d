"""Depth images to objects: decoding, robot and table removal, instances, full shapes."""

from dex1b_core.perception.depth_checks import check_depth, check_stamp
from dex1b_core.perception.frames import (
    CameraIntrinsics,
    DepthFrame,
    decode_depth,
    make_intrinsics,
    median_depth,
    rectify_depth,
    remove_flying_pixels,
)
from dex1b_core.perception.freespace import View
from dex1b_core.perception.hand_eye import HandEyeCalibration, calibrate_hand_eye
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.perception.robot_mask import RobotMask
from dex1b_core.perception.scene import Scene, describe, observe
from dex1b_core.perception.segmentation import Segmentation, in_workspace, segment
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.shapes import reconstruct_shapes
from dex1b_core.perception.stillness import check_camera_still, check_still
from dex1b_core.perception.support import find_support_plane
from dex1b_core.perception.table_check import TableCheck, check_table
from dex1b_core.perception.target import Instance, Target, TargetMode
from dex1b_core.perception.visibility import Visibility

__all__ = [
    'CameraIntrinsics',
    'DepthFrame',
    'HandEyeCalibration',
    'Instance',
    'ObjectObservation',
    'PerceptionSettings',
    'RobotMask',
    'Scene',
    'Segmentation',
    'ShapeHypothesis',
    'TableCheck',
    'Target',
    'TargetMode',
    'View',
    'Visibility',
    'calibrate_hand_eye',
    'check_camera_still',
    'check_depth',
    'check_stamp',
    'check_still',
    'check_table',
    'decode_depth',
    'describe',
    'find_support_plane',
    'in_workspace',
    'make_intrinsics',
    'median_depth',
    'observe',
    'reconstruct_shapes',
    'rectify_depth',
    'remove_flying_pixels',
    'segment',
]
