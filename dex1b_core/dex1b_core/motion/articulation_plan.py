"""Opening a part as a list of timed stages."""

from __future__ import annotations

from dataclasses import dataclass

from dex1b_core.motion.plan import PickStage, StagedPlan
from dex1b_core.planning.candidate import GraspCandidate
from dex1b_core.simulation.object_joint import ObjectJoint


@dataclass(frozen=True)
class ArticulationPlan(StagedPlan):
    """A complete motion that grasps a part, leads it along its joint and lets go.

    Attributes:
        candidate: The grasp, with its reachability.
        joint: Of the part, planning frame; at 0 where it is now.
        displacement: By which it is led [rad or m].
        stages: PREGRASP, APPROACH, CLOSE, SQUEEZE, ARTICULATE, RETREAT (open), RETREAT (back).
        planning_seconds: Wall-clock time that planning took.
    """

    candidate: GraspCandidate
    joint: ObjectJoint
    displacement: float
    stages: tuple[PickStage, ...]
    planning_seconds: float
