"""Between ROS messages and dex1b_core values; quaternions are xyzw on the ROS side."""

from dex1b_ros.conversions.geometry import (
    duration_msg,
    pose,
    pose_msg,
    seconds,
    transform,
    transform_msg,
    vector,
    vector_msg,
)
from dex1b_ros.conversions.grasps import (
    candidate,
    candidate_msg,
    rejection,
    rejection_msg,
    timing_msg,
)
from dex1b_ros.conversions.images import (
    cloud,
    cloud_msg,
    image,
    image_msg,
    to_bytes,
)
from dex1b_ros.conversions.scene import (
    mesh_msg,
    observation,
    plane,
    plane_msg,
    shape_hypothesis,
    snapshot_msg,
)
from dex1b_ros.conversions.trajectories import (
    trajectory_msg,
)

__all__ = [
    'candidate',
    'candidate_msg',
    'cloud',
    'cloud_msg',
    'duration_msg',
    'image',
    'image_msg',
    'mesh_msg',
    'observation',
    'plane',
    'plane_msg',
    'pose',
    'pose_msg',
    'rejection',
    'rejection_msg',
    'seconds',
    'shape_hypothesis',
    'snapshot_msg',
    'timing_msg',
    'to_bytes',
    'trajectory_msg',
    'transform',
    'transform_msg',
    'vector',
    'vector_msg',
]
