"""Time for paths: trajectories within the limits of velocity, acceleration and jerk."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.motion.validate import JointLimits

Array = NDArray[np.float64]

_RESERVE = 0.97  # share of the limits that is used: interpolation between samples overshoots
_REST = 0.1  # s a trajectory that goes nowhere takes


def time_path(
    path: ArrayLike, limits: JointLimits, *, scaling: float = 1.0, period: float = 0.04
) -> JointTrajectory:
    """Fastest motion from rest to rest along a path.

    Args:
        path: (K, J) positions [rad]; a cubic spline runs through them.
        limits: Of the joints.
        scaling: Fraction of the velocity and acceleration limits to use.
        period: Longest time between samples [s].

    Raises:
        Dex1bError: LIMITS when the path has no timing.
    """
    points = _distinct(np.asarray(path, dtype=float))
    if len(points) < 2:
        return _rest(points[0], limits.names)
    import toppra

    toppra.setup_logging('ERROR')
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    spline = toppra.SplineInterpolator(along, points, bc_type='natural')
    share = scaling * _RESERVE
    velocity = np.stack([-limits.velocity, limits.velocity], axis=1) * share
    acceleration = np.stack([-limits.acceleration, limits.acceleration], axis=1) * share
    constraints = [
        toppra.constraint.JointVelocityConstraint(velocity),
        toppra.constraint.JointAccelerationConstraint(acceleration),
    ]
    count = int(np.clip(4 * len(points), 60, 400))
    grid = np.linspace(0.0, along[-1], count)
    timed = toppra.algorithm.TOPPRA(constraints, spline, gridpoints=grid).compute_trajectory()
    if timed is None:
        raise Dex1bError(
            ErrorCode.LIMITS,
            f'no timing of a path with {len(points)} points keeps the limits at scaling {scaling}',
        )
    # sampled a little too densely, so that stretching keeps the period
    return _slowed(_sampled(timed, limits.names, 0.85 * period), limits, scaling)


def resumed(
    trajectory: JointTrajectory, elapsed: float, limits: JointLimits, *, scaling: float = 1.0
) -> JointTrajectory:
    """The rest of a motion along its own path, from rest; not sooner there than was planned.

    What leads a part is slow on purpose, far below what the limits allow.

    Args:
        trajectory: What was interrupted.
        elapsed: Path time at which the joints are [s].
        limits: Of the joints.
        scaling: Fraction of the velocity and acceleration limits to use.
    """
    period = float(np.diff(trajectory.times).max())
    begin = float(np.clip(elapsed, trajectory.times[0], trajectory.duration))
    later = trajectory.times[trajectory.times > begin + 0.25 * period]
    path, _, _ = trajectory.sample([begin, *later])
    rest = time_path(path, limits, scaling=scaling, period=period)
    left = trajectory.duration - begin
    return stretched(rest, left / rest.duration) if 0.0 < rest.duration < left else rest


def point_to_point(
    start: ArrayLike,
    goal: ArrayLike,
    limits: JointLimits,
    *,
    min_duration: float,
    scaling: float = 1.0,
    period: float = 0.04,
) -> JointTrajectory:
    """Minimum-jerk motion (a quintic) from rest to rest, for hands.

    Args:
        start: (J,) [rad].
        goal: (J,) [rad].
        limits: Of the joints.
        min_duration: Shortest time that it may take [s].
        scaling: Fraction of the velocity and acceleration limits to use.
        period: Longest time between samples [s].
    """
    begin, end = np.asarray(start, dtype=float), np.asarray(goal, dtype=float)
    change = end - begin
    by_velocity = 1.875 * np.abs(change) / (limits.velocity * scaling)
    by_acceleration = np.sqrt(5.7735 * np.abs(change) / (limits.acceleration * scaling))
    by_jerk = 0.0 if limits.jerk is None else np.cbrt(60.0 * np.abs(change) / limits.jerk).max()
    duration = float(max(min_duration, by_velocity.max(), by_acceleration.max(), by_jerk))
    return rest_to_rest(limits.names, begin, end, duration, period=period)


def rest_to_rest(
    names: tuple[str, ...], start: Array, goal: Array, duration: float, *, period: float = 0.04
) -> JointTrajectory:
    """Quintic from (J,) start to (J,) goal [rad] in a given time [s]."""
    times = np.linspace(0.0, duration, max(2, int(np.ceil(duration / period)) + 1))
    u, change = (times / duration)[:, None], goal - start
    return JointTrajectory(
        names,
        times,
        start + change * (10 * u**3 - 15 * u**4 + 6 * u**5),
        change * (30 * u**2 - 60 * u**3 + 30 * u**4) / duration,
        change * (60 * u - 180 * u**2 + 120 * u**3) / duration**2,
    )


def _distinct(points: Array) -> Array:
    """Drop points that repeat their predecessor; the first and the last stay."""
    kept = [points[0]]
    for point in points[1:]:
        if np.abs(point - kept[-1]).max() > 1e-6:
            kept.append(point)
    return np.array(kept)


def _rest(position: Array, names: tuple[str, ...]) -> JointTrajectory:
    still = np.zeros((2, len(position)))
    return JointTrajectory(
        names, np.array([0.0, _REST]), np.tile(position, (2, 1)), still, still.copy()
    )


def _sampled(timed: object, names: tuple[str, ...], period: float) -> JointTrajectory:
    duration = float(timed.duration)  # type: ignore[attr-defined]
    times = np.linspace(0.0, duration, max(3, int(np.ceil(duration / period)) + 1))
    positions, velocities, accelerations = (
        np.asarray(timed(times, order))  # type: ignore[operator]
        for order in range(3)
    )
    velocities[0] = velocities[-1] = 0.0
    return JointTrajectory(names, times, positions, velocities, accelerations)


def _slowed(trajectory: JointTrajectory, limits: JointLimits, scaling: float) -> JointTrajectory:
    """Stretch time until what a controller interpolates keeps the limits everywhere."""
    _, velocities, accelerations = trajectory.sample(trajectory.dense_times())
    speed = float((np.abs(velocities) / (limits.velocity * scaling)).max())
    push = float((np.abs(accelerations) / (limits.acceleration * scaling)).max())
    jerk = 0.0 if limits.jerk is None else float((trajectory.peak_jerk() / limits.jerk).max())
    return stretched(trajectory, max(1.0, speed, push**0.5, jerk ** (1 / 3)))


def stretched(trajectory: JointTrajectory, factor: float) -> JointTrajectory:
    """The same motion, taking `factor` times as long."""
    return JointTrajectory(
        trajectory.names,
        trajectory.times * factor,
        trajectory.positions,
        trajectory.velocities / factor,
        trajectory.accelerations / factor**2,
    )
