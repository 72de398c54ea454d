"""What the execution of a pick needs from a robot; a node or a test provides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.trajectory import JointTrajectory

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Joint state, in the order that was asked for.

    Attributes:
        positions: (J,) [rad].
        velocities: (J,) [rad/s]; NaN where not measured.
        efforts: (J,) [N m]; NaN where not measured.
        age: Of the oldest of them, in robot time [s].
    """

    positions: Array
    velocities: Array
    efforts: Array
    age: float = 0.0


class Motion(Protocol):
    """A trajectory that a controller is following."""

    def elapsed(self) -> float:
        """Robot time since it began [s]."""

    def finished(self) -> bool:
        """Whether the controller has reported an end, good or bad."""

    def failure(self) -> str:
        """What the controller reported, or '' for success and while it moves."""


class RobotPort(Protocol):
    """A robot with an arm and a hand."""

    def now(self) -> float:
        """Robot time [s]; stands still when a simulation stands still."""

    def measure(self, names: tuple[str, ...]) -> Measured:
        """Latest joint state.

        Raises:
            Dex1bError: PRECONDITION when it is too old or joints are missing.
        """

    def send(self, trajectory: JointTrajectory) -> Motion:
        """Give a trajectory to the controller of its joints.

        Raises:
            Dex1bError: CONTROLLER_UNAVAILABLE or GOAL_REJECTED.
        """

    def stop_arm(self) -> None:
        """Bring the arm to rest along its path; the hand keeps its command."""

    def check(self) -> None:
        """Raise when the execution must end.

        Raises:
            Dex1bError: CANCELED, PREEMPTED, SAFETY_STOP or PRECONDITION.
        """

    def paused(self) -> bool:
        """Whether somebody wants the arm to rest for a while."""

    def pause(self, seconds: float) -> None:
        """Let wall-clock time pass."""
