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

    Verdicts do not depend on the order in which results come: the first `enough` in rank that
    pass count, and of each candidate the trials up to the one that decides. What idle cores found
    out beyond that is forgotten. Only a deadline makes a difference.
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
        """Whether the first `enough` in rank that pass are known."""
        return self._last is not None

    @property
    def _last(self) -> int | None:
        """Rank of the last candidate that counts; None while it is not known."""
        passed = 0
        for rank, candidate in enumerate(self._candidates):
            deciding = self._deciding(candidate)
            if deciding is None:
                return None
            passed += not self._is_lost(deciding)
            if 0 < self._enough <= passed:
                return rank
        return None

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
        """On the trials that came back; NOT_RUN without the unperturbed one, or if not needed."""
        progress, last = self._candidates[candidate], self._last
        if 0 not in progress.results or (last is not None and candidate > last):
            return SimCheck()
        deciding = self._deciding(progress)
        if deciding is None:
            deciding = [progress.results[i] for i in sorted(progress.results)]
        return verdict(deciding, self._settings)

    def _hand_out(self, index: int) -> tuple[int, int, Trial]:
        progress = self._candidates[index]
        trial = progress.started
        progress.started += 1
        return index, trial, self._trials[trial]

    def _is_complete(self, progress: _Progress) -> bool:
        return len(progress.results) == len(self._trials)

    def _is_out(self, progress: _Progress) -> bool:
        """Whether it can no longer pass."""
        first = progress.results.get(0)
        others = [result for trial, result in progress.results.items() if trial > 0]
        lost_first = 0 in progress.results and not _held(first)
        return lost_first or sum(not _held(result) for result in others) > self._allowed

    def _deciding(self, progress: _Progress) -> list[TrialResult | None] | None:
        """Results in order up to the one that decides; None while they do not."""
        prefix: list[TrialResult | None] = []
        for trial in range(len(self._trials)):
            if trial not in progress.results:
                return None
            prefix.append(progress.results[trial])
            if self._is_lost(prefix):
                return prefix
        return prefix

    def _is_lost(self, prefix: list[TrialResult | None]) -> bool:
        lost = sum(not _held(result) for result in prefix[1:])
        return not _held(prefix[0]) or lost > self._allowed


def _held(result: TrialResult | None) -> bool:
    return result is not None and result.held
