"""In which order candidates are tried, so that at any moment the best are known best."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from dex1b_core.planning import SimCheck
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial, TrialResult, verdict


@dataclass
class _Progress:
    """Trials of one candidate: how many were handed out, what came back by trial index."""

    started: int = 0
    results: dict[int, TrialResult | None] = field(default_factory=dict)


class CheckSchedule:
    """Hands out trials, breadth first.

    Each candidate gets the unperturbed trial, in order; those that pass it get the others. With
    `enough` set, unperturbed trials stop while that many candidates are still in the race, and
    go on when some of them fail.
    """

    def __init__(
        self, count: int, trials: tuple[Trial, ...], settings: CheckSettings, *, enough: int = 0
    ) -> None:
        self._candidates = [_Progress() for _ in range(count)]
        self._trials = trials
        self._settings = settings
        self._enough = enough
        self._allowed = (len(trials) - 1) - math.ceil(
            settings.pass_fraction * (len(trials) - 1) - 1e-9
        )

    @property
    def done(self) -> int:
        """Candidates whose verdict is final."""
        return sum(self._is_out(c) or self._is_complete(c) for c in self._candidates)

    @property
    def passed(self) -> int:
        """Candidates that passed all they had to."""
        return sum(self._is_complete(c) and not self._is_out(c) for c in self._candidates)

    @property
    def satisfied(self) -> bool:
        """Whether enough passed."""
        return 0 < self._enough <= self.passed

    def next(self) -> tuple[int, int, Trial] | None:
        """Candidate index, trial index, trial; None when there is nothing to hand out now."""
        if self.satisfied:
            return None
        new = next((i for i, c in enumerate(self._candidates) if c.started == 0), None)
        racing = sum(c.started > 0 and not self._is_out(c) for c in self._candidates)
        if new is not None and (self._enough == 0 or racing < self._enough):
            return self._hand_out(new)
        open_ones = [
            (c.started, i)
            for i, c in enumerate(self._candidates)
            if 0 in c.results and not self._is_out(c) and c.started < len(self._trials)
        ]
        if open_ones:
            return self._hand_out(min(open_ones)[1])
        # rather try a spare candidate than leave a core idle
        return None if new is None else self._hand_out(new)

    def put(self, candidate: int, trial: int, result: TrialResult | None) -> None:
        """Enter a result; None for a trial that broke its worker."""
        self._candidates[candidate].results[trial] = result

    def verdict(self, candidate: int) -> SimCheck:
        """On the trials that came back; NOT_RUN if the unperturbed one did not."""
        results = self._candidates[candidate].results
        if 0 not in results:
            return SimCheck()
        return verdict([results[i] for i in sorted(results)], self._settings)

    def _hand_out(self, index: int) -> tuple[int, int, Trial]:
        progress = self._candidates[index]
        trial = progress.started
        progress.started += 1
        return index, trial, self._trials[trial]

    def _is_complete(self, progress: _Progress) -> bool:
        return len(progress.results) == len(self._trials)

    def _is_out(self, progress: _Progress) -> bool:
        """Whether it can no longer pass."""
        held = {i: result is not None and result.held for i, result in progress.results.items()}
        lost = sum(not ok for i, ok in held.items() if i > 0)
        return not held.get(0, True) or lost > self._allowed
