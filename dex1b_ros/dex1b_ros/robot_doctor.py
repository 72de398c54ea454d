"""Checks of `dex1b doctor` on the robot of a running stack: what it publishes and what it takes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, JointState
from tf2_msgs.msg import TFMessage

from dex1b_core.assets import AssetError
from dex1b_core.doctor import DoctorOptions, Finding, Status
from dex1b_core.errors import Dex1bError
from dex1b_core.robots import JointGroup, RobotDescription, load_robot
from dex1b_core.robots.link_tree import LinkTree
from dex1b_ros.controller_checks import (
    check_joint_names,
    controller_joints,
    controller_listens,
    require_active_controllers,
)
from dex1b_ros.conversions import seconds

LISTEN_S = 3.0
SKEW_S = 0.25  # the safety monitor's default for the age of joint states
SLOW_HZ = 10.0
_STATIC = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@dataclass
class _Heard:
    """What came on one topic: (arrival, stamp) [s] of each message, and the last of each sender."""

    times: list[tuple[float, float]] = field(default_factory=list)
    latest: dict[frozenset[str], Any] = field(default_factory=dict)

    def rate(self) -> float:
        """Messages a second."""
        arrivals = [arrival for arrival, _ in self.times]
        if len(arrivals) < 2 or arrivals[-1] == arrivals[0]:
            return 0.0
        return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


class RobotDoctor:
    """Listens for a while, then judges; use as a context manager."""

    def __init__(self, context: Any, options: DoctorOptions) -> None:
        self._options = options
        self._prefix = options.tf_prefix
        self._node = Node('dex1b_robot_doctor', namespace=options.namespace, context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._joints, self._cameras = _Heard(), defaultdict[str, _Heard](_Heard)
        self._parents: dict[str, set[str]] = defaultdict(set)
        self._frames: dict[str, str] = {}
        self._tf = _Heard()
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)

    def __enter__(self) -> RobotDoctor:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(2.0)
        self._node.destroy_node()

    def checks(self) -> Iterator[Finding]:
        """All checks of the robot."""
        try:
            robot = load_robot(self._options.robot)
            tree = LinkTree.from_urdf(robot.urdf_path)
        except AssetError as error:
            yield Finding('robot', Status.FAIL, error.message, 'fetch its models')
            return
        except Dex1bError as error:
            yield Finding('robot', Status.FAIL, error.message, 'dex1b doctor --robot NAME')
            return
        self._listen()
        yield from self._check_joint_states(robot)
        yield from self._check_positions(robot, tree)
        yield from self._check_tf(robot)
        yield from self._check_cameras(robot)
        for part, group in (('arm', robot.arm), ('hand', robot.hand)):
            yield from self._check_controller(part, group)
        yield self._check_states(robot)

    # -- listening -----------------------------------------------------------------------------

    def _listen(self) -> None:
        node = self._node
        simulated = bool(node.count_publishers('/clock'))
        node.set_parameters([Parameter('use_sim_time', value=simulated)])
        sensor = qos_profile_sensor_data
        node.create_subscription(JointState, 'joint_states', self._on_joints, sensor)
        node.create_subscription(TFMessage, '/tf', self._on_tf, sensor)
        node.create_subscription(TFMessage, '/tf_static', self._on_tf_static, _STATIC)
        for topic, kinds in node.get_topic_names_and_types():
            if 'sensor_msgs/msg/CameraInfo' in kinds and node.count_publishers(topic):

                def on_info(message: CameraInfo, topic: str = topic) -> None:
                    self._keep(self._cameras[topic], message, frozenset([message.header.frame_id]))

                node.create_subscription(CameraInfo, topic, on_info, sensor)
                self._cameras[topic] = _Heard()
        time.sleep(LISTEN_S)

    def _keep(self, heard: _Heard, message: Any, sender: frozenset[str]) -> None:
        heard.times.append((time.monotonic(), seconds(message.header.stamp) - self._now()))
        heard.latest[sender] = message

    def _on_joints(self, message: JointState) -> None:
        self._keep(self._joints, message, frozenset(message.name))

    def _on_tf(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self._keep(self._tf, transform, frozenset([transform.child_frame_id]))
        self._on_tf_static(message)

    def _on_tf_static(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self._parents[transform.child_frame_id].add(transform.header.frame_id)

    def _now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    # -- judging -------------------------------------------------------------------------------

    def _check_joint_states(self, robot: RobotDescription) -> Iterator[Finding]:
        topic, heard = self._node.resolve_topic_name('joint_states'), self._joints
        if not heard.times:
            publishers = self._node.count_publishers(topic)
            detail = f"nothing on '{topic}' in {LISTEN_S:.0f} s; publishers: {publishers}"
            yield Finding('joint states', Status.FAIL, detail, 'start the driver of the robot')
            return
        rate = heard.rate()
        status = Status.OK if rate >= SLOW_HZ else Status.WARN
        mend = '' if status is Status.OK else 'raise the rate of the joint state broadcaster'
        yield Finding('joint states', status, f"'{topic}' at {rate:.0f} Hz", mend)
        yield self._skew('joint states', heard)
        needed = {self._prefix + name for name in (*robot.arm.joints, *robot.hand.joints)}
        every = frozenset().union(*heard.latest)
        missing = sorted(needed - every)
        if missing:
            detail = f'missing {missing}; published are {sorted(every)}'
            mend = 'correct `joints` in the robot file, tf_prefix, or the driver'
            yield Finding('joint names', Status.FAIL, detail, mend)
        elif not any(needed <= names for names in heard.latest):
            detail = f'all are there, but in {len(heard.latest)} kinds of messages'
            mend = 'let one node publish arm and hand together (joint_state_broadcaster)'
            yield Finding('joint names', Status.FAIL, detail, mend)
        else:
            yield Finding('joint names', Status.OK, f'all {len(needed)} in one message')

    def _skew(self, what: str, heard: _Heard) -> Finding:
        skews = np.array([skew for _, skew in heard.times])
        worst = float(skews[np.abs(skews).argmax()])
        median = float(np.median(skews))
        detail = f'stamps are {median:+.3f} s from now, {worst:+.3f} s at worst'
        if abs(median) <= SKEW_S:
            return Finding(f'{what} clock', Status.OK, detail)
        mend = 'synchronise the clocks of both machines (chrony), or give all one use_sim_time'
        return Finding(f'{what} clock', Status.FAIL, detail, mend)

    def _check_positions(self, robot: RobotDescription, tree: LinkTree) -> Iterator[Finding]:
        limits = {joint.name: joint.limits for joint in tree.joints}
        outside, broken = [], []
        for message in self._joints.latest.values():
            measured = dict(zip(message.name, message.position, strict=False))
            for name in (*robot.arm.joints, *robot.hand.joints):
                value = measured.get(self._prefix + name)
                if value is None:
                    continue
                lower, upper = limits.get(name, (-np.inf, np.inf))
                if not np.isfinite(value):
                    broken.append(name)
                elif not lower - 0.03 <= value <= upper + 0.03:
                    outside.append(f'{name} at {value:.3f} of {lower:.3f} to {upper:.3f}')
        if broken or outside:
            detail = '; '.join([*outside, *(f'{name} is not finite' for name in broken)])
            mend = 'move it back by hand, or correct zero and sign of the joints against the URDF'
            yield Finding('joint limits', Status.FAIL, detail, mend)
        elif self._joints.times:
            yield Finding('joint limits', Status.OK, 'all joints within the limits of the URDF')

    def _check_tf(self, robot: RobotDescription) -> Iterator[Finding]:
        several = {child: sorted(p) for child, p in self._parents.items() if len(p) > 1}
        if several:
            child, parents = next(iter(several.items()))
            detail = f"'{child}' has several parents: {parents}"
            yield Finding('TF tree', Status.FAIL, detail, 'let one node publish each transform')
        base = self._prefix + robot.base_link
        wrist = self._prefix + robot.hand.root_link
        way = self._to_root(wrist)
        if base not in way:
            detail = f"no way from '{base}' to '{wrist}': {' < '.join(way)}"
            mend = 'start robot_state_publisher with the URDF of arm and hand together'
            yield Finding('TF tree', Status.FAIL, detail, mend)
        elif not several:
            detail = f"'{base}' to '{wrist}' over {way.index(base)} transforms"
            yield Finding('TF tree', Status.OK, detail)
        if self._tf.times:
            yield self._skew('TF', self._tf)

    def _to_root(self, frame: str) -> list[str]:
        way = [frame]
        while self._parents.get(way[-1]) and len(way) < 200:
            way.append(min(self._parents[way[-1]]))
        return way

    def _check_cameras(self, robot: RobotDescription) -> Iterator[Finding]:
        if not self._cameras:
            mend = 'start the camera driver; without one nothing can be grasped'
            yield Finding('cameras', Status.WARN, 'nobody publishes a camera_info', mend)
        base = self._prefix + robot.base_link
        for topic, heard in self._cameras.items():
            if not heard.times:
                detail = f'nothing in {LISTEN_S:.0f} s'
                yield Finding(f'camera {topic}', Status.FAIL, detail, "see the driver's output")
                continue
            frame = next(iter(heard.latest.values())).header.frame_id
            if self._to_root(frame)[-1] != self._to_root(base)[-1]:
                detail = f"its frame '{frame}' is not in one tree with '{base}'"
                mend = 'publish its calibrated pose (static_transform_publisher)'
                yield Finding(f'camera {topic}', Status.FAIL, detail, mend)
            else:
                detail = f'{heard.rate():.1f} Hz in frame {frame}'
                yield Finding(f'camera {topic}', Status.OK, detail)

    def _check_controller(self, part: str, group: JointGroup) -> Iterator[Finding]:
        check = f'{part} controller'
        name = self._node.resolve_topic_name(group.command_name)
        if not controller_listens(self._node, group):
            detail = f'nobody takes {group.interface} on {name}'
            mend = 'start the driver, or correct `controller`, `interface` or `topic` in the file'
            yield Finding(check, Status.FAIL, detail, mend)
            return
        yield Finding(check, Status.OK, f'{group.interface} on {name}')
        joints = controller_joints(self._node, group.controller)
        if joints is None:
            detail = f"'{group.controller}' has no `joints` parameter to ask for"
            mend = 'compare the order of joints by hand' if group.interface.streamed else ''
            status = Status.WARN if group.interface.streamed else Status.SKIPPED
            yield Finding(f'{part} order', status, detail, mend)
            return
        try:
            check_joint_names(group, joints, self._prefix)
        except Dex1bError as error:
            mend = 'correct the robot file or the controller'
            yield Finding(f'{part} order', Status.FAIL, error.message, mend)
        else:
            yield Finding(f'{part} order', Status.OK, f'{len(joints)} joints as described')

    def _check_states(self, robot: RobotDescription) -> Finding:
        try:
            unasked = require_active_controllers(self._node, (robot.arm, robot.hand))
        except Dex1bError as error:
            return Finding('controller states', Status.FAIL, error.message, 'activate it')
        if unasked:
            return Finding('controller states', Status.SKIPPED, unasked)
        return Finding('controller states', Status.OK, 'active')


def verdict(findings: list[Finding]) -> Finding:
    """One line about all of them."""
    failed = [finding.check for finding in findings if finding.status is Status.FAIL]
    warned = [finding.check for finding in findings if finding.status is Status.WARN]
    if failed:
        detail = f'not ready: {", ".join(failed)}'
        return Finding('verdict', Status.FAIL, detail, 'mend these from top to bottom')
    if warned:
        detail = f'ready for a dry run; have a look at {", ".join(warned)}'
        return Finding('verdict', Status.WARN, detail)
    return Finding('verdict', Status.OK, 'ready: begin with a dry run')
