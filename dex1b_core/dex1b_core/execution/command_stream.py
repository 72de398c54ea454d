"""Positions for a driver that is told where to be at every instant, from validated trajectories."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.trajectory import JointTrajectory, stopping_trajectory

Array = NDArray[np.float64]

_BLEND_S = 0.3  # at least, to lead over to a trajectory


class StreamState(Enum):
    """What a stream is doing."""

    SILENT = 'silent'
    """Nothing is commanded; a driver keeps what it was told last."""
    FOLLOWING = 'following'
    HOLDING = 'holding'
    """The last position is repeated: a grip is a command that stays out of reach."""
    STOPPING = 'stopping'


class CommandStream:
    """Follows one trajectory at a time; its owner asks for a position at every instant.

    Path time advances by what passed since the last question, at most by `longest_step`: whoever
    asks late slows the motion down instead of making it jump. A trajectory that begins off the
    last command, by what a drive lags behind or a finger is held back, is led over to smoothly.
    """

    def __init__(
        self,
        acceleration_limits: tuple[float, ...],
        *,
        longest_step: float,
        blend_velocity: float = 0.2,
    ) -> None:
        """Begin silent.

        Args:
            acceleration_limits: (J,) of a stop [rad/s^2].
            longest_step: Most that path time advances in one step [s].
            blend_velocity: At most so fast is a trajectory led over to [rad/s].
        """
        self._limits = acceleration_limits
        self._longest = longest_step
        self._blend_velocity = blend_velocity
        self._offset: Array | None = None
        self._blend_s = self._blended = 0.0
        self._trajectory: JointTrajectory | None = None
        self._last_time: float | None = None
        self._silent_after_stop = False
        self.state = StreamState.SILENT
        self.elapsed = 0.0

    def start(self, trajectory: JointTrajectory, begin: Array | None = None) -> None:
        """Follow a trajectory from the next question on, instead of what was followed before.

        Args:
            trajectory: Validated.
            begin: (J,) last command, or where the joints are, in the trajectory's order [rad];
                None: the trajectory's own beginning.
        """
        self._trajectory, self._last_time = trajectory, None
        self.elapsed = self._blended = 0.0
        self._offset = None if begin is None else begin - trajectory.positions[0]
        if self._offset is not None:
            # the steepest slope of a smoothstep is 1.875 (quintic) over its duration
            needed = 1.875 * float(np.abs(self._offset).max()) / self._blend_velocity
            self._blend_s = min(max(_BLEND_S, needed), trajectory.duration)
        self.state, self._silent_after_stop = StreamState.FOLLOWING, False

    def stop(self, *, then_silent: bool = False) -> bool:
        """Slow down along the path; whether anything was moving.

        Args:
            then_silent: Command nothing any more once at rest; otherwise the place is held.
        """
        self._silent_after_stop |= then_silent
        if self.state is StreamState.FOLLOWING and self._trajectory is not None:
            self._trajectory = stopping_trajectory(
                self._trajectory, self.elapsed, acceleration_limits=self._limits
            )
            self.elapsed, self.state = 0.0, StreamState.STOPPING
            return True
        if self.state is StreamState.HOLDING and self._silent_after_stop:
            self.state = StreamState.SILENT
        return self.state is StreamState.STOPPING

    def command(self, now: float) -> Array | None:
        """(J,) position to command at a time [s], in the trajectory's order; None: nothing."""
        if self.state is StreamState.SILENT or self._trajectory is None:
            return None
        if self._last_time is not None:
            step = min(max(0.0, now - self._last_time), self._longest)
            self.elapsed += step
            self._blended += step
        self._last_time = now
        self.elapsed = min(self.elapsed, self._trajectory.duration)
        is_at_end = self.elapsed == self._trajectory.duration
        if is_at_end and self.state is not StreamState.HOLDING:
            is_over = self.state is StreamState.STOPPING and self._silent_after_stop
            self.state = StreamState.SILENT if is_over else StreamState.HOLDING
        position: Array = self._trajectory.sample([self.elapsed])[0][0]
        return position if self._offset is None else position + self._remaining() * self._offset

    def _remaining(self) -> float:
        """Share of the offset that is left, from 1 to 0."""
        u = min(self._blended / self._blend_s, 1.0)
        return 1.0 - u**3 * (10.0 - 15.0 * u + 6.0 * u * u)
