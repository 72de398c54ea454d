"""What leading a part may take, how the hand gives way to it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dex1b_core.config import StrictModel
from dex1b_core.motion.giving_way import GivingWay
from dex1b_core.motion.trajectory import JointTrajectory

Array = NDArray[np.float64]
HandForce = Callable[[Array, Array], float]


class Compliance(Protocol):
    """Of a hand that leads a part; positions (A,) of the arm [rad], efforts (A,) [N m]."""

    def bearing(
        self, trajectory: JointTrajectory, elapsed: float, positions: Array, efforts: Array
    ) -> float:
        """Force of the hand but for what opens the part [N], on its way at a path time [s]."""

    def left(self, trajectory: JointTrajectory, elapsed: float) -> float:
        """Straight from a path time [s] to the end of the hand's way [m]."""

    def moved_to(self, trajectory: JointTrajectory, positions: Array) -> JointTrajectory:
        """The same way of the hand, but from where the arm is.

        Raises:
            Dex1bError: NO_PATH or LIMITS when the arm cannot.
        """

    def give_way(
        self, trajectory: JointTrajectory, positions: Array, efforts: Array, softer: int = 0
    ) -> GivingWay:
        """Where it bears less; the trajectory begins where the arm rests.

        `softer` is how many steps have changed the force by little.

        Raises:
            Dex1bError: NO_PATH or LIMITS when the arm cannot.
        """


class ArticulationLimits(StrictModel):
    """What leading a part may take."""

    max_force: float = Field(
        100.0, gt=0, le=500, description='of the hand while it approaches and while it leads [N]'
    )
    force_time: float = Field(
        0.1, ge=0, description='so long a force may be larger before the arm stops [s]'
    )
    yield_force: float = Field(
        50.0,
        gt=0,
        le=500,
        description='of the hand, to which it gives way; ends an approach [N]',
    )
    most_shift: float = Field(
        0.015, ge=0, le=0.05, description='by which it gives way in all, across its motion [m]'
    )
    grip_error: float = Field(
        0.005, gt=0, description='command to position of a finger that touches the part [rad]'
    )
    tracking_tolerance: float = Field(
        0.1, gt=0, description='arm to its trajectory meanwhile [rad]'
    )


@dataclass
class Lead:
    """How far a part was led, and with what force.

    Attributes:
        share: Of the commanded way that was executed, 0 to 1.
        max_force: Largest force of the hand [N]; NaN where efforts are not measured.
        shift: By which the hand gave way, all times together [m].
        rests: How often the arm came to rest on its way for that.
    """

    share: float = 0.0
    max_force: float = float('nan')
    shift: float = 0.0
    rests: int = 0
