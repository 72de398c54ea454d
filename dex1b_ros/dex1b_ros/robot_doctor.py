"""Checks of `dex1b doctor` on the robot of a running stack: what it publishes and what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

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
from dex1b_ros.joint_state_buffer import joint_conflict
from dex1b_ros.robot_listener import Heard, RobotListener

LISTEN_S = 3.0
SKEW_S = 0.25  # the safety monitor's default for the age of joint states
SLOW_HZ = 10.0


class RobotDoctor:
    """Listens for a while, then judges; use as a context manager."""

    def __init__(self, context: Any, options: DoctorOptions) -> None:
        self._options = options
        self._prefix = options.tf_prefix
        self._heard = RobotListener(context, options.namespace)
        self._node = self._heard.node

    def __enter__(self) -> RobotDoctor:
        self._heard.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self._heard.__exit__()

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
        joints = (*robot.arm.joints, *robot.hand.joints)
        self._heard.listen(joints, self._prefix, for_s=LISTEN_S)
        yield from self._check_joint_states(robot)
        yield from self._check_positions(tree)
        yield from self._check_tf(robot)
        yield from self._check_cameras(robot)
        for part, group in (('arm', robot.arm), ('hand', robot.hand)):
            yield from self._check_controller(part, group)
        yield self._check_states(robot)

    def _check_joint_states(self, robot: RobotDescription) -> Iterator[Finding]:
        topic, senders = self._node.resolve_topic_name('joint_states'), self._heard.joints
        if not senders:
            publishers = self._node.count_publishers(topic)
            detail = f"nothing on '{topic}' in {LISTEN_S:.0f} s; publishers: {publishers}"
            yield Finding('joint states', Status.FAIL, detail, 'start the driver of the robot')
            return
        needed = {self._prefix + name for name in (*robot.arm.joints, *robot.hand.joints)}
        telling = {names: heard for names, heard in senders.items() if names & needed}
        rates = sorted(heard.rate() for heard in telling.values()) or [0.0]
        status = Status.OK if rates[0] >= SLOW_HZ else Status.WARN
        mend = '' if status is Status.OK else 'raise the rate of the driver or broadcaster'
        told = ' and '.join(f'{rate:.0f}' for rate in rates)
        yield Finding('joint states', status, f"'{topic}' at {told} Hz", mend)
        for heard in telling.values():
            yield self._skew('joint states', heard)
        yield self._check_names(needed, list(senders))
        conflict = joint_conflict(self._heard.table.read(self._heard.table.names), topic)
        if conflict:
            mend = 'stop the other publisher (joint_state_publisher, an old driver), or remap it'
            yield Finding('joint publishers', Status.FAIL, conflict, mend)

    def _check_names(self, needed: set[str], senders: list[frozenset[str]]) -> Finding:
        every = frozenset().union(*senders)
        missing = sorted(needed - every)
        if missing:
            detail = f'missing {missing}; published are {sorted(every)}'
            mend = 'correct `joints` in the robot file, tf_prefix, or the driver'
            return Finding('joint names', Status.FAIL, detail, mend)
        if any(needed <= names for names in senders):
            return Finding('joint names', Status.OK, f'all {len(needed)} in one message')
        parts = sum(bool(needed & names) for names in senders)
        return Finding('joint names', Status.OK, f'all {len(needed)}, in {parts} kinds of messages')

    def _skew(self, what: str, heard: Heard) -> Finding:
        skews = np.array([skew for _, skew in heard.times])
        worst = float(skews[np.abs(skews).argmax()])
        median = float(np.median(skews))
        detail = f'stamps are {median:+.3f} s from now, {worst:+.3f} s at worst'
        if abs(median) <= SKEW_S:
            return Finding(f'{what} clock', Status.OK, detail)
        mend = 'synchronise the clocks of both machines (chrony), or give all one use_sim_time'
        return Finding(f'{what} clock', Status.FAIL, detail, mend)

    def _check_positions(self, tree: LinkTree) -> Iterator[Finding]:
        limits = {joint.name: joint.limits for joint in tree.joints}
        reading = self._heard.table.read(self._heard.table.names)
        outside, broken = [], []
        for name, value in zip(reading.names, reading.positions, strict=True):
            lower, upper = limits.get(name, (-np.inf, np.inf))
            if name in reading.missing:
                continue
            if not np.isfinite(value):
                broken.append(name)
            elif not lower - 0.03 <= value <= upper + 0.03:
                outside.append(f'{name} at {value:.3f} of {lower:.3f} to {upper:.3f}')
        if broken or outside:
            detail = '; '.join([*outside, *(f'{name} is not finite' for name in broken)])
            mend = 'move it back by hand, or correct zero and sign of the joints against the URDF'
            yield Finding('joint limits', Status.FAIL, detail, mend)
        elif self._heard.joints:
            yield Finding('joint limits', Status.OK, 'all joints within the limits of the URDF')

    def _check_tf(self, robot: RobotDescription) -> Iterator[Finding]:
        several = {child: sorted(p) for child, p in self._heard.parents.items() if len(p) > 1}
        if several:
            child, parents = next(iter(several.items()))
            detail = f"'{child}' has several parents: {parents}"
            yield Finding('TF tree', Status.FAIL, detail, 'let one node publish each transform')
        base = self._prefix + robot.base_link
        wrist = self._prefix + robot.hand.root_link
        way = self._heard.to_root(wrist)
        if base not in way:
            detail = f"no way from '{base}' to '{wrist}': {' < '.join(way)}"
            mend = 'start robot_state_publisher with the URDF of arm and hand together'
            yield Finding('TF tree', Status.FAIL, detail, mend)
        elif not several:
            detail = f"'{base}' to '{wrist}' over {way.index(base)} transforms"
            yield Finding('TF tree', Status.OK, detail)
        if self._heard.tf.times:
            yield self._skew('TF', self._heard.tf)

    def _check_cameras(self, robot: RobotDescription) -> Iterator[Finding]:
        if not self._heard.cameras:
            mend = 'start the camera driver; without one nothing can be grasped'
            yield Finding('cameras', Status.WARN, 'nobody publishes a camera_info', mend)
        base = self._prefix + robot.base_link
        for topic, heard in self._heard.cameras.items():
            if not heard.times:
                detail = f'nothing in {LISTEN_S:.0f} s'
                yield Finding(f'camera {topic}', Status.FAIL, detail, "see the driver's output")
                continue
            frame = heard.latest.header.frame_id
            if self._heard.to_root(frame)[-1] != self._heard.to_root(base)[-1]:
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
