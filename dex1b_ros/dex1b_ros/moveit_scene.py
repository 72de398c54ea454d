"""Collision shapes of a scene as MoveIt takes them, larger by the margins that we keep."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import coal
import numpy as np
from geometry_msgs.msg import Point, Pose
from numpy.typing import NDArray
from shape_msgs.msg import Mesh, MeshTriangle, SolidPrimitive
from std_msgs.msg import Header

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import make_transform
from dex1b_core.motion.robot_model import hull
from dex1b_ros import conversions

Array = NDArray[np.float64]

PREFIX = 'dex1b/'  # of the ids: objects of others are left alone
_TABLE = np.array([4.0, 4.0, 0.1])  # [m] of the box that stands for the support plane


def collision_objects(
    bodies: Mapping[str, Any], margins: Mapping[str, float], frame: str
) -> list[Any]:
    """A `moveit_msgs/CollisionObject` for each shape of `CollisionChecker.bodies`.

    Args:
        bodies: Half-spaces, convex hulls and octrees by name, planning frame.
        margins: By how much each is shown larger [m]: MoveIt's path shall pass our own check.
        frame: Name of the planning frame.

    Raises:
        Dex1bError: INVALID_CONFIGURATION for shapes of another kind.
    """
    return [_object(name, shape, margins[name], frame) for name, shape in bodies.items()]


def removals(ids: Iterable[str], frame: str) -> list[Any]:
    """Messages that take objects out; MoveIt refuses those of objects that it has not."""
    from moveit_msgs.msg import CollisionObject

    return [
        CollisionObject(header=Header(frame_id=frame), id=name, operation=CollisionObject.REMOVE)
        for name in ids
    ]


def _object(name: str, shape: Any, margin: float, frame: str) -> Any:
    from moveit_msgs.msg import CollisionObject

    made = CollisionObject(
        header=Header(frame_id=frame), id=PREFIX + name, operation=CollisionObject.ADD
    )
    made.pose.orientation.w = 1.0
    if isinstance(shape, coal.Halfspace):
        made.primitives, made.primitive_poses = [_box(_TABLE)], [_table_pose(shape, margin)]
    elif isinstance(shape, coal.OcTree):
        for x, y, z, size, *_ in shape.toBoxes():
            made.primitives.append(_box(np.full(3, size + 2 * margin)))
            pose = Pose(position=Point(x=float(x), y=float(y), z=float(z)))
            pose.orientation.w = 1.0
            made.primitive_poses.append(pose)
    elif isinstance(shape, coal.Convex):
        made.meshes = [_mesh(_grown(shape, margin))]
        pose = Pose()
        pose.orientation.w = 1.0
        made.mesh_poses = [pose]
    else:
        raise ConfigurationError(
            f"'{name}' is a {type(shape).__name__}; expected a half-space, a convex hull or an "
            'octree to show to MoveIt'
        )
    return made


def _box(size: Array) -> SolidPrimitive:
    return SolidPrimitive(type=SolidPrimitive.BOX, dimensions=[float(side) for side in size])


def _table_pose(half_space: Any, margin: float) -> Pose:
    """Of a box whose upper side lies in the plane n . x = d, raised by the margin."""
    normal = np.asarray(half_space.n, dtype=float)
    across = np.cross(normal, [0.0, 1.0, 0.0] if abs(normal[1]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    turn = np.stack([across, np.cross(normal, across), normal], axis=1)
    centre = float(half_space.d) + margin - 0.5 * _TABLE[2]
    return conversions.pose_msg(make_transform(turn, centre * normal))


def _grown(shape: Any, margin: float) -> Any:
    """The hull of all that lies within a margin, and of little more."""
    if margin == 0.0:
        return shape
    points = _corners(shape)
    return hull((points[:, None] + margin * _AROUND).reshape(-1, 3))


def _mesh(shape: Any) -> Mesh:
    faces = [[shape.polygons(k)[i] for i in range(3)] for k in range(shape.num_polygons)]
    return Mesh(
        triangles=[MeshTriangle(vertex_indices=face) for face in faces],
        vertices=[Point(x=x, y=y, z=z) for x, y, z in _corners(shape).tolist()],
    )


def _corners(shape: Any) -> Array:
    return np.array([shape.point(k) for k in range(shape.num_points)])


_STEPS = np.array([step for step in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(step)])
# 26 directions, lengthened until their hull holds the unit ball
_AROUND = 1.1281 * _STEPS / np.linalg.norm(_STEPS, axis=1, keepdims=True)
