"""To which force a hand that leads a part gives way, and how far.

A position-controlled arm follows a joint's model exactly; where model, grasp and part differ by
millimetres, its hand bears on the part. It gives way to that force, but not to what opens the part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.giving_way import GivingWay
from dex1b_core.motion.part_motion import PartMotion
from dex1b_core.motion.trajectory import JointTrajectory

Array = NDArray[np.float64]

STIFF, SOFT = 3e5, 1e4  # [N/m] of a stretched arm on a bone of its hand, and of fingers alone
AHEAD_S = 0.1  # [s] over which the direction of a way is taken
MOST = 0.003  # [m] of one shift


class PartCompliance:
    """See `execution.articulation_execution.Compliance`; at a fraction of the arm's limits."""

    def __init__(self, motion: PartMotion, scaling: float) -> None:
        self._motion, self._scaling = motion, scaling

    def bearing(
        self, trajectory: JointTrajectory, elapsed: float, positions: Array, efforts: Array
    ) -> float:
        """Force of the hand but for what opens the part [N]."""
        force = self._motion.force_vector(positions, efforts)
        return float(np.linalg.norm(bearing_force(force, self.ahead(trajectory, elapsed))))

    def ahead(self, trajectory: JointTrajectory, elapsed: float) -> Array:
        """(3,) unit direction of the hand on its way at a path time [s]; 0 where it rests."""
        later = float(np.clip(elapsed + AHEAD_S, AHEAD_S, trajectory.duration))
        points = trajectory.sample([later - AHEAD_S, later])[0]
        before, after = self._motion.hand_places(points)
        return np.asarray((after - before) / max(float(np.linalg.norm(after - before)), 1e-9))

    def left(self, trajectory: JointTrajectory, elapsed: float) -> float:
        """Straight from a path time [s] to the end of the hand's way [m]."""
        ends = trajectory.sample([elapsed, trajectory.duration])[0]
        begin, end = self._motion.hand_places(ends)
        return float(np.linalg.norm(end - begin))

    def moved_to(self, trajectory: JointTrajectory, positions: Array) -> JointTrajectory:
        """The same way of the hand, but from where the arm is.

        Raises:
            Dex1bError: NO_PATH or LIMITS when the arm cannot.
        """
        here, begin = self._motion.hand_places(np.stack([positions, trajectory.positions[0]]))
        return self._motion.aside(trajectory, here - begin, scaling=self._scaling).rest

    def give_way(
        self, trajectory: JointTrajectory, positions: Array, efforts: Array, softer: int = 0
    ) -> GivingWay:
        """Where it bears less; twice as far each time that a contact has shown to be softer.

        Raises:
            Dex1bError: NO_PATH or LIMITS when the arm cannot.
        """
        force = self._motion.force_vector(positions, efforts)
        away = -bearing_force(force, self.ahead(trajectory, 0.0))
        away = away / max(SOFT, STIFF / 2**softer)
        size = float(np.linalg.norm(away))
        shift = away * min(1.0, MOST / max(size, 1e-12))
        return self._motion.aside(trajectory, shift, scaling=self._scaling)


def bearing_force(force: Array, way: Array) -> Array:
    """(3,) of a force (3,) [N] without what pulls along `way` (3,), a unit vector."""
    return np.asarray(force - max(0.0, float(force @ way)) * way)
