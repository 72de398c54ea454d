"""A scene as markers and as a picture."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point, Vector3
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from dex1b_core.geometry import OrientedBox, Plane
from dex1b_core.perception import DepthFrame, Scene
from dex1b_core.perception.boxes import plane_frame
from dex1b_msgs.msg import SceneSnapshot
from dex1b_ros.conversions import image_msg, pose_msg, vector_msg
from dex1b_ros.node import LATCHED
from dex1b_ros.object_report import objects_msg


class SceneDisplay:
    """Latched clouds, markers, picture and labels of the last scene."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._object_cloud = node.create_publisher(PointCloud2, '~/object_cloud', LATCHED)
        self._obstacle_cloud = node.create_publisher(PointCloud2, '~/obstacle_cloud', LATCHED)
        self._plane = node.create_publisher(MarkerArray, '~/support_plane', LATCHED)
        self._markers = node.create_publisher(MarkerArray, '~/markers', LATCHED)
        self._segmentation = node.create_publisher(Image, '~/segmentation', LATCHED)
        self._objects = node.create_publisher(DiagnosticArray, '~/objects', LATCHED)
        self._labels = node.create_publisher(Image, '~/labels', LATCHED)

    def show(
        self,
        scene: Scene,
        frames: Sequence[DepthFrame],
        snapshot: SceneSnapshot,
        processor_s: Mapping[str, float],
    ) -> None:
        """Publish a scene; picture and labels are of its first camera."""
        frame = frames[0]
        header = snapshot.header
        self._object_cloud.publish(snapshot.object_cloud)
        self._obstacle_cloud.publish(snapshot.obstacle_cloud)
        centre = scene.observation.box.planning_T_box[:3, 3]
        plane = plane_marker(scene.plane, centre, header)
        self._plane.publish(MarkerArray(markers=[plane]))
        self._markers.publish(scene_markers(scene, header))
        picture = segmentation_image(
            scene.labels[0], scene.robot[0], scene.observation.label, frame.depth_m, frame.colour
        )
        self._segmentation.publish(image_msg(picture, 'rgb8', header))
        now = self._node.get_clock().now().nanoseconds * 1e-9
        self._objects.publish(objects_msg(scene, frames, header, now, processor_s))
        self._labels.publish(image_msg(scene.labels[0].astype(np.uint16), 'mono16', header))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in (
            self._object_cloud,
            self._obstacle_cloud,
            self._plane,
            self._markers,
            self._segmentation,
            self._objects,
            self._labels,
        ):
            self._node.destroy_publisher(publisher)


def instance_colour(label: int) -> tuple[float, float, float]:
    """The colour of a label, the same in every picture."""
    return colorsys.hsv_to_rgb((0.33 + 0.381966 * label) % 1.0, 0.75, 1.0)


def plane_marker(plane: Plane, centre: NDArray[np.float64], header: Header) -> Marker:
    """A square metre of the plane around `centre` (3,)."""
    on_plane = centre - plane.signed_distance(centre) * plane.normal
    pose = plane_frame(plane)
    pose[:3, 3] = on_plane
    return Marker(
        header=header,
        ns='support_plane',
        id=0,
        type=Marker.CUBE,
        pose=pose_msg(pose),
        scale=Vector3(x=1.0, y=1.0, z=0.001),
        color=ColorRGBA(r=0.5, g=0.5, b=0.55, a=0.4),
    )


def scene_markers(scene: Scene, header: Header) -> MarkerArray:
    """Boxes and labels of all instances, the target's box solid; older markers are removed."""
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for instance in scene.instances:
        colour = instance_colour(instance.label)
        target = instance.label == scene.observation.label
        box = scene.observation.box if target else instance.box
        markers.append(_box(box, instance.label, colour, 0.5 if target else 0.2, header))
        markers.append(_text(box, instance.label, target, header))
    for index, shape in enumerate(scene.observation.shapes[:1]):
        markers.append(_mesh(shape, index, header))
    return MarkerArray(markers=markers)


def _box(box: OrientedBox, label: int, colour: Any, alpha: float, header: Header) -> Marker:
    return Marker(
        header=header,
        ns='instances',
        id=label,
        type=Marker.CUBE,
        pose=pose_msg(box.planning_T_box),
        scale=vector_msg(box.size),
        color=ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=alpha),
    )


def _text(box: OrientedBox, label: int, target: bool, header: Header) -> Marker:
    pose = box.planning_T_box.copy()
    pose[2, 3] += box.size[2] / 2 + 0.03
    return Marker(
        header=header,
        ns='labels',
        id=label,
        type=Marker.TEXT_VIEW_FACING,
        pose=pose_msg(pose),
        scale=Vector3(z=0.03),
        color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
        text=f'{label} (target)' if target else str(label),
    )


def _mesh(shape: Any, index: int, header: Header) -> Marker:
    corners = shape.vertices[shape.faces].reshape(-1, 3)
    return Marker(
        header=header,
        ns='shape',
        id=index,
        type=Marker.TRIANGLE_LIST,
        pose=pose_msg(np.eye(4)),
        scale=Vector3(x=1.0, y=1.0, z=1.0),
        color=ColorRGBA(r=0.9, g=0.85, b=0.4, a=0.6),
        points=[Point(x=x, y=y, z=z) for x, y, z in corners.tolist()],
    )


def shape_of(message: MarkerArray) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Vertices (V, 3) [m] and faces (F, 3) of the shape among scene markers; None without one."""
    for marker in message.markers:
        if marker.type == Marker.TRIANGLE_LIST and marker.points:
            corners = np.array([[point.x, point.y, point.z] for point in marker.points])
            vertices, index = np.unique(corners, axis=0, return_inverse=True)
            return vertices, index.reshape(-1, 3)
    return None


def segmentation_image(
    labels: NDArray[np.int32],
    robot: NDArray[np.bool_],
    target: int,
    depth_m: NDArray[np.float32],
    colour: NDArray[np.uint8] | None,
) -> NDArray[np.uint8]:
    """(H, W, 3) RGB: the image in grey or colour, instances tinted, robot red, target outlined."""
    import cv2

    if colour is not None and colour.shape[:2] == labels.shape:
        picture = colour.astype(np.float32)
    else:
        near, far = np.nanpercentile(depth_m, [2, 98])
        grey = 255 * (1 - np.nan_to_num((depth_m - near) / max(far - near, 1e-3), nan=1.0))
        picture = np.repeat(np.clip(grey, 0, 255)[..., None], 3, axis=-1).astype(np.float32)
    for label in np.unique(labels[labels > 0]):
        tint = 255 * np.array(instance_colour(int(label)), np.float32)
        picture[labels == label] = 0.45 * picture[labels == label] + 0.55 * tint
    picture[robot] = 0.5 * picture[robot] + 0.5 * np.array([255, 0, 0], np.float32)
    result = np.ascontiguousarray(picture.astype(np.uint8))
    outlines, _ = cv2.findContours(
        (labels == target).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(result, outlines, -1, (255, 255, 255), 2)
    return result
