"""What planning servers have in common: options of a request, and what a plan fills in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning.pipeline import GraspPlan, PlanOptions
from dex1b_core.robots import RobotDescription
from dex1b_ros import conversions
from dex1b_ros.bounds import MAX_RETURNED, MAX_TIME_BUDGET_S, require_at_most


def plan_options(params: Any, request: Any = None) -> PlanOptions:
    """How much to plan: by parameters, unless a request says otherwise.

    Raises:
        Dex1bError: INVALID_REQUEST for more than is given.
    """
    options = PlanOptions(
        **{name: getattr(params, name) for name in
           ('proposals', 'max_checked', 'enough', 'max_candidates')},
        time_budget_s=params.time_budget,
        attempts=getattr(params, 'attempts', 1),
    )  # fmt: skip
    if request is None:
        return options
    budget = conversions.seconds(request.time_budget)
    require_at_most(request.max_candidates, MAX_RETURNED, 'candidates asked for')
    require_at_most(budget, MAX_TIME_BUDGET_S, 'seconds of time_budget')
    return replace(
        options,
        max_candidates=request.max_candidates or options.max_candidates,
        time_budget_s=budget or options.time_budget_s,
    )


def require_hand(robot: RobotDescription, hand: str) -> None:
    """Refuse a request for another hand; raises INVALID_REQUEST."""
    if hand not in ('', robot.hand.key):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f"unknown hand '{hand}'; this robot has '{robot.hand.key}'"
        )


def fill_plan(reply: Any, plan: GraspPlan) -> None:
    """Seed, rejections and timings of a reply or result."""
    reply.seed = plan.seed
    reply.rejections = [conversions.rejection_msg(r) for r in plan.rejections]
    reply.timings = [conversions.timing_msg(*timing) for timing in plan.timings]
