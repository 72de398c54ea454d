"""What an execute_articulation goal asks for, checked and completed with parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.articulation_limits import ArticulationLimits
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import GraspCandidate
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_ros import conversions
from dex1b_ros.articulation_conversions import joint as joint_of
from dex1b_ros.pick_request import ExecutorParameters, check_goal_scene, number

MAX_FORCE_N = 500.0


@dataclass(frozen=True)
class ArticulationRequest:
    """A goal, checked and completed with parameters.

    Attributes:
        candidates: Best first.
        observation: Of which `points` are the moving part.
        joint: Planning frame; its position is 0 now.
        displacement: [rad or m].
        limits: Of force and tracking.
        velocity_scaling: Of the arm.
    """

    candidates: tuple[GraspCandidate, ...]
    observation: ObjectObservation
    joint: ObjectJoint
    displacement: float
    limits: ArticulationLimits
    dry_run: bool
    velocity_scaling: float
    seed: int


def articulation_request(
    goal: Any, params: ExecutorParameters, *, frame: str, now: float
) -> ArticulationRequest:
    """Check a goal message.

    Args:
        goal: ExecuteArticulation.Goal.
        params: Defaults and limits.
        frame: The planning frame, in which scene and model must be.
        now: ROS time [s].

    Raises:
        Dex1bError: INVALID_REQUEST, STALE_DEPTH, NO_CANDIDATES, or what the scene lacks.
    """
    check_goal_scene(goal, params, frame=frame, now=now)
    if goal.model.header.frame_id != frame:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"the model is in frame '{goal.model.header.frame_id}'; expected '{frame}'",
        )
    joint = joint_of(goal.model, np.eye(4))
    if not 0.0 < goal.displacement <= joint.upper + 1e-6:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'displacement {goal.displacement}; expected more than 0 and at most {joint.upper:.4f},'
            ' what the joint has left',
        )
    force = number(goal, 'max_force', MAX_FORCE_N) or params.articulation.max_force
    return ArticulationRequest(
        candidates=tuple(conversions.candidate(c) for c in goal.candidates),
        observation=conversions.observation(goal.scene),
        joint=joint,
        displacement=float(goal.displacement),
        limits=params.articulation.model_copy(update={'max_force': force}),
        dry_run=goal.dry_run,
        velocity_scaling=min(
            number(goal, 'velocity_scaling', 1.0) or params.velocity_scaling,
            params.max_velocity_scaling,
        ),
        seed=params.seed,
    )
