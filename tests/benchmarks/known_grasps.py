"""A grasp of a real hand whose outcome is known."""

import numpy as np
import trimesh

from benchmarks.referee import Candidates

NO_PLANE = np.full(4, np.nan)


def wrapped(shift=(0.0, 0.042, 0.10)):
    """The Ability hand closed around a cylinder, its axis across the fingers."""
    cylinder = trimesh.creation.cylinder(radius=0.028, height=0.12, sections=32)
    object_R_hand = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = object_R_hand, -object_R_hand @ np.array(shift)

    def posture(fingers, thumb):
        return np.array([[fingers, fingers, fingers, fingers, -1.8, thumb]])

    return Candidates(
        hand='ability_right',
        object='cylinder',
        joint_names=('index_q1', 'middle_q1', 'ring_q1', 'pinky_q1', 'thumb_q1', 'thumb_q2'),
        object_T_hand=pose[None],
        pregrasp=posture(0.15, 0.15),
        grasp=posture(1.0, 0.6),
        squeeze=posture(1.3, 0.9),
        object_parts=(np.asarray(cylinder.vertices),),
        support_plane=NO_PLANE,
    )
