"""Collision shapes of a scene as MoveIt takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import coal
import numpy as np
from geometry_msgs.msg import Point, Pose
from shape_msgs.msg import Mesh, MeshTriangle, SolidPrimitive
from std_msgs.msg import Header

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import make_transform
from dex1b_ros import conversions

PREFIX = 'dex1b/'  # of the ids: objects of others are left alone
_TABLE = np.array([4.0, 4.0, 0.1])  # [m] of the box that stands for the support plane
_GAP = 0.005  # [m] by which it lies lower, or a robot that stands on it would touch it


def collision_objects(bodies: Mapping[str, Any], frame: str) -> list[Any]:
    """A `moveit_msgs/CollisionObject` for each shape of `CollisionChecker.bodies`.

    Args:
        bodies: Half-spaces, convex hulls and octrees by name, planning frame.
        frame: Name of the planning frame.

    Raises:
        Dex1bError: INVALID_CONFIGURATION for shapes of another kind.
    """
    return [_object(name, shape, frame) for name, shape in bodies.items()]


def removals(names: Iterable[str], frame: str) -> list[Any]:
    """Messages that take out what `collision_objects` put in under these names."""
    from moveit_msgs.msg import CollisionObject

    return [
        CollisionObject(
            header=Header(frame_id=frame), id=PREFIX + name, operation=CollisionObject.REMOVE
        )
        for name in names
    ]


def _object(name: str, shape: Any, frame: str) -> Any:
    from moveit_msgs.msg import CollisionObject

    made = CollisionObject(
        header=Header(frame_id=frame), id=PREFIX + name, operation=CollisionObject.ADD
    )
    made.pose.orientation.w = 1.0
    if isinstance(shape, coal.Halfspace):
        made.primitives, made.primitive_poses = [_box(_TABLE)], [_table_pose(shape)]
    elif isinstance(shape, coal.OcTree):
        for x, y, z, size, *_ in shape.toBoxes():
            made.primitives.append(_box(np.full(3, size)))
            pose = Pose(position=Point(x=float(x), y=float(y), z=float(z)))
            pose.orientation.w = 1.0
            made.primitive_poses.append(pose)
    elif isinstance(shape, coal.Convex):
        made.meshes = [_mesh(shape)]
        pose = Pose()
        pose.orientation.w = 1.0
        made.mesh_poses = [pose]
    else:
        raise ConfigurationError(
            f"'{name}' is a {type(shape).__name__}; expected a half-space, a convex hull or an "
            'octree to show to MoveIt'
        )
    return made


def _box(size: Any) -> SolidPrimitive:
    return SolidPrimitive(type=SolidPrimitive.BOX, dimensions=[float(side) for side in size])


def _table_pose(half_space: Any) -> Pose:
    """Of a box whose upper side lies a little below the plane n . x = d."""
    normal = np.asarray(half_space.n, dtype=float)
    across = np.cross(normal, [0.0, 1.0, 0.0] if abs(normal[1]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    turn = np.stack([across, np.cross(normal, across), normal], axis=1)
    depth = float(half_space.d) - _GAP - 0.5 * _TABLE[2]
    return conversions.pose_msg(make_transform(turn, depth * normal))


def _mesh(hull: Any) -> Mesh:
    points = np.array([hull.point(k) for k in range(hull.num_points)])
    faces = [[hull.polygons(k)[i] for i in range(3)] for k in range(hull.num_polygons)]
    return Mesh(
        triangles=[MeshTriangle(vertex_indices=face) for face in faces],
        vertices=[Point(x=x, y=y, z=z) for x, y, z in points.tolist()],
    )
