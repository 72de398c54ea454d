"""How an arm gives way to a part that it leads."""

from __future__ import annotations

from dataclasses import dataclass

from dex1b_core.motion.trajectory import JointTrajectory


@dataclass(frozen=True)
class GivingWay:
    """How an arm gives way.

    Attributes:
        aside: To where the hand bears less.
        rest: From there along the joint, no faster than it was.
        shift: Of the hand [m].
    """

    aside: JointTrajectory
    rest: JointTrajectory
    shift: float
