"""Positions for a driver that is told where to be at every instant, from validated trajectories."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.trajectory import JointTrajectory, stopping_trajectory

Array = NDArray[np.float64]


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
    asks late slows the motion down instead of making it jump.
    """

    def __init__(self, acceleration_limits: tuple[float, ...], *, longest_step: float) -> None:
        """Begin silent.

        Args:
            acceleration_limits: (J,) of a stop [rad/s^2].
            longest_step: Most that path time advances in one step [s].
        """
        self._limits = acceleration_limits
        self._longest = longest_step
        self._trajectory: JointTrajectory | None = None
        self._last_time: float | None = None
        self._silent_after_stop = False
        self.state = StreamState.SILENT
        self.elapsed = 0.0

    def start(self, trajectory: JointTrajectory) -> None:
        """Follow a trajectory from the next question on, instead of what was followed before."""
        self._trajectory, self._last_time = trajectory, None
        self.elapsed = 0.0
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
            self.elapsed += min(max(0.0, now - self._last_time), self._longest)
        self._last_time = now
        self.elapsed = min(self.elapsed, self._trajectory.duration)
        is_at_end = self.elapsed == self._trajectory.duration
        if is_at_end and self.state is not StreamState.HOLDING:
            is_over = self.state is StreamState.STOPPING and self._silent_after_stop
            self.state = StreamState.SILENT if is_over else StreamState.HOLDING
        position: Array = self._trajectory.sample([self.elapsed])[0][0]
        return position
