"""What ros2_controllers' joint_trajectory_controller does with a trajectory, without ROS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]


class GoalError(Dex1bError):
    """A trajectory is refused; `is_about_joints` when its names are the reason."""

    def __init__(self, message: str, *, is_about_joints: bool = False) -> None:
        super().__init__(ErrorCode.GOAL_REJECTED, message)
        self.is_about_joints = is_about_joints


class Outcome(Enum):
    """How a trajectory stands."""

    RUNNING = 'running'
    SUCCEEDED = 'succeeded'
    PATH_TOLERANCE_VIOLATED = 'path tolerance violated'
    GOAL_TOLERANCE_VIOLATED = 'goal tolerance violated'


@dataclass(frozen=True)
class Tolerances:
    """Largest position errors [rad] by joint; a joint that is not named has no limit.

    Attributes:
        path: On the way.
        goal: At the end.
        goal_time: How much later than planned the end may be reached [s]; 0 waits for ever.
    """

    path: Mapping[str, float] = field(default_factory=dict)
    goal: Mapping[str, float] = field(default_factory=dict)
    goal_time: float = 0.0

    def overridden(
        self, path: Mapping[str, float], goal: Mapping[str, float], goal_time: float
    ) -> Tolerances:
        """With a goal's own values: 0 keeps the default, a negative one removes the limit."""
        time = self.goal_time if goal_time == 0 else max(goal_time, 0.0)
        return Tolerances(_merged(self.path, path), _merged(self.goal, goal), time)


@dataclass(frozen=True)
class Waypoints:
    """Points of a motion in the order of the controller's joints.

    Attributes:
        times: (T,) strictly increasing, from the start [s].
        positions: (T, J) [rad].
        velocities: (T, J) [rad/s], or None: straight lines between points.
        accelerations: (T, J) [rad/s^2], or None: cubics; otherwise quintics.
    """

    times: Array
    positions: Array
    velocities: Array | None = None
    accelerations: Array | None = None

    def starting_from(self, position: Array, velocity: Array) -> Waypoints:
        """With the present state in front when the first point lies in the future."""
        if self.times[0] <= 0:
            return self
        return Waypoints(
            np.concatenate([[0.0], self.times]),
            np.vstack([position, self.positions]),
            None if self.velocities is None else np.vstack([velocity, self.velocities]),
            None if self.accelerations is None else np.vstack([0 * velocity, self.accelerations]),
        )

    def sample(self, time: float) -> tuple[Array, Array]:
        """Position [rad] and velocity [rad/s], each (J,); the last point, at rest, afterwards."""
        last = len(self.times) - 1
        if time >= self.times[last] or last == 0:
            return self.positions[last], np.zeros_like(self.positions[last])
        i = max(0, int(np.searchsorted(self.times, time, side='right')) - 1)
        span = float(self.times[i + 1] - self.times[i])
        u = min(max((time - float(self.times[i])) / span, 0.0), 1.0)
        start, end = self.positions[i], self.positions[i + 1]
        if self.velocities is None:
            return start + u * (end - start), (end - start) / span
        v0, v1 = self.velocities[i] * span, self.velocities[i + 1] * span
        if self.accelerations is None:
            c2, c3 = 3 * (end - start) - 2 * v0 - v1, 2 * (start - end) + v0 + v1
            position = start + u * (v0 + u * (c2 + u * c3))
            return position, (v0 + u * (2 * c2 + u * 3 * c3)) / span
        a0, a1 = self.accelerations[i] * span**2, self.accelerations[i + 1] * span**2
        rise = end - start
        c3 = 10 * rise - 6 * v0 - 4 * v1 - 1.5 * a0 + 0.5 * a1
        c4 = -15 * rise + 8 * v0 + 7 * v1 + 1.5 * a0 - a1
        c5 = 6 * rise - 3 * v0 - 3 * v1 - 0.5 * a0 + 0.5 * a1
        position = start + u * (v0 + u * (a0 / 2 + u * (c3 + u * (c4 + u * c5))))
        return position, (v0 + u * (a0 + u * (3 * c3 + u * (4 * c4 + u * 5 * c5)))) / span


def checked_waypoints(
    joints: Sequence[str],
    names: Sequence[str],
    times: ArrayLike,
    positions: Sequence[Sequence[float]],
    velocities: Sequence[Sequence[float]],
    accelerations: Sequence[Sequence[float]],
) -> Waypoints:
    """A trajectory as it came, checked and put in the order of the controller's joints.

    Args:
        joints: The controller's.
        names: The trajectory's, all of `joints` in any order.
        times: (T,) from the start [s].
        positions: T rows in the order of `names`.
        velocities: T rows, each full or empty.
        accelerations: T rows, each full or empty.

    Raises:
        GoalError: what is wrong, and what was expected.
    """
    if sorted(names) != sorted(joints):
        missing = sorted(set(joints) - set(names))
        unknown = sorted(set(names) - set(joints))
        raise GoalError(
            f'joint names {list(names)} do not fit; expected each of {list(joints)} once '
            f'(missing: {missing}, unknown: {unknown})',
            is_about_joints=True,
        )
    t = np.asarray(times, dtype=float)
    if len(t) == 0:
        raise GoalError('the trajectory has no points; expected at least one')
    if not np.isfinite(t).all() or t[0] < 0 or (np.diff(t) <= 0).any():
        raise GoalError(f'times {t.round(4).tolist()} must be non-negative and strictly increasing')
    order = [list(names).index(joint) for joint in joints]
    table = _table('positions', positions, len(t), order)
    if table is None:
        raise GoalError('the points have no positions; expected one value for every joint')
    speeds = _table('velocities', velocities, len(t), order)
    if speeds is not None and np.abs(speeds[-1]).max() > 1e-6:
        raise GoalError(
            f'the last point has velocities {speeds[-1].round(4).tolist()}; expected zero: the '
            'robot must come to rest there'
        )
    rates = _table('accelerations', accelerations, len(t), order)
    return Waypoints(t, table, speeds, None if speeds is None else rates)


class TrajectoryController:
    """Follows one trajectory at a time for a group of joints.

    Attributes:
        joints: Names, in the order of all vectors.
        target: (J,) position that the drives are told [rad].
        target_velocity: (J,) [rad/s].
    """

    def __init__(
        self, joints: Sequence[str], target: ArrayLike, tolerances: Tolerances | None = None
    ) -> None:
        self.joints = tuple(joints)
        self.defaults = tolerances or Tolerances()
        self.target = np.array(target, dtype=float)
        self.target_velocity = np.zeros(len(self.joints))
        self._waypoints: Waypoints | None = None
        self._tolerances = self.defaults
        self._start = 0.0

    @property
    def running(self) -> bool:
        """Whether a trajectory is being followed."""
        return self._waypoints is not None

    def elapsed(self, now: float) -> float:
        """Time since the last trajectory started [s], not negative."""
        return max(0.0, now - self._start)

    def start(
        self,
        waypoints: Waypoints,
        now: float,
        position: Array,
        velocity: Array,
        tolerances: Tolerances | None = None,
    ) -> None:
        """Follow a trajectory from now on, instead of what was followed before.

        Args:
            waypoints: See `checked_waypoints`.
            now: When it starts [s]; later for one that shall wait.
            position: (J,) measured.
            velocity: (J,) measured.
            tolerances: Instead of the controller's own.
        """
        self._waypoints = waypoints.starting_from(position, velocity)
        self._tolerances = tolerances or self.defaults
        self._start = now

    def update(self, now: float, position: Array) -> Outcome:
        """Set `target` for a time [s] and compare with the measured (J,) position.

        On success the last point stays the target; on a violation the measured position does.
        """
        if self._waypoints is None or now < self._start:
            return Outcome.RUNNING
        elapsed = now - self._start
        self.target, self.target_velocity = self._waypoints.sample(elapsed)
        error = np.abs(self.target - position)
        late = elapsed - float(self._waypoints.times[-1])
        if late < 0:
            if self._exceeds(error, self._tolerances.path):
                self.hold(position)
                return Outcome.PATH_TOLERANCE_VIOLATED
            return Outcome.RUNNING
        if not self._exceeds(error, self._tolerances.goal):
            self._waypoints = None
            return Outcome.SUCCEEDED
        if 0 < self._tolerances.goal_time < late:
            self.hold(position)
            return Outcome.GOAL_TOLERANCE_VIOLATED
        return Outcome.RUNNING

    def hold(self, position: Array) -> None:
        """Stop at the measured (J,) position at once."""
        self._waypoints = None
        self.target, self.target_velocity = np.array(position), np.zeros(len(self.joints))

    def _exceeds(self, error: Array, limits: Mapping[str, float]) -> bool:
        return any(
            value > limits[joint]
            for joint, value in zip(self.joints, error, strict=True)
            if joint in limits
        )


def _merged(defaults: Mapping[str, float], own: Mapping[str, float]) -> dict[str, float]:
    merged = dict(defaults)
    for joint, value in own.items():
        if value > 0:
            merged[joint] = value
        elif value < 0:
            merged.pop(joint, None)
    return merged


def _table(kind: str, rows: Sequence[Any], count: int, order: list[int]) -> Array | None:
    """(T, J) in the controller's order; None when every row is empty."""
    lengths = {len(row) for row in rows}
    if lengths == {0}:
        return None
    if len(rows) != count or lengths != {len(order)}:
        raise GoalError(
            f'{kind} of the points have {sorted(lengths)} values; expected {len(order)} in '
            'every point, or none in all'
        )
    table = np.array([list(row) for row in rows], dtype=float)[:, order]
    if not np.isfinite(table).all():
        raise GoalError(f'{kind} of the points hold values that are not finite')
    return table
