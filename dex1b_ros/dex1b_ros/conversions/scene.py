"""What perception saw."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from shape_msgs.msg import Mesh, MeshTriangle
from shape_msgs.msg import Plane as PlaneMsg
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_msgs import msg
from dex1b_ros.bounds import MAX_MESH_PARTS, MAX_OBJECT_POINTS, MAX_SHAPES, require_at_most
from dex1b_ros.conversions.geometry import pose, pose_msg, vector, vector_msg
from dex1b_ros.conversions.images import cloud, cloud_msg


def plane_msg(plane: Plane) -> PlaneMsg:
    """Plane to message."""
    return PlaneMsg(coef=[*(float(v) for v in plane.normal), float(plane.offset)])


def plane(message: PlaneMsg) -> Plane:
    """Message to plane.

    Raises:
        Dex1bError: NO_PLANE when the normal is zero.
    """
    coefficients = np.array(message.coef)
    length = float(np.linalg.norm(coefficients[:3]))
    if not np.isfinite(coefficients).all() or length < 1e-6:
        raise Dex1bError(ErrorCode.NO_PLANE, f'support plane {message.coef.tolist()} has no normal')
    return Plane(coefficients[:3] / length, float(coefficients[3] / length))


def mesh_msg(shape: ShapeHypothesis) -> Mesh:
    """Shape hypothesis to message."""
    vertices = [Point(x=v[0], y=v[1], z=v[2]) for v in shape.vertices.tolist()]
    faces = [MeshTriangle(vertex_indices=np.asarray(f, np.uint32)) for f in shape.faces]
    return Mesh(triangles=faces, vertices=vertices)


def shape_hypothesis(name: str, message: Mesh) -> ShapeHypothesis:
    """Message to shape hypothesis."""
    require_at_most(len(message.vertices), MAX_MESH_PARTS, f"vertices of shape '{name}'")
    require_at_most(len(message.triangles), MAX_MESH_PARTS, f"triangles of shape '{name}'")
    vertices = np.array([[v.x, v.y, v.z] for v in message.vertices]).reshape(-1, 3)
    faces = np.array([t.vertex_indices for t in message.triangles], dtype=np.int64)
    return ShapeHypothesis(name, vertices, faces.reshape(-1, 3))


def snapshot_msg(observation: ObjectObservation, header: Header) -> msg.SceneSnapshot:
    """Observation to message; the caller fills in what the summary says about cameras."""
    summary = msg.SceneSummary(header=header, support_plane=plane_msg(observation.support_plane))
    summary.object_box_pose = pose_msg(observation.box.planning_T_box)
    summary.object_box_size = vector_msg(observation.box.size)
    summary.object_label = observation.label
    summary.object_points = len(observation.points)
    return msg.SceneSnapshot(
        header=header,
        summary=summary,
        object_cloud=cloud_msg(observation.points, header, observation.normals),
        obstacle_cloud=cloud_msg(observation.obstacles, header),
        shape_names=[shape.name for shape in observation.shapes],
        shapes=[mesh_msg(shape) for shape in observation.shapes],
    )


def observation(message: msg.SceneSnapshot) -> ObjectObservation:
    """Message to observation.

    Raises:
        Dex1bError: NO_PLANE, NO_OBJECT or INVALID_REQUEST when a part is missing.
    """
    table = cloud(message.object_cloud, ('x', 'y', 'z', 'normal_x', 'normal_y', 'normal_z'))
    if len(table) == 0:
        raise Dex1bError(ErrorCode.NO_OBJECT, 'the scene holds no object points')
    require_at_most(len(table), MAX_OBJECT_POINTS, 'object points in the scene')
    require_at_most(len(message.shapes), MAX_SHAPES, 'shapes in the scene')
    if len(message.shape_names) != len(message.shapes):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'the scene has {len(message.shapes)} shapes and {len(message.shape_names)} names',
        )
    summary = message.summary
    return ObjectObservation(
        points=table[:, :3],
        normals=table[:, 3:],
        obstacles=cloud(message.obstacle_cloud),
        support_plane=plane(summary.support_plane),
        box=OrientedBox(pose(summary.object_box_pose), vector(summary.object_box_size)),
        shapes=tuple(
            shape_hypothesis(name, mesh)
            for name, mesh in zip(message.shape_names, message.shapes, strict=True)
        ),
        label=int(summary.object_label),
    )
