"""A pick as a list of timed stages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.planning.candidate import GraspCandidate


class Stage(IntEnum):
    """What the robot does; equal to the constants of dex1b_msgs/msg/ExecutorStatus."""

    UNKNOWN = 0
    IDLE = 1
    PERCEIVE = 2
    PLAN = 3
    SIM_CHECK = 4
    HOME = 5
    PREGRASP = 6
    APPROACH = 7
    CLOSE = 8
    SQUEEZE = 9
    VERIFY = 10
    LIFT = 11
    HOLD = 12
    RETREAT = 13
    STOPPING = 14
    STOPPED = 15
    PAUSED = 16
    ARTICULATE = 17


@dataclass(frozen=True)
class PickStage:
    """One step of a pick; arm and hand move at the same time.

    Attributes:
        stage: Which step.
        arm: Arm motion, or None when the arm rests.
        hand: Hand motion, or None when the hand keeps its command.
        settle: Seconds to wait afterwards.
    """

    stage: Stage
    arm: JointTrajectory | None = None
    hand: JointTrajectory | None = None
    settle: float = 0.0

    @property
    def duration(self) -> float:
        """Seconds that the stage takes when nothing is late."""
        return max((m.duration for m in (self.arm, self.hand) if m is not None), default=0.0) + (
            self.settle
        )


class StagedPlan:
    """What plans have in common whose `stages` are carried out one after the other."""

    candidate: GraspCandidate
    stages: tuple[PickStage, ...]

    @property
    def duration(self) -> float:
        """Seconds that it takes when nothing is late."""
        return sum(stage.duration for stage in self.stages)

    def stage(self, stage: Stage) -> PickStage:
        """The first step of that name.

        Raises:
            KeyError: the plan has no such step.
        """
        for item in self.stages:
            if item.stage is stage:
                return item
        raise KeyError(stage.name)


@dataclass(frozen=True)
class PickPlan(StagedPlan):
    """A complete, collision-free pick.

    Attributes:
        candidate: The grasp, with its reachability.
        stages: PREGRASP, APPROACH, CLOSE, SQUEEZE, VERIFY (a small lift), LIFT.
        lift_height: Planned height [m]; smaller than asked where the arm cannot follow.
        planning_seconds: Wall-clock time that planning took.
    """

    candidate: GraspCandidate
    stages: tuple[PickStage, ...]
    lift_height: float
    planning_seconds: float
