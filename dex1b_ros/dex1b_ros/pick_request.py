"""What an execute_grasp goal asks for, checked and completed with the executor's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import ExecutionSettings
from dex1b_core.execution.articulation_limits import ArticulationLimits
from dex1b_core.motion import MotionSettings, Stage
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import GraspCandidate
from dex1b_ros import conversions
from dex1b_ros.bounds import MAX_EXECUTED, MAX_HOLD_S, MAX_LIFT_M, require_at_most
from dex1b_ros.moveit_settings import MoveItSettings
from dex1b_ros.node import NodeParameters


class ExecutorParameters(NodeParameters):
    """Parameters of the executor."""

    execute: bool = Field(False, description='may move the robot; false refuses all but dry runs')
    velocity_scaling: float = Field(0.1, ge=0.01, le=1.0, description='when a goal says 0')
    max_velocity_scaling: float = Field(0.5, ge=0.01, le=1.0, description='goals are clamped')
    lift_height: float = Field(0.15, ge=0.02, le=0.5, description='[m] when a goal says 0')
    hold_duration: float = Field(2.0, ge=0.0, le=60.0, description='[s] when a goal says 0')
    retreat: bool = Field(True, description='go back when the hand is empty after closing')
    seed: int = Field(1, ge=0, description='of inverse kinematics and path search')
    max_scene_age: float = Field(120.0, ge=0.1, description="[s] stamp of the goal's scene")
    joint_state_max_age: float = Field(0.25, ge=0.01, description='[s] ROS time')
    joint_state_max_wall_age: float = Field(1.0, ge=0.05, description='[s] wall clock')
    require_safety_monitor: bool = Field(True, description='refuse to move without its OK')
    safety_max_wall_age: float = Field(1.5, ge=0.1, description='[s] silence that is a stop')
    controller_timeout: float = Field(10.0, ge=0.1, description='[s] wall clock, discovery')
    client_lease: float = Field(
        2.0, ge=0.5, description='[s] wall clock, silence of a client that had a heartbeat'
    )
    stop_on_client_loss: bool = Field(True, description="stop when the goal's client is gone")
    motion: MotionSettings = MotionSettings()
    motion_backend: Literal['dex1b', 'moveit'] = Field(
        'dex1b', description='who finds the way to the grasp; moveit needs a move_group'
    )
    moveit: MoveItSettings = MoveItSettings()
    tolerances: ExecutionSettings = ExecutionSettings()
    articulation: ArticulationLimits = ArticulationLimits()


@dataclass(frozen=True)
class PickRequest:
    """A goal, checked and completed with parameters.

    Attributes:
        candidates: Best first.
        observation: Scene to plan in.
        stop_after: Stage after which to end; UNKNOWN = run to the end.
        velocity_scaling: Of the arm.
        lift_height: [m].
        hold_duration: [s] robot time.
        retreat: Go back when the hand turns out to be empty.
    """

    candidates: tuple[GraspCandidate, ...]
    observation: ObjectObservation
    dry_run: bool
    stop_after: Stage
    velocity_scaling: float
    lift_height: float
    hold_duration: float
    retreat: bool
    seed: int


def pick_request(goal: Any, params: ExecutorParameters, *, frame: str, now: float) -> PickRequest:
    """Check a goal message.

    Args:
        goal: ExecuteGrasp.Goal.
        params: Defaults and limits.
        frame: The planning frame, in which the scene must be.
        now: ROS time [s].

    Raises:
        Dex1bError: INVALID_REQUEST, STALE_DEPTH, NO_CANDIDATES, or what the scene lacks.
    """
    check_goal_scene(goal, params, frame=frame, now=now)
    names = {int(stage): stage.name for stage in Stage}
    if goal.stop_after not in names:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'stop_after is {goal.stop_after}; expected one of {names}'
        )
    return PickRequest(
        candidates=tuple(conversions.candidate(c) for c in goal.candidates),
        observation=conversions.observation(goal.scene),
        dry_run=goal.dry_run,
        stop_after=Stage(goal.stop_after),
        velocity_scaling=min(
            number(goal, 'velocity_scaling', 1.0) or params.velocity_scaling,
            params.max_velocity_scaling,
        ),
        lift_height=number(goal, 'lift_height', MAX_LIFT_M) or params.lift_height,
        hold_duration=number(goal, 'hold_duration', MAX_HOLD_S) or params.hold_duration,
        retreat=params.retreat,
        seed=params.seed,
    )


def check_goal_scene(goal: Any, params: ExecutorParameters, *, frame: str, now: float) -> None:
    """Refuse a goal without candidates, or with a scene that is old or in another frame.

    Raises:
        Dex1bError: INVALID_REQUEST, STALE_DEPTH or NO_CANDIDATES.
    """
    if goal.scene.header.frame_id != frame:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"the scene is in frame '{goal.scene.header.frame_id}'; expected '{frame}'",
        )
    age = now - conversions.seconds(goal.scene.header.stamp)
    if age > params.max_scene_age:
        raise Dex1bError(
            ErrorCode.STALE_DEPTH,
            f'the scene is {age:.0f} s old; {params.max_scene_age:.0f} s are allowed: look again',
        )
    if not goal.candidates:
        raise Dex1bError(ErrorCode.NO_CANDIDATES, 'the goal holds no candidate')
    require_at_most(len(goal.candidates), MAX_EXECUTED, 'candidates in the goal')


def number(goal: Any, name: str, most: float) -> float:
    """A field of a goal, 0 to `most`.

    Raises:
        Dex1bError: INVALID_REQUEST.
    """
    value = float(getattr(goal, name))
    if not 0.0 <= value <= most:  # NaN is neither
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{name} is {value}; expected 0 (the parameter) to {most:g}',
        )
    return value
