"""Between ROS messages and dex1b_core values; quaternions are xyzw on the ROS side."""

from __future__ import annotations

import array
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Transform, Vector3
from numpy.typing import NDArray
from sensor_msgs.msg import Image, PointCloud2, PointField
from shape_msgs.msg import Mesh, MeshTriangle
from shape_msgs.msg import Plane as PlaneMsg
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory as TrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane, from_xyzw, to_xyzw
from dex1b_core.motion import JointTrajectory
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.planning import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    Reachability,
    ReachResult,
    Rejection,
    SimCheck,
)
from dex1b_msgs import msg
from dex1b_ros.bounds import (
    MAX_JOINTS,
    MAX_MESH_PARTS,
    MAX_OBJECT_POINTS,
    MAX_PIXELS,
    MAX_POINTS,
    MAX_SHAPES,
    require_at_most,
)

Array = NDArray[np.float64]
Constant = TypeVar('Constant', bound=IntEnum)


def to_bytes(data: NDArray[Any]) -> array.array:
    """Bytes of an array as the type that rclpy assigns without copying element by element."""
    return array.array('B', np.ascontiguousarray(data).tobytes())


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


# -- images and clouds -------------------------------------------------------------------------

_ENCODINGS = {
    'mono8': (np.uint8, 1), '8UC1': (np.uint8, 1), '16UC1': (np.uint16, 1),
    'mono16': (np.uint16, 1), '32FC1': (np.float32, 1), 'rgb8': (np.uint8, 3),
    'bgr8': (np.uint8, 3), 'rgba8': (np.uint8, 4), 'bgra8': (np.uint8, 4),
}  # fmt: skip


def image(message: Image) -> NDArray[Any]:
    """Image to (H, W) or (H, W, C), in the message's own type and channel order.

    Raises:
        Dex1bError: DEPTH_ENCODING for an unknown encoding, DEPTH_EMPTY for a zero-size image,
            INVALID_REQUEST when the data do not have the length that the header says.
    """
    if message.encoding not in _ENCODINGS:
        raise Dex1bError(
            ErrorCode.DEPTH_ENCODING,
            f"image encoding '{message.encoding}' in frame '{message.header.frame_id}' is not "
            f'supported; expected one of {", ".join(_ENCODINGS)}',
        )
    if message.height == 0 or message.width == 0:
        raise Dex1bError(
            ErrorCode.DEPTH_EMPTY,
            f"image in frame '{message.header.frame_id}' is {message.width}x{message.height}; "
            'expected at least one pixel: check the camera driver',
        )
    require_at_most(message.height * message.width, MAX_PIXELS, 'pixels in an image')
    dtype, channels = _ENCODINGS[message.encoding]
    scalar = np.dtype(dtype).newbyteorder('>' if message.is_bigendian else '<')
    row = message.width * channels * scalar.itemsize
    step = message.step or row
    if step < row or len(message.data) < step * message.height:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'image of {message.width}x{message.height} {message.encoding} holds '
            f'{len(message.data)} bytes with step {message.step}; expected '
            f'{row * message.height}: check the camera driver',
        )
    raw = np.frombuffer(message.data, np.uint8, step * message.height)
    pixels = np.ascontiguousarray(raw.reshape(message.height, step)[:, :row]).view(scalar)
    pixels = pixels.astype(dtype, copy=False)
    return pixels if channels == 1 else pixels.reshape(message.height, message.width, channels)


def image_msg(pixels: NDArray[Any], encoding: str, header: Header) -> Image:
    """(H, W) or (H, W, C) to Image; the array's type must be the encoding's."""
    message = Image(header=header, height=pixels.shape[0], width=pixels.shape[1])
    message.encoding, message.step = encoding, pixels.strides[0]
    message.data = to_bytes(pixels)
    message.step = len(message.data) // max(1, pixels.shape[0])
    return message


def cloud_msg(points: Array, header: Header, normals: Array | None = None) -> PointCloud2:
    """(N, 3) points and optional normals to PointCloud2 of float32."""
    columns = [points] if normals is None else [points, normals]
    names = ['x', 'y', 'z', 'normal_x', 'normal_y', 'normal_z'][: 3 * len(columns)]
    data = np.hstack([np.asarray(c, np.float32).reshape(-1, 3) for c in columns])
    fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    ]
    message = PointCloud2(header=header, height=1, width=len(data), fields=fields, is_dense=True)
    message.point_step = 4 * len(names)
    message.row_step = message.point_step * len(data)
    message.data = to_bytes(data)
    return message


def cloud(message: PointCloud2, names: tuple[str, ...] = ('x', 'y', 'z')) -> Array:
    """Float32 fields of a PointCloud2 as (N, len(names)); rows with a NaN are dropped.

    Raises:
        Dex1bError: INVALID_REQUEST when a field is missing or not float32.
    """
    offsets = {f.name: f.offset for f in message.fields if f.datatype == PointField.FLOAT32}
    missing = [name for name in names if name not in offsets]
    count = message.width * message.height
    require_at_most(count, MAX_POINTS, 'points in a cloud')
    if count == 0:
        return np.zeros((0, len(names)))
    end = max((offsets[name] + 4 for name in names if name in offsets), default=0)
    if missing or len(message.data) < count * message.point_step or end > message.point_step:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'point cloud needs float32 fields {list(names)} within its point_step of '
            f'{message.point_step} bytes, and {count * message.point_step} bytes; it has '
            f'{sorted(offsets)} up to byte {end}, and {len(message.data)} bytes',
        )
    dtype = np.dtype(
        {
            'names': list(names),
            'formats': ['<f4'] * len(names),
            'offsets': [offsets[name] for name in names],
            'itemsize': message.point_step,
        }
    )
    table = np.frombuffer(message.data, dtype, count)
    points = np.stack([table[name] for name in names], axis=1).astype(float)
    return points[np.isfinite(points).all(axis=1)]


# -- scene -------------------------------------------------------------------------------------


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


# -- grasps ------------------------------------------------------------------------------------


def candidate_msg(candidate: GraspCandidate, wrist_frame: str, header: Header) -> Any:
    """Candidate to message."""
    check, reach = candidate.sim_check, candidate.reachability
    return msg.GraspCandidate(
        header=header,
        id=candidate.id,
        hand=candidate.hand,
        wrist_frame=wrist_frame,
        wrist_pose=pose_msg(candidate.planning_T_wrist),
        approach=vector_msg(candidate.approach),
        approach_distance=float(candidate.approach_distance),
        joint_names=list(candidate.joint_names),
        pregrasp_positions=candidate.pregrasp.tolist(),
        grasp_positions=candidate.grasp.tolist(),
        squeeze_positions=candidate.squeeze.tolist(),
        score=float(candidate.score),
        generator_score=float(candidate.generator_score),
        sim_check=msg.SimCheck(
            result=int(check.result),
            reason=int(check.reason),
            lift_height=float(check.lift_height),
            slip=float(check.slip),
            rotation=float(check.rotation),
            max_penetration=float(check.max_penetration),
            fingers_in_contact=int(check.fingers_in_contact),
            trials=int(check.trials),
            successes=int(check.successes),
        ),
        reachability=msg.Reachability(
            result=int(reach.result),
            joint_names=list(reach.joint_names),
            ik_positions=reach.positions.tolist(),
            min_joint_margin=float(reach.min_joint_margin),
            manipulability=float(reach.manipulability),
        ),
    )


def candidate(message: msg.GraspCandidate) -> GraspCandidate:
    """Message to candidate.

    Raises:
        Dex1bError: INVALID_REQUEST when names and postures differ in length or are not finite.
    """
    count = len(message.joint_names)
    require_at_most(count, MAX_JOINTS, f"joints of candidate '{message.id}'")
    postures = {
        'pregrasp_positions': np.array(message.pregrasp_positions, dtype=float),
        'grasp_positions': np.array(message.grasp_positions, dtype=float),
        'squeeze_positions': np.array(message.squeeze_positions, dtype=float),
    }
    for name, values in postures.items():
        if len(values) != count or not np.isfinite(values).all():
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"candidate '{message.id}': {name} has {len(values)} values for {count} joint "
                'names; expected as many, all finite',
            )
    check, reach = message.sim_check, message.reachability
    where = f"candidate '{message.id}'"
    return GraspCandidate(
        hand=message.hand,
        planning_T_wrist=pose(message.wrist_pose),
        joint_names=tuple(message.joint_names),
        pregrasp=postures['pregrasp_positions'],
        grasp=postures['grasp_positions'],
        squeeze=postures['squeeze_positions'],
        approach=vector(message.approach),
        approach_distance=float(message.approach_distance),
        score=float(message.score),
        generator_score=float(message.generator_score),
        id=message.id,
        sim_check=SimCheck(
            _known(CheckResult, check.result, where), _known(FailureReason, check.reason, where),
            check.lift_height,
            check.slip, check.rotation, check.max_penetration, check.fingers_in_contact,
            check.trials, check.successes,
        ),
        reachability=Reachability(
            _known(ReachResult, reach.result, where), tuple(reach.joint_names),
            np.array(reach.ik_positions, dtype=float), reach.min_joint_margin,
            reach.manipulability,
        ),
    )  # fmt: skip


def _known(kind: type[Constant], value: int, where: str) -> Constant:
    """A message's constant.

    Raises:
        Dex1bError: INVALID_REQUEST for one that this version does not have.
    """
    try:
        return kind(value)
    except ValueError:
        names = ', '.join(f'{item.name}={int(item)}' for item in kind)
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{where}: {kind.__name__} is {value}; expected one of {names}',
        ) from None


def rejection_msg(rejection: Rejection) -> msg.Rejection:
    """Rejection to message."""
    return msg.Rejection(
        code=int(rejection.code), stage=rejection.stage, count=rejection.count,
        example=rejection.example,
    )  # fmt: skip


def rejection(message: msg.Rejection) -> Rejection:
    """Message to rejection."""
    return Rejection(
        _known(ErrorCode, message.code, 'rejection'), message.stage, message.count, message.example
    )


def timing_msg(stage: str, elapsed_s: float) -> msg.StageTiming:
    """Stage and wall-clock seconds to message."""
    return msg.StageTiming(stage=stage, duration=duration_msg(elapsed_s))


def trajectory_msg(
    trajectory: JointTrajectory, prefix: str = '', begin: Time | None = None
) -> TrajectoryMsg:
    """A trajectory for a controller; without `begin` it starts when it arrives."""
    message = TrajectoryMsg(joint_names=[prefix + name for name in trajectory.names])
    if begin is not None:
        message.header.stamp = begin
    message.points = [
        JointTrajectoryPoint(
            positions=trajectory.positions[k].tolist(),
            velocities=trajectory.velocities[k].tolist(),
            accelerations=trajectory.accelerations[k].tolist(),
            time_from_start=duration_msg(float(t)),
        )
        for k, t in enumerate(trajectory.times)
    ]
    return message
