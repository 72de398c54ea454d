"""A dexterous grasp and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class CheckResult(IntEnum):
    """Outcome of the physics check."""

    NOT_RUN = 0
    PASSED = 1
    FAILED = 2
    ERROR = 3


class FailureReason(IntEnum):
    """Why the physics check failed; equal to the REASON_ constants of dex1b_msgs/msg/SimCheck."""

    UNKNOWN = 0
    NONE = 1
    INITIAL_PENETRATION = 2
    MISSED = 3
    SLIPPED = 4
    DROPPED = 5
    ROTATED = 6
    TABLE_HIT = 7
    TOO_FEW_FINGERS = 8
    UNSTABLE = 9
    UNREACHABLE = 10


class ReachResult(IntEnum):
    """Whether the arm can bring the hand there."""

    NOT_RUN = 0
    REACHABLE = 1
    NO_IK = 2
    IK_IN_COLLISION = 3
    NO_PATH = 4
    OUT_OF_WORKSPACE = 5
    JOINT_MARGIN = 6


@dataclass(frozen=True)
class SimCheck:
    """Verdict of physics on one candidate.

    Attributes:
        lift_height: How far the object rose [m].
        slip: Motion of the object relative to the wrist after closing [m].
        rotation: Rotation of the object relative to the wrist after closing [rad].
        max_penetration: Deepest hand-object overlap at the grasp posture [m].
        fingers_in_contact: Fingers that touch the object at the end.
        trials: Simulated trials (perturbations, shape hypotheses).
        successes: Trials that held.
    """

    result: CheckResult = CheckResult.NOT_RUN
    reason: FailureReason = FailureReason.UNKNOWN
    lift_height: float = 0.0
    slip: float = 0.0
    rotation: float = 0.0
    max_penetration: float = 0.0
    fingers_in_contact: int = 0
    trials: int = 0
    successes: int = 0


@dataclass(frozen=True)
class Reachability:
    """Whether the arm can bring the hand to a candidate.

    Attributes:
        joint_names: Arm joints.
        positions: (A,) arm joint positions at the grasp pose [rad], in the order of the names.
        min_joint_margin: Smallest distance to a joint limit [rad].
        manipulability: Yoshikawa's measure at the grasp pose.
    """

    result: ReachResult = ReachResult.NOT_RUN
    joint_names: tuple[str, ...] = ()
    positions: Array = field(default_factory=lambda: np.zeros(0))
    min_joint_margin: float = 0.0
    manipulability: float = 0.0


@dataclass(frozen=True)
class GraspCandidate:
    """One dexterous grasp: a complete command for one hand.

    Attributes:
        hand: Hand model key, e.g. 'ability_right'.
        planning_T_wrist: (4, 4) pose of the hand's root link at the grasp.
        joint_names: Driven hand joints (J,), shared by the three postures.
        pregrasp: (J,) posture before contact [rad].
        grasp: (J,) posture at contact [rad].
        squeeze: (J,) commanded posture past contact [rad].
        approach: (3,) unit direction of the final approach, planning frame.
        approach_distance: Straight-line stand-off before the grasp pose [m].
        score: Final rank value, higher is better.
        generator_score: The generator's own value; NaN where it gives none.
        id: '<plan_id>/<rank>'; empty before planning assigns it.
    """

    hand: str
    planning_T_wrist: Array
    joint_names: tuple[str, ...]
    pregrasp: Array
    grasp: Array
    squeeze: Array
    approach: Array
    approach_distance: float
    score: float = 0.0
    generator_score: float = float('nan')
    id: str = ''
    sim_check: SimCheck = SimCheck()
    reachability: Reachability = field(default_factory=Reachability)
