"""Colour and words for what is known about a candidate; the same in pictures, RViz and viewer."""

from __future__ import annotations

from dex1b_core.planning import CheckResult, GraspCandidate, ReachResult

Colour = tuple[float, float, float]

GREEN: Colour = (0.16, 0.62, 0.35)
BLUE: Colour = (0.12, 0.47, 0.71)
ORANGE: Colour = (0.90, 0.55, 0.10)
RED: Colour = (0.80, 0.20, 0.20)
GREY: Colour = (0.55, 0.55, 0.55)


def verdict(candidate: GraspCandidate) -> tuple[Colour, str]:
    """Green: held in physics; red: failed there; orange: out of reach; grey: not checked."""
    check, reach = candidate.sim_check, candidate.reachability
    # first, since a grasp that holds may still turn out to have no path
    if reach.result not in (ReachResult.NOT_RUN, ReachResult.REACHABLE):
        return ORANGE, reach.result.name.lower().replace('_', ' ')
    if check.result == CheckResult.PASSED:
        return GREEN, f'held {check.successes}/{check.trials}'
    if check.result in (CheckResult.FAILED, CheckResult.ERROR):
        return RED, check.reason.name.lower().replace('_', ' ')
    return GREY, 'not checked'
