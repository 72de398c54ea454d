"""What one trial of the physics check is, and how trials add up to a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dex1b_core.planning import CheckResult, FailureReason, GraspCandidate, SimCheck
from dex1b_core.simulation.check_settings import CheckSettings

REASON_TEXTS = {
    FailureReason.UNKNOWN: 'no reason known',
    FailureReason.NONE: 'held',
    FailureReason.INITIAL_PENETRATION: 'the open hand runs into the object',
    FailureReason.MISSED: 'no finger reaches the object',
    FailureReason.SLIPPED: 'the object slips out of the hand while lifted',
    FailureReason.DROPPED: 'the object falls out of the hand',
    FailureReason.ROTATED: 'the object turns in the hand',
    FailureReason.TABLE_HIT: 'the hand runs into the support',
    FailureReason.TOO_FEW_FINGERS: 'not the thumb and one more finger touch the object',
    FailureReason.UNSTABLE: 'the simulation broke down',
    FailureReason.UNREACHABLE: 'the arm cannot carry the hand along',
}
VERTICAL_NOISE = 0.5  # heights above the support plane are known better than the rest


@dataclass(frozen=True)
class Trial:
    """One simulated world.

    Attributes:
        shape: Index into the observation's shapes.
        shift: (x, y, z) of the object relative to where it was seen [m], support frame.
        yaw: Of the object about its centre [rad].
        friction: Coefficient between hand and object.
        mass_scale: Factor on the mass.
    """

    shape: int = 0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    friction: float = 1.0
    mass_scale: float = 1.0


@dataclass(frozen=True)
class TrialResult:
    """What one trial came to; the numbers are those of SimCheck.

    Attributes:
        reason: NONE where the object was held.
    """

    reason: FailureReason
    lift_height: float = 0.0
    slip: float = 0.0
    rotation: float = 0.0
    max_penetration: float = 0.0
    fingers_in_contact: int = 0

    @property
    def held(self) -> bool:
        """Whether the object was lifted and kept."""
        return self.reason is FailureReason.NONE


def draw_trials(settings: CheckSettings, *, shapes: int, seed: int) -> tuple[Trial, ...]:
    """The trials of every candidate: the first as seen, the others perturbed.

    All candidates face the same perturbations, so that their counts compare. The shapes take
    turns, the most trusted first.
    """
    rng = np.random.default_rng(seed)
    noise = settings.position_noise * np.array([1.0, 1.0, VERTICAL_NOISE])
    trials = [Trial(friction=settings.friction)]
    for index in range(1, settings.trials):
        shift = rng.uniform(-noise, noise)
        low, high = settings.mass_scale_range
        trials.append(
            Trial(
                shape=index % shapes,
                shift=(float(shift[0]), float(shift[1]), float(shift[2])),
                yaw=float(rng.uniform(-settings.yaw_noise, settings.yaw_noise)),
                friction=float(rng.uniform(*settings.friction_range)),
                mass_scale=math.exp(rng.uniform(math.log(low), math.log(high))),
            )
        )
    return tuple(trials)


def verdict(results: Sequence[TrialResult | None], settings: CheckSettings) -> SimCheck:
    """Add up the trials of one candidate, in order; None is a trial that broke its worker.

    Numbers are the first trial's. Passed means that the first trial held and of the others at
    least `pass_fraction`.
    """
    if not results:
        return SimCheck()
    first = results[0]
    held = sum(result is not None and result.held for result in results)
    counts = SimCheck(trials=len(results), successes=held)
    if first is None:
        return replace(counts, result=CheckResult.ERROR, reason=FailureReason.UNSTABLE)
    others, others_held = len(results) - 1, held - first.held
    passed = first.held and others_held >= settings.pass_fraction * others
    failures = [result.reason for result in results if result is not None and not result.held]
    reason = failures[0] if failures else FailureReason.UNSTABLE
    return replace(
        counts,
        result=CheckResult.PASSED if passed else CheckResult.FAILED,
        reason=FailureReason.NONE if passed else reason,
        lift_height=first.lift_height,
        slip=first.slip,
        rotation=first.rotation,
        max_penetration=first.max_penetration,
        fingers_in_contact=first.fingers_in_contact,
    )


def judged(candidate: GraspCandidate, check: SimCheck) -> GraspCandidate:
    """The candidate with its verdict, and the score that follows from it.

    The share of held trials counts first, drawn towards one half where trials are few; the
    generator's own value only orders candidates that are equal in it.
    """
    if check.result is CheckResult.NOT_RUN:
        return replace(candidate, sim_check=check)
    share = (check.successes + 1) / (check.trials + 2)
    own = candidate.generator_score
    tie_break = 0.0 if math.isnan(own) else 0.02 * math.tanh(own)
    if check.result is not CheckResult.PASSED:
        share *= 0.5
    return replace(candidate, sim_check=check, score=share + tie_break)
