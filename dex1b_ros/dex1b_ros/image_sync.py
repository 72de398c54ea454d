"""Depth, camera_info and colour of one camera, matched by stamp, subscribed only while needed.

An idle node has no image subscription at all, and while one is open, messages stay undecoded
until their stamps match.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, Image

from dex1b_core.errors import Dex1bError, ErrorCode

KEPT = 10  # undecoded messages for each topic


def image_qos(node: Node, topic: str) -> QoSProfile:
    """Reliable where every publisher is, else best effort, which fits any publisher.

    A large image travels in many fragments; best effort loses it with any one of them.
    """
    publishers = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    reliable = publishers and all(
        info.qos_profile.reliability == ReliabilityPolicy.RELIABLE for info in publishers
    )
    return QoSProfile(
        depth=2,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
    )


@dataclass(frozen=True)
class CameraTopics:
    """Where one camera publishes; `colour` empty = none."""

    camera: str
    depth: str
    info: str
    colour: str


@dataclass(frozen=True)
class ImageSet:
    """Messages of one instant; `colour` is None where there was none in time."""

    stamp_s: float
    depth: Image
    info: CameraInfo
    colour: Image | None


class ImageCollector:
    """Collects `count` image sets newer than `after_s`; create and close it on the node's thread.

    Args:
        node: Subscribes.
        topics: Of the camera.
        after_s: Only images stamped later [s, the node's clock].
        count: How many sets.
        tolerance_s: Stamps this close belong together.
        changed: Notified with every message.
    """

    def __init__(
        self,
        node: Node,
        topics: CameraTopics,
        *,
        after_s: float,
        count: int,
        tolerance_s: float,
        changed: threading.Condition,
    ) -> None:
        self.topics = topics
        self._node, self._changed = node, changed
        self._after_s, self.count, self._tolerance_s = after_s, count, tolerance_s
        self._raw: dict[str, dict[float, bytes]] = {'depth': {}, 'info': {}, 'colour': {}}
        self._received = {'depth': 0, 'info': 0, 'colour': 0}
        self._newest_s = 0.0
        self._repeated = 0
        wanted: list[tuple[str, str, Any]] = [
            ('depth', topics.depth, Image),
            ('info', topics.info, CameraInfo),
        ]
        if topics.colour:
            wanted.append(('colour', topics.colour, Image))
        self._subscriptions = [
            node.create_subscription(
                kind, topic, self._keeper(name), image_qos(node, topic), raw=True
            )
            for name, topic, kind in wanted
        ]

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _keeper(self, name: str) -> Callable[[bytes], None]:
        def keep(raw: bytes) -> None:
            # after four bytes of encapsulation every stamped message begins with its stamp
            order = '<' if raw[1] & 1 else '>'
            whole, part = struct.unpack_from(f'{order}iI', raw, 4)
            stamp = whole + part * 1e-9
            with self._changed:
                self._received[name] += 1
                if name == 'depth':
                    self._repeated += stamp == self._newest_s
                    self._newest_s = stamp
                if stamp > self._after_s:
                    kept = self._raw[name]
                    kept[stamp] = raw
                    if len(kept) > KEPT + self.count:
                        del kept[min(kept)]
                self._changed.notify_all()

        return keep

    def _match(self, name: str, stamp: float) -> float | None:
        found = [other for other in self._raw[name] if abs(other - stamp) <= self._tolerance_s]
        return min(found, key=lambda other: abs(other - stamp), default=None)

    def _matched(self) -> list[float]:
        return [stamp for stamp in sorted(self._raw['depth']) if self._match('info', stamp)]

    @property
    def matched(self) -> int:
        """Sets complete but for colour."""
        return min(len(self._matched()), self.count)

    @property
    def done(self) -> bool:
        """Whether enough sets are complete; colour is waited for only where it is published."""
        stamps = self._matched()[-self.count :]
        if len(stamps) < self.count:
            return False
        colour = self.topics.colour and self._node.count_publishers(self.topics.colour)
        return not colour or self._match('colour', stamps[-1]) is not None

    @property
    def waiting_for(self) -> str:
        """What is missing, empty when nothing is."""
        if self.done:
            return ''
        if self.matched == self.count:
            return self.topics.colour
        return self.topics.info if len(self._raw['depth']) > self.matched else self.topics.depth

    def take(self) -> list[ImageSet]:
        """The newest sets, decoded, oldest first."""
        with self._changed:
            stamps = self._matched()[-self.count :]
            matches = [
                (stamp, self._match('info', stamp), self._match('colour', stamp))
                for stamp in stamps
            ]
            raw = {name: dict(kept) for name, kept in self._raw.items()}
        return [
            ImageSet(
                stamp,
                deserialize_message(raw['depth'][stamp], Image),
                deserialize_message(raw['info'][info], CameraInfo),
                None if colour is None else deserialize_message(raw['colour'][colour], Image),
            )
            for stamp, info, colour in matches
        ]

    def missing(self, timeout_s: float) -> Dex1bError:
        """What to say when the time is over."""
        for name, topic in (('depth', self.topics.depth), ('info', self.topics.info)):
            if self._received[name] == 0:
                return Dex1bError(
                    ErrorCode.NO_DEPTH,
                    f'no message on {self._node.resolve_topic_name(topic)} in {timeout_s:.1f} s; '
                    f'{self._publishers(topic)}; is the camera driver running, and does the '
                    'topic name fit (parameters cameras, depth_topic, info_topic)?',
                )
        depth_topic = self._node.resolve_topic_name(self.topics.depth)
        if not self._raw['depth']:
            age = self._after_s - self._newest_s
            return Dex1bError(
                ErrorCode.STALE_DEPTH,
                f'{self._received["depth"]} images on {depth_topic} in {timeout_s:.1f} s, but '
                f'the newest is stamped {age:.3f} s before the request; set use_sim_time as the '
                'camera does, or synchronise the clocks',
            )
        if self.matched == 0:
            return Dex1bError(
                ErrorCode.CAMERA_INFO_MISMATCH,
                f'images on {depth_topic} and messages on '
                f'{self._node.resolve_topic_name(self.topics.info)} never have stamps within '
                f'{self._tolerance_s:.3f} s; publish both from one driver',
            )
        if self._repeated > 1:
            return Dex1bError(
                ErrorCode.STALE_DEPTH,
                f'{self._repeated + 1} of {self._received["depth"]} images on {depth_topic} carry '
                f'the stamp of the one before ({self._newest_s:.3f} s): the driver or its clock '
                'hangs; restart it',
            )
        return Dex1bError(
            ErrorCode.NO_DEPTH,
            f'only {self.matched} of {self.count} images on {depth_topic} in '
            f'{timeout_s:.1f} s; wait longer or ask for fewer frames',
        )

    def _publishers(self, topic: str) -> str:
        infos = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(topic))
        described = [
            f'{info.node_namespace.rstrip("/")}/{info.node_name} '
            f'({info.topic_type}, {info.qos_profile.reliability.name}, '
            f'{info.qos_profile.durability.name})'
            for info in infos
        ]
        return f'publishers: {len(infos)}' + (f': {"; ".join(described)}' if described else '')
