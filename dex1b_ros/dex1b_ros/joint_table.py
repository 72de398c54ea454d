"""The last word about each joint, whoever said it: arm and hand may be told of apart.

Drivers of arm and hand that publish on the same topic each name their own joints. Every joint
keeps its own stamp; a state of several is as old as the oldest of them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from dex1b_ros import conversions

Array = NDArray[np.float64]

_FASTEST = 12.0  # [rad/s] or [m/s]; what changes by more than that allows has jumped
_JUMP = 0.05  # [rad] or [m] beyond it
_BACK_S = 1.0  # within which a jump is followed by one back, when two publishers disagree
_TURNS = 2  # there, back and there again: less is a glitch
_MOST_SENDERS = 32  # whose order of joints is remembered


@dataclass(frozen=True)
class Reading:
    """States of some joints, in the order asked for.

    Attributes:
        positions, velocities, efforts: (J,) [rad, rad/s, N m]; NaN where unknown.
        stamps: (J,) [s] ROS time; NaN where nothing was ever told.
        received: (J,) [s] monotonic wall clock, likewise.
        contradicted: Joints of which messages tell different things in turn.
    """

    names: tuple[str, ...]
    positions: Array
    velocities: Array
    efforts: Array
    stamps: Array
    received: Array
    contradicted: tuple[str, ...]

    @property
    def missing(self) -> list[str]:
        """Joints of which nothing was ever told."""
        return [n for n, at in zip(self.names, self.received, strict=True) if np.isnan(at)]

    @property
    def oldest(self) -> str:
        """The joint that was heard of least lately."""
        return self.names[int(np.argmin(self.received))]

    def worst_stamp(self, now: float) -> tuple[str, float]:
        """The joint whose stamp is furthest from a ROS time [s], and how old it is [s]."""
        ages = now - self.stamps
        k = int(np.abs(ages).argmax())
        return self.names[k], float(ages[k])

    @property
    def undefined(self) -> list[str]:
        """Joints without a finite position."""
        finite = np.isfinite(self.positions)
        return [name for name, good in zip(self.names, finite, strict=True) if not good]


class JointTable:
    """Merges joint state messages by joint; any thread may use it.

    Args:
        names: Joints to keep, as in the description; others in a message are ignored.
        prefix: The tf_prefix before the names in messages.

    Attributes:
        names: As given.
    """

    def __init__(self, names: Sequence[str], prefix: str) -> None:
        self.names = tuple(names)
        self._rows = {prefix + name: row for row, name in enumerate(names)}
        self._by_name = {name: row for row, name in enumerate(names)}
        self._values = np.full((3, len(names)), np.nan)  # position, velocity, effort
        self._stamps, self._received = np.full((2, len(names)), np.nan)
        self._jumped_at = np.full(len(names), -np.inf)
        self._jump = np.zeros(len(names))
        self._turns = np.zeros(len(names), dtype=np.int64)
        self._contradicted_at = np.full(len(names), -np.inf)
        self._latest = -np.inf
        self._senders: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
        self._lock = threading.Lock()

    def add(self, message: JointState, received: float) -> None:
        """Take over what a message tells, which came at a monotonic time [s]."""
        with self._lock:
            columns, rows = self._places(tuple(message.name))
            self._latest = received
            if not rows:
                return
            stamp = conversions.seconds(message.header.stamp)
            values = np.full((3, len(rows)), np.nan)
            for kind, told in enumerate((message.position, message.velocity, message.effort)):
                if len(told) == len(message.name):
                    values[kind] = np.asarray(told, dtype=float)[columns]
            self._note_jumps(rows, values[0], stamp, received)
            self._values[:, rows] = values
            self._stamps[rows], self._received[rows] = stamp, received

    def _places(self, names: tuple[str, ...]) -> tuple[list[int], list[int]]:
        """Columns of a message whose joints are kept, and the rows that they go to."""
        places = self._senders.get(names)
        if places is None:
            known = [(k, self._rows[name]) for k, name in enumerate(names) if name in self._rows]
            places = [k for k, _ in known], [row for _, row in known]
            if len(self._senders) >= _MOST_SENDERS:
                self._senders.clear()
            self._senders[names] = places
        return places

    def _note_jumps(self, rows: list[int], positions: Array, stamp: float, now: float) -> None:
        """A jump may be a fault of one encoder; jumps to and fro are two publishers."""
        change = np.nan_to_num(positions - self._values[0, rows])
        allowed = _JUMP + _FASTEST * np.nan_to_num(np.abs(stamp - self._stamps[rows]))
        jumped = np.abs(change) > allowed
        if not jumped.any():
            return
        jumpers = np.array(rows)[jumped]
        change = change[jumped]
        back = (change * self._jump[jumpers] < 0) & (now - self._jumped_at[jumpers] < _BACK_S)
        self._turns[jumpers] = np.where(back, self._turns[jumpers] + 1, 0)
        self._contradicted_at[jumpers[self._turns[jumpers] >= _TURNS]] = now
        self._jump[jumpers], self._jumped_at[jumpers] = change, now

    @property
    def seen(self) -> bool:
        """Whether any message came, whatever it told."""
        return bool(np.isfinite(self._latest))

    def knows_all(self) -> bool:
        """Whether every joint was told of at least once."""
        with self._lock:
            return bool(np.isfinite(self._received).all())

    def read(self, names: Sequence[str]) -> Reading:
        """States of the named joints, which must be among those that are kept."""
        rows = [self._by_name[name] for name in names]
        with self._lock:
            contradicted = self._contradicted_at[rows] > self._latest - _BACK_S
            return Reading(
                tuple(names), *self._values[:, rows], self._stamps[rows], self._received[rows],
                tuple(n for n, is_so in zip(names, contradicted, strict=True) if is_so),
            )  # fmt: skip
