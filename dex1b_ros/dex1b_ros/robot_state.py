"""Publishes a robot: description, joint states and transforms of its links."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage

from dex1b_core.robots.description import RobotDescription
from dex1b_core.robots.link_tree import LinkTree, TreeJoint
from dex1b_ros.conversions import transform_msg
from dex1b_ros.node import LATCHED

_STILL = 1e-6  # [rad or m] joints that move less keep their transform
_STATIC_TF = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class RobotStatePublisher:
    """joint_states, /tf, /tf_static and robot_description of one robot."""

    def __init__(
        self, node: Node, robot: RobotDescription, prefix: str, *, apart: bool = False
    ) -> None:
        """Create the publishers; `apart` tells of arm and hand in messages of their own."""
        self._node, self._prefix = node, prefix
        self.tree = LinkTree.from_urdf(robot.urdf_path)
        arm = robot.arm.joints if apart else ()
        others = tuple(name for name in self.tree.movable if name not in arm)
        self._told = [names for names in (arm, others) if names]
        self._joint_states = node.create_publisher(JointState, 'joint_states', 5)
        self._tf = node.create_publisher(TFMessage, '/tf', 20)
        self._tf_static = node.create_publisher(TFMessage, '/tf_static', _STATIC_TF)
        self._description = node.create_publisher(String, 'robot_description', LATCHED)
        self._urdf = prefixed_urdf(robot.urdf_path, prefix)
        self._last: dict[str, tuple[float, TransformStamped]] = {}

    def publish_static(self, stamp: Time, extra: list[TransformStamped]) -> None:
        """The description, and transforms that never change."""
        fixed = [joint for joint in self.tree.joints if joint.kind == 'fixed']
        transforms = [self._transform(joint, 0.0, stamp) for joint in fixed]
        self._tf_static.publish(TFMessage(transforms=transforms + extra))
        self._description.publish(String(data=self._urdf))

    def publish_joints(
        self,
        stamp: Time,
        positions: Mapping[str, float],
        velocities: Mapping[str, float],
        efforts: Mapping[str, float],
    ) -> None:
        """Joint states by URDF names, without prefix."""
        for names in self._told:
            message = JointState(header=Header(stamp=stamp, frame_id=self.frame(self.tree.root)))
            message.name = [self._prefix + name for name in names]
            message.position = [positions[name] for name in names]
            message.velocity = [velocities[name] for name in names]
            message.effort = [efforts[name] for name in names]
            self._joint_states.publish(message)

    def publish_tf(self, stamp: Time, positions: Mapping[str, float]) -> None:
        """Transforms over all joints that move."""
        moving = [joint for joint in self.tree.joints if joint.kind != 'fixed']
        transforms = [self._transform(joint, positions[joint.name], stamp) for joint in moving]
        self._tf.publish(TFMessage(transforms=transforms))

    def frame(self, link: str) -> str:
        """Frame id of a link."""
        return self._prefix + link

    def destroy(self) -> None:
        """Destroy all publishers."""
        for publisher in (self._joint_states, self._tf, self._tf_static, self._description):
            self._node.destroy_publisher(publisher)

    def _transform(self, joint: TreeJoint, position: float, stamp: Time) -> TransformStamped:
        last = self._last.get(joint.name)
        if last is None or abs(last[0] - position) > _STILL:
            message = TransformStamped(
                header=Header(frame_id=self.frame(joint.parent)),
                child_frame_id=self.frame(joint.child),
                transform=transform_msg(joint.transform(position)),
            )
            last = self._last[joint.name] = position, message
        last[1].header.stamp = stamp
        return last[1]


def prefixed_urdf(path: Path, prefix: str) -> str:
    """URDF text with a prefix before link and joint names, and meshes as file:// addresses."""
    robot = ElementTree.parse(path).getroot()
    for mesh in robot.iter('mesh'):
        filename = mesh.attrib['filename'].removeprefix('file://')
        if not filename.startswith('package://'):
            mesh.set('filename', f'file://{(path.parent / filename).resolve()}')
    for element in robot.iter():
        for key in _NAME_KEYS.get(element.tag, ()):
            if key in element.attrib:
                element.set(key, prefix + element.attrib[key])
    return ElementTree.tostring(robot, encoding='unicode')


_NAME_KEYS: dict[Any, tuple[str, ...]] = {
    'link': ('name',),
    'joint': ('name',),
    'parent': ('link',),
    'child': ('link',),
    'mimic': ('joint',),
}
