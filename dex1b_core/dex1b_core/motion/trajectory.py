"""Timed joint motions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_SHARE = 0.88  # of the acceleration limits that a stop uses: interpolation overshoots
_ONSETS = (0.1, 0.2, 0.4)  # s until a stop slows down in earnest: the first that keeps limits
_EXCESS = 1.005  # of the acceleration limits, that a stop may need
_SAME_S = 1e-6  # samples nearer than this are one
_MOST_FALL = 15.0  # 1/s, however slow the joints are
_LEAST_FALL = 0.05  # of 1/onset, also where the path itself uses up the limits
_SUBSTEPS = 4  # of the integration, in a sample
_AT_REST = 1e-5  # of the path's speed


@dataclass(frozen=True)
class JointTrajectory:
    """A motion of named joints; between samples a controller interpolates with quintics.

    Attributes:
        names: (J,) joint names.
        times: (T,) strictly increasing, from the start of the motion [s].
        positions: (T, J) [rad].
        velocities: (T, J) [rad/s]; zero in the last row.
        accelerations: (T, J) [rad/s^2].
    """

    names: tuple[str, ...]
    times: Array
    positions: Array
    velocities: Array
    accelerations: Array

    @property
    def duration(self) -> float:
        """Time of the last sample [s]."""
        return float(self.times[-1])

    def reversed(self) -> JointTrajectory:
        """The same motion backwards in time."""
        return JointTrajectory(
            self.names,
            self.times[-1] - self.times[::-1],
            self.positions[::-1].copy(),
            -self.velocities[::-1],
            self.accelerations[::-1].copy(),
        )

    def sample(self, times: ArrayLike) -> tuple[Array, Array, Array]:
        """Positions, velocities and accelerations, each (N, J), at (N,) times [s].

        Times outside of the motion give its first or last sample at rest.
        """
        t = np.atleast_1d(np.asarray(times, dtype=float))
        k = np.clip(np.searchsorted(self.times, t, side='right') - 1, 0, len(self.times) - 2)
        span = (self.times[k + 1] - self.times[k])[:, None]
        u = np.clip((t - self.times[k])[:, None] / span, 0.0, 1.0)
        p0, v0, a0, c3, c4, c5 = self._quintics(k)
        position = p0 + u * (v0 + u * (a0 / 2 + u * (c3 + u * (c4 + u * c5))))
        velocity = v0 + u * (a0 + u * (3 * c3 + u * (4 * c4 + u * 5 * c5)))
        acceleration = a0 + u * (6 * c3 + u * (12 * c4 + u * 20 * c5))
        outside = ((t < self.times[0]) | (t > self.times[-1]))[:, None]
        still = np.zeros_like(position)
        return (
            position,
            np.where(outside, still, velocity / span),
            np.where(outside, still, acceleration / span**2),
        )

    def dense_times(self, pieces: int = 16) -> Array:
        """(N,) times that part every step between samples into so many pieces [s]."""
        inside = np.linspace(0.0, 1.0, pieces, endpoint=False)
        steps = self.times[:-1, None] + np.diff(self.times)[:, None] * inside
        return np.append(steps.ravel(), self.times[-1])

    def peak_jerk(self) -> Array:
        """(J,) largest absolute jerk between samples [rad/s^3], exactly."""
        pieces = np.arange(len(self.times) - 1)
        _, _, _, c3, c4, c5 = self._quintics(pieces)
        # jerk is a parabola in u: its extremes are at the ends and, where inside, at the vertex
        with np.errstate(divide='ignore', invalid='ignore'):
            vertex = np.nan_to_num(np.clip(-c4 / (5 * c5), 0.0, 1.0))
        ends = [np.zeros_like(vertex), vertex, np.ones_like(vertex)]
        jerk = np.stack([np.abs(6 * c3 + u * (24 * c4 + 60 * c5 * u)) for u in ends]).max(axis=0)
        span = np.diff(self.times)[:, None]
        return np.asarray((jerk / span**3).max(axis=0))

    def _quintics(self, k: NDArray[np.intp]) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Coefficients (N, J) of the polynomials after samples (N,), over a span of 1."""
        span = (self.times[k + 1] - self.times[k])[:, None]
        p0, p1 = self.positions[k], self.positions[k + 1]
        v0, v1 = self.velocities[k] * span, self.velocities[k + 1] * span
        a0, a1 = self.accelerations[k] * span**2, self.accelerations[k + 1] * span**2
        c3 = 10 * (p1 - p0) - 6 * v0 - 4 * v1 - 1.5 * a0 + 0.5 * a1
        c4 = -15 * (p1 - p0) + 8 * v0 + 7 * v1 + 1.5 * a0 - a1
        c5 = 6 * (p1 - p0) - 3 * v0 - 3 * v1 - 0.5 * a0 + 0.5 * a1
        return p0, v0, a0, c3, c4, c5


def stopping_trajectory(
    trajectory: JointTrajectory,
    elapsed: float,
    *,
    acceleration_limits: ArrayLike,
    period: float = 0.02,
) -> JointTrajectory:
    """Slow down along the trajectory's own path, so that no new ground is covered.

    Path time runs on from `elapsed` at a rate that falls from 1 to 0 as fast as the limits allow,
    which the path's own acceleration uses up too; the fall begins and ends gently, and more so
    where the path is at the limits. A trajectory that ends sooner than that is carried out.

    Args:
        trajectory: What is being executed.
        elapsed: Path time at which the stop begins [s]; the stop's own time begins at 0.
        acceleration_limits: (J,) [rad/s^2].
        period: Time between samples [s].
    """
    limits = np.asarray(acceleration_limits, dtype=float)
    place = float(np.clip(elapsed, trajectory.times[0], trajectory.duration))
    left = trajectory.duration - place
    for onset in _ONSETS:
        ramp = _ramp(trajectory, place, limits, onset, period)
        if _SAME_S < left <= ramp.duration:
            return _rest_of(trajectory, place)
        accelerations = ramp.sample(ramp.dense_times(8))[2]
        if (np.abs(accelerations) <= _EXCESS * limits).all():
            break
    return ramp


def _rest_of(trajectory: JointTrajectory, place: float) -> JointTrajectory:
    """What is left of a trajectory after a path time [s]; its own time begins at 0."""
    later = trajectory.times[trajectory.times > place + _SAME_S]
    times = np.concatenate([[place], later])
    return JointTrajectory(trajectory.names, times - place, *trajectory.sample(times))


def _ramp(
    trajectory: JointTrajectory, place: float, limits: Array, onset: float, period: float
) -> JointTrajectory:
    """From path time `place` to rest, without regard to where the trajectory ends."""
    limits = _SHARE * limits
    step = period / _SUBSTEPS
    _, velocity, acceleration = trajectory.sample([place])
    rate, fall = 1.0, 0.0
    slew = -_steepest_fall(velocity[0], acceleration[0], 1.0, limits, onset) / onset
    places, rates, falls = [place], [rate], [fall]
    while rate > 0.0:
        for _ in range(_SUBSTEPS):
            _, velocity, acceleration = trajectory.sample([place])
            steepest = _steepest_fall(velocity[0], acceleration[0], rate, limits, onset)
            landing = -float(np.sqrt(2 * slew * rate))
            fall = max(steepest, landing, fall - slew * step)
            slower = rate + fall * step
            slower = slower if slower > _AT_REST else 0.0
            place += step * (rate + slower) / 2
            rate = slower
        places.append(min(place, trajectory.duration))
        rates.append(rate)
        falls.append(fall if rate > 0.0 else 0.0)
    positions, velocity, acceleration = trajectory.sample(places)
    r, slope = np.array(rates)[:, None], np.array(falls)[:, None]
    return JointTrajectory(
        trajectory.names,
        np.arange(len(places), dtype=np.float64) * period,
        positions,
        velocity * r,
        acceleration * r**2 + velocity * slope,
    )


def _steepest_fall(
    velocity: Array, acceleration: Array, rate: float, limits: Array, onset: float
) -> float:
    """Slope of the rate, below 0, at which the first of (J,) joints needs all of its limit [1/s].

    At the rate r and slope s the joints accelerate by a r^2 + v s.
    """
    spent = np.sign(velocity) * acceleration * rate**2
    slopes = -(limits + spent) / np.maximum(np.abs(velocity), 1e-9)
    return float(np.clip(slopes.max(), -_MOST_FALL, -_LEAST_FALL / onset))


def braking_trajectory(
    names: tuple[str, ...],
    positions: ArrayLike,
    velocities: ArrayLike,
    *,
    acceleration_limits: ArrayLike,
    period: float = 0.02,
) -> JointTrajectory:
    """Slow down straight on, for whoever knows a state but no path.

    Args:
        names: (J,) joints.
        positions: (J,) where the stop begins [rad].
        velocities: (J,) at which the joints move there [rad/s].
        acceleration_limits: (J,) [rad/s^2].
        period: Time between samples [s].
    """
    begin, velocity = np.asarray(positions, dtype=float), np.asarray(velocities, dtype=float)
    straight = JointTrajectory(
        names,
        np.array([0.0, 100.0]),
        np.stack([begin, begin + 100.0 * velocity]),
        np.stack([velocity, velocity]),
        np.zeros((2, len(begin))),
    )
    return stopping_trajectory(
        straight, 0.0, acceleration_limits=acceleration_limits, period=period
    )
