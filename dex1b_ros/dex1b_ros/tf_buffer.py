"""Transforms from /tf and /tf_static: tf2_ros where it is installed, else a small buffer.

Both answer the same question the same way (tests/ros/test_tf_buffer.py runs against both).
Lookups block: call them from worker threads.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import invert
from dex1b_ros.conversions import seconds, transform

Array = NDArray[np.float64]
HISTORY_S = 10.0
STATIC_QOS = QoSProfile(
    depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


class TransformBuffer(Protocol):
    """Where frames are."""

    def lookup(
        self, target: str, source: str, *, stamp_s: float | None = None, timeout_s: float = 0.0
    ) -> Array:
        """`target_T_source` (4, 4) at a time (None = the latest), waiting at most `timeout_s`.

        Raises:
            Dex1bError: TF_ERROR; the message names both frames, the ages and what is known.
        """
        ...

    def frames(self) -> list[str]:
        """Names of all frames heard of."""
        ...

    def close(self) -> None:
        """Drop the subscriptions."""
        ...


def make_tf_buffer(node: Node) -> TransformBuffer:
    """The buffer for this machine; one for each node."""
    if importlib.util.find_spec('tf2_ros') is not None:
        return Tf2Buffer(node)
    return TopicBuffer(node)


class TopicBuffer:
    """Buffer over the topics; interpolation by pytransform3d.

    Messages stay undecoded until a lookup, so that an idle node pays almost nothing for TF.
    """

    def __init__(self, node: Node) -> None:
        from tf2_msgs.msg import TFMessage

        self._node = node
        self._tree = TransformTree()
        self._arrived: deque[tuple[bytes, bool]] = deque(maxlen=1000)
        self._changed = threading.Condition()
        qos = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        self._subscriptions = [
            node.create_subscription(TFMessage, '/tf', self._on_moving, qos, raw=True),
            node.create_subscription(
                TFMessage, '/tf_static', self._on_static, STATIC_QOS, raw=True
            ),
        ]

    def _on_moving(self, raw: bytes) -> None:
        self._store(raw, False)

    def _on_static(self, raw: bytes) -> None:
        self._store(raw, True)

    def _store(self, raw: bytes, static: bool) -> None:
        with self._changed:
            if static:  # never pushed out by moving ones
                self._tree.add(_decode(raw), static=True)
            else:
                self._arrived.append((raw, static))
            self._changed.notify_all()

    def _take(self) -> None:
        while self._arrived:
            raw, static = self._arrived.popleft()
            self._tree.add(_decode(raw), static=static)

    def lookup(
        self, target: str, source: str, *, stamp_s: float | None = None, timeout_s: float = 0.0
    ) -> Array:
        """See TransformBuffer."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                self._take()
                try:
                    return self._tree.lookup(target, source, stamp_s)
                except LookupFailedError as error:
                    left = deadline - time.monotonic()
                    if left <= 0 or not self._changed.wait(left):
                        now = seconds(self._node.get_clock().now().to_msg())
                        raise tf_error(
                            target, source, str(error), self._tree.ages(now), timeout_s
                        ) from error

    def frames(self) -> list[str]:
        """See TransformBuffer."""
        with self._changed:
            self._take()
            return self._tree.frames()

    def close(self) -> None:
        """See TransformBuffer."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)


class Tf2Buffer:
    """tf2_ros behind the same methods."""

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._node = node
        self._buffer = tf2_ros.Buffer(node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def lookup(
        self, target: str, source: str, *, stamp_s: float | None = None, timeout_s: float = 0.0
    ) -> Array:
        """See TransformBuffer."""
        import tf2_ros
        from rclpy.time import Time

        time_point = Time() if stamp_s is None else Time(nanoseconds=round(stamp_s * 1e9))
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                found = self._buffer.lookup_transform(target, source, time_point)
            except tf2_ros.TransformException as error:
                if time.monotonic() >= deadline:
                    known = ', '.join(self.frames()) or 'none'
                    raise tf_error(target, source, str(error), known, timeout_s) from error
                time.sleep(0.01)
            else:
                return transform(found.transform)

    def frames(self) -> list[str]:
        """See TransformBuffer."""
        import yaml

        return sorted(yaml.safe_load(self._buffer.all_frames_as_yaml()) or {})

    def close(self) -> None:
        """See TransformBuffer."""
        self._listener.unregister()


def tf_error(target: str, source: str, why: str, known: str, timeout_s: float) -> Dex1bError:
    """What is said when a transform is missing."""
    return Dex1bError(
        ErrorCode.TF_ERROR,
        f"no transform from '{source}' to '{target}' within {timeout_s:.1f} s: {why}; frames "
        f'known (age): {known}; is the robot driver running, and the camera pose published?',
    )


class LookupFailedError(Exception):
    """A transform is not available (yet)."""


class TransformTree:
    """Frames, each with a parent and poses over time; no ROS in it."""

    def __init__(self, history_s: float = HISTORY_S) -> None:
        self._history_s = history_s
        self._edges: dict[str, _Edge] = {}

    def add(self, transforms: Iterable[tuple[str, str, float, Array]], *, static: bool) -> None:
        """Take (parent, child, stamp [s], parent_T_child) in."""
        for parent, child, stamp, pose in transforms:
            edge = self._edges.get(child)
            if edge is None or edge.parent != parent or edge.static != static:
                edge = self._edges[child] = _Edge(parent, static)
            edge.add(stamp, pose, self._history_s)

    def frames(self) -> list[str]:
        """All names."""
        return sorted({*self._edges, *(edge.parent for edge in self._edges.values())})

    def ages(self, now_s: float) -> str:
        """Frames with the age of their newest pose."""
        described = []
        for name in self.frames():
            edge = self._edges.get(name)
            if edge is None:
                described.append(name)
            else:
                age = 'static' if edge.static else f'{now_s - edge.stamps[-1]:.2f} s'
                described.append(f'{name} ({age})')
        return ', '.join(described) or 'none'

    def lookup(self, target: str, source: str, stamp_s: float | None) -> Array:
        """target_T_source at a time; None = the newest time that all frames between have.

        Raises:
            LookupFailedError: a frame is unknown, not connected, or has no pose at that time.
        """
        up_source, up_target = self._to_root(source), self._to_root(target)
        shared = next((name for name in up_source if name in up_target), None)
        if shared is None:
            raise LookupFailedError(f"'{source}' and '{target}' are in two separate trees")
        down = up_source[: up_source.index(shared)]
        other = up_target[: up_target.index(shared)]
        if stamp_s is None:
            moving = [e for e in map(self._edges.__getitem__, down + other) if not e.static]
            stamp_s = min((edge.stamps[-1] for edge in moving), default=0.0)
        return invert(self._chain(other, stamp_s)) @ self._chain(down, stamp_s)

    def _to_root(self, frame: str) -> list[str]:
        path = [frame]
        if frame not in self._edges and frame not in self.frames():
            raise LookupFailedError(f"frame '{frame}' does not exist")
        while path[-1] in self._edges:
            path.append(self._edges[path[-1]].parent)
            if path[-1] in path[:-1]:
                raise LookupFailedError(f'frames {path} form a loop')
        return path

    def _chain(self, names: list[str], stamp_s: float) -> Array:
        result = np.eye(4)
        for name in names:
            result = self._edges[name].at(stamp_s, name) @ result
        return result


class _Edge:
    def __init__(self, parent: str, static: bool) -> None:
        self.parent, self.static = parent, static
        self.stamps: list[float] = []
        self.poses: list[Array] = []

    def add(self, stamp: float, pose: Array, history_s: float) -> None:
        if self.static or (self.stamps and stamp < self.stamps[-1] - history_s):
            self.stamps, self.poses = [], []  # replaced, or the clock was set back
        index = bisect_left(self.stamps, stamp)
        if index < len(self.stamps) and self.stamps[index] == stamp:
            self.poses[index] = pose
            return
        self.stamps.insert(index, stamp)
        self.poses.insert(index, pose)
        old = bisect_left(self.stamps, self.stamps[-1] - history_s)
        del self.stamps[:old], self.poses[:old]

    def at(self, stamp: float, name: str) -> Array:
        if self.static:
            return self.poses[-1]
        first, last = self.stamps[0], self.stamps[-1]
        if not first <= stamp <= last:
            side = (
                f'{stamp - last:.3f} s after its newest'
                if stamp > last
                else (f'{first - stamp:.3f} s before its oldest')
            )
            raise LookupFailedError(f"'{name}' is asked for at {stamp:.3f} s, {side} pose")
        index = bisect_left(self.stamps, stamp)
        if self.stamps[index] == stamp:
            return self.poses[index]
        before, after = self.stamps[index - 1], self.stamps[index]
        return _between(
            self.poses[index - 1], self.poses[index], (stamp - before) / (after - before)
        )


def _between(start: Array, end: Array, share: float) -> Array:
    from pytransform3d.transformations import pq_from_transform, pq_slerp, transform_from_pq

    if np.abs(start - end).max() < 1e-9:
        return start
    return np.asarray(
        transform_from_pq(pq_slerp(pq_from_transform(start), pq_from_transform(end), share))
    )


def _decode(raw: bytes) -> list[tuple[str, str, float, Array]]:
    from rclpy.serialization import deserialize_message
    from tf2_msgs.msg import TFMessage

    message: Any = deserialize_message(raw, TFMessage)
    return [
        (
            item.header.frame_id.removeprefix('/'),
            item.child_frame_id.removeprefix('/'),
            seconds(item.header.stamp),
            transform(item.transform),
        )
        for item in message.transforms
    ]
