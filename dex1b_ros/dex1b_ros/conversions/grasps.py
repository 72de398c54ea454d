"""Candidates, why others were rejected, and how long stages took."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    Reachability,
    ReachResult,
    Rejection,
    SimCheck,
)
from dex1b_msgs import msg
from dex1b_ros.bounds import MAX_JOINTS, require_at_most
from dex1b_ros.conversions.geometry import duration_msg, pose, pose_msg, vector, vector_msg

Constant = TypeVar('Constant', bound=IntEnum)


def candidate_msg(candidate: GraspCandidate, wrist_frame: str, header: Header) -> Any:
    """Candidate to message."""
    check, reach = candidate.sim_check, candidate.reachability
    return msg.GraspCandidate(
        header=header,
        id=candidate.id,
        hand=candidate.hand,
        wrist_frame=wrist_frame,
        wrist_pose=pose_msg(candidate.planning_T_wrist),
        approach=vector_msg(candidate.approach),
        approach_distance=float(candidate.approach_distance),
        joint_names=list(candidate.joint_names),
        pregrasp_positions=candidate.pregrasp.tolist(),
        grasp_positions=candidate.grasp.tolist(),
        squeeze_positions=candidate.squeeze.tolist(),
        score=float(candidate.score),
        generator_score=float(candidate.generator_score),
        sim_check=msg.SimCheck(
            result=int(check.result),
            reason=int(check.reason),
            lift_height=float(check.lift_height),
            slip=float(check.slip),
            rotation=float(check.rotation),
            max_penetration=float(check.max_penetration),
            fingers_in_contact=int(check.fingers_in_contact),
            trials=int(check.trials),
            successes=int(check.successes),
        ),
        reachability=msg.Reachability(
            result=int(reach.result),
            joint_names=list(reach.joint_names),
            ik_positions=reach.positions.tolist(),
            min_joint_margin=float(reach.min_joint_margin),
            manipulability=float(reach.manipulability),
        ),
    )


def candidate(message: msg.GraspCandidate) -> GraspCandidate:
    """Message to candidate.

    Raises:
        Dex1bError: INVALID_REQUEST when names and postures differ in length or are not finite.
    """
    count = len(message.joint_names)
    require_at_most(count, MAX_JOINTS, f"joints of candidate '{message.id}'")
    postures = {
        'pregrasp_positions': np.array(message.pregrasp_positions, dtype=float),
        'grasp_positions': np.array(message.grasp_positions, dtype=float),
        'squeeze_positions': np.array(message.squeeze_positions, dtype=float),
    }
    for name, values in postures.items():
        if len(values) != count or not np.isfinite(values).all():
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"candidate '{message.id}': {name} has {len(values)} values for {count} joint "
                'names; expected as many, all finite',
            )
    check, reach = message.sim_check, message.reachability
    where = f"candidate '{message.id}'"
    return GraspCandidate(
        hand=message.hand,
        planning_T_wrist=pose(message.wrist_pose),
        joint_names=tuple(message.joint_names),
        pregrasp=postures['pregrasp_positions'],
        grasp=postures['grasp_positions'],
        squeeze=postures['squeeze_positions'],
        approach=vector(message.approach),
        approach_distance=float(message.approach_distance),
        score=float(message.score),
        generator_score=float(message.generator_score),
        id=message.id,
        sim_check=SimCheck(
            _known(CheckResult, check.result, where), _known(FailureReason, check.reason, where),
            check.lift_height,
            check.slip, check.rotation, check.max_penetration, check.fingers_in_contact,
            check.trials, check.successes,
        ),
        reachability=Reachability(
            _known(ReachResult, reach.result, where), tuple(reach.joint_names),
            np.array(reach.ik_positions, dtype=float), reach.min_joint_margin,
            reach.manipulability,
        ),
    )  # fmt: skip


def _known(kind: type[Constant], value: int, where: str) -> Constant:
    """A message's constant.

    Raises:
        Dex1bError: INVALID_REQUEST for one that this version does not have.
    """
    try:
        return kind(value)
    except ValueError:
        names = ', '.join(f'{item.name}={int(item)}' for item in kind)
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{where}: {kind.__name__} is {value}; expected one of {names}',
        ) from None


def rejection_msg(rejection: Rejection) -> msg.Rejection:
    """Rejection to message."""
    return msg.Rejection(
        code=int(rejection.code), stage=rejection.stage, count=rejection.count,
        example=rejection.example,
    )  # fmt: skip


def rejection(message: msg.Rejection) -> Rejection:
    """Message to rejection."""
    return Rejection(
        _known(ErrorCode, message.code, 'rejection'), message.stage, message.count, message.example
    )


def timing_msg(stage: str, elapsed_s: float) -> msg.StageTiming:
    """Stage and wall-clock seconds to message."""
    return msg.StageTiming(stage=stage, duration=duration_msg(elapsed_s))
