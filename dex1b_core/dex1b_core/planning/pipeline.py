"""From an observation to ranked, reachable, physics-checked grasps with a planned motion."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import CheckResult, GraspCandidate, ReachResult
from dex1b_core.planning.rejection import Rejection, merge_rejections

REACH_CODES = {
    ReachResult.NO_IK: ErrorCode.NO_IK,
    ReachResult.IK_IN_COLLISION: ErrorCode.SCENE_COLLISION,
    ReachResult.NO_PATH: ErrorCode.NO_PATH,
    ReachResult.OUT_OF_WORKSPACE: ErrorCode.OUT_OF_WORKSPACE,
    ReachResult.JOINT_MARGIN: ErrorCode.JOINT_MARGIN,
}

CHECK_BASE = 310
"""CHECK_ error codes are this plus the FailureReason."""


class PlanningStages(Protocol):
    """What the pipeline calls; each stage may live in another process."""

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> tuple[tuple[GraspCandidate, ...], tuple[Rejection, ...]]:
        """Propose candidates, best first."""

    def reach(
        self, candidates: Sequence[GraspCandidate], observation: ObjectObservation, *, seed: int
    ) -> tuple[GraspCandidate, ...]:
        """Fill in `reachability`, same order."""

    def check(
        self,
        candidates: Sequence[GraspCandidate],
        observation: ObjectObservation,
        *,
        seed: int,
        enough: int,
        time_budget_s: float,
    ) -> tuple[GraspCandidate, ...]:
        """Fill in `sim_check` and `score`, same order."""

    def plan_motion(
        self, candidate: GraspCandidate, observation: ObjectObservation, *, seed: int
    ) -> Any:
        """Plan the whole pick; raises Dex1bError when there is none."""


@dataclass(frozen=True)
class PlanOptions:
    """How much to plan.

    Attributes:
        proposals: Candidates asked of the generator.
        max_checked: Reachable candidates that go to physics.
        enough: Physics stops after this many passed.
        max_candidates: Grasps returned.
        time_budget_s: Wall-clock seconds for everything.
        attempts: Runs with other draws, while nothing survives and the budget has room for one.
    """

    proposals: int = 64
    max_checked: int = 32
    enough: int = 8
    max_candidates: int = 4
    time_budget_s: float = 60.0
    attempts: int = 1
    skip_sim_check: bool = False


@dataclass(frozen=True)
class GraspPlan:
    """What the pipeline found.

    Attributes:
        candidates: With a planned motion, best first.
        rejected: The others that had a verdict, for display.
        motion: Planned pick of the best candidate.
        timings: (stage, wall-clock seconds).
    """

    seed: int
    candidates: tuple[GraspCandidate, ...]
    rejected: tuple[GraspCandidate, ...]
    rejections: tuple[Rejection, ...]
    motion: Any
    timings: tuple[tuple[str, float], ...]
    proposed: int


class PlanningError(Dex1bError):
    """No grasp survived; carries what is known about those that did not."""

    def __init__(self, code: ErrorCode, message: str, plan: GraspPlan) -> None:
        super().__init__(code, message)
        self.plan = plan


class GraspPlanner:
    """One planning run: generate, reach, check, motion, in that order.

    Reach comes before physics, since an IK query costs a hundredth of a simulated trial.
    """

    def __init__(
        self,
        stages: PlanningStages,
        options: PlanOptions,
        *,
        on_stage: Callable[[str], None] = lambda stage: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stages = stages
        self._options = options
        self._on_stage = on_stage
        self._cancelled = cancelled
        self._rejections: list[Rejection] = []
        self._rejected: list[GraspCandidate] = []
        self._timings: list[tuple[str, float]] = []
        self._proposed = 0

    def plan(self, observation: ObjectObservation, *, seed: int) -> GraspPlan:
        """Plan for one observed object.

        Raises:
            PlanningError: nothing survived a stage, in the last attempt.
            Dex1bError: a stage failed as a whole, or CANCELED.
        """
        begin = time.monotonic()
        self._seed, self._deadline = seed, begin + self._options.time_budget_s
        for attempt in range(1, self._options.attempts):
            try:
                return self._attempt(observation, seed + attempt - 1)
            except PlanningError:
                mean = (time.monotonic() - begin) / attempt
                if time.monotonic() + mean > self._deadline:
                    raise
        return self._attempt(observation, seed + self._options.attempts - 1)

    def _attempt(self, observation: ObjectObservation, seed: int) -> GraspPlan:
        candidates = self._timed('generate', self._generate, observation, seed)
        candidates = self._timed('reach', self._reach, candidates, observation, seed)
        if not self._options.skip_sim_check:
            candidates = self._timed('check', self._check, candidates, observation, seed)
        chosen, motion = self._timed('motion', self._motion, candidates, observation, seed)
        return self._result(chosen, motion)

    def _timed(self, stage: str, work: Callable[..., Any], *arguments: Any) -> Any:
        if self._cancelled():
            raise Dex1bError(ErrorCode.CANCELED, f'canceled before stage {stage}')
        self._on_stage(stage)
        start = time.monotonic()
        try:
            return work(*arguments)
        finally:
            self._timings.append((stage, time.monotonic() - start))

    def _result(self, candidates: tuple[GraspCandidate, ...] = (), motion: Any = None) -> GraspPlan:
        return GraspPlan(
            seed=self._seed,
            candidates=candidates,
            rejected=tuple(self._rejected),
            rejections=merge_rejections(self._rejections),
            motion=motion,
            timings=tuple(self._timings),
            proposed=self._proposed,
        )

    def _failed(self, code: ErrorCode, message: str) -> PlanningError:
        plan = self._result()
        reasons = ', '.join(f'{r.count} x {r.code.name} ({r.stage})' for r in plan.rejections[:4])
        return PlanningError(code, f'{message}; rejections: {reasons or "none"}', plan)

    def _generate(self, observation: ObjectObservation, seed: int) -> tuple[GraspCandidate, ...]:
        candidates, rejections = self._stages.generate(
            observation, count=self._options.proposals, seed=seed
        )
        self._proposed += len(candidates)
        self._rejections += rejections
        if not candidates:
            raise self._failed(
                ErrorCode.NO_CANDIDATES, 'the generator proposed no grasp for this object'
            )
        return candidates

    def _reach(
        self, candidates: Sequence[GraspCandidate], observation: ObjectObservation, seed: int
    ) -> tuple[GraspCandidate, ...]:
        judged = self._stages.reach(candidates, observation, seed=seed)
        reached = tuple(c for c in judged if c.reachability.result == ReachResult.REACHABLE)
        dropped = [c for c in judged if c.reachability.result != ReachResult.REACHABLE]
        self._rejected += dropped
        for result, count in Counter(c.reachability.result for c in dropped).items():
            code = REACH_CODES.get(result, ErrorCode.UNKNOWN)
            example = f'{count} of {len(judged)} candidates: {result.name}'
            self._rejections.append(Rejection(code, 'reach', count, example))
        if not reached:
            raise self._failed(
                ErrorCode.NO_IK,
                f'the arm reaches none of {len(judged)} candidates; move the object into its '
                'workspace or allow other approach directions',
            )  # fmt: skip
        return reached

    def _check(
        self, candidates: Sequence[GraspCandidate], observation: ObjectObservation, seed: int
    ) -> tuple[GraspCandidate, ...]:
        options = self._options
        checked = self._stages.check(
            candidates[: options.max_checked],
            observation,
            seed=seed,
            enough=options.enough,
            # motion planning needs a share of what is left
            time_budget_s=max(1.0, 0.8 * (self._deadline - time.monotonic())),
        )
        passed = [c for c in checked if c.sim_check.result == CheckResult.PASSED]
        failed = [
            c for c in checked if c.sim_check.result in (CheckResult.FAILED, CheckResult.ERROR)
        ]
        self._rejected += failed
        for reason, count in Counter(c.sim_check.reason for c in failed).items():
            example = f'{count} of {len(checked)} candidates: {reason.name}'
            code = ErrorCode(CHECK_BASE + reason)
            self._rejections.append(Rejection(code, 'check', count, example))
        if not passed:
            raise self._failed(
                ErrorCode.ALL_FAILED,
                f'physics held none of {len(checked)} candidates; try another seed or view',
            )  # fmt: skip
        return tuple(sorted(passed, key=lambda c: -c.score))

    def _motion(
        self, candidates: Sequence[GraspCandidate], observation: ObjectObservation, seed: int
    ) -> tuple[tuple[GraspCandidate, ...], Any]:
        chosen: list[GraspCandidate] = []
        best_motion: Any = None
        for candidate in candidates:
            if len(chosen) == self._options.max_candidates:
                break
            if chosen and time.monotonic() > self._deadline:
                break
            if self._cancelled():
                raise Dex1bError(ErrorCode.CANCELED, 'canceled while planning motion')
            try:
                motion = self._stages.plan_motion(candidate, observation, seed=seed)
            except Dex1bError as error:
                self._rejections.append(Rejection(error.error_code, 'motion', 1, error.message))
                reach = replace(candidate.reachability, result=ReachResult.NO_PATH)
                self._rejected.append(replace(candidate, reachability=reach))
                continue
            best_motion = motion if best_motion is None else best_motion
            chosen.append(candidate)
        if not chosen:
            raise self._failed(
                ErrorCode.NO_PATH, f'no collision-free pick for {len(candidates)} candidates'
            )
        return tuple(chosen), best_motion


def with_ids(candidates: Sequence[GraspCandidate], plan_id: str) -> tuple[GraspCandidate, ...]:
    """Name candidates '<plan_id>/<rank>'."""
    return tuple(replace(c, id=f'{plan_id}/{rank}') for rank, c in enumerate(candidates))
