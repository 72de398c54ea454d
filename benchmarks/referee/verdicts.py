"""What the referee says about many candidates."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.referee.settings import Settings
from benchmarks.referee.trial import BELOW, DIRECTIONS, HELD, Trial

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Verdicts:
    """N candidates, in their order.

    Attributes:
        reason: (N,) 'held', or why not; the first of those that apply.
        directions: (N, 6) held 1, failed 0, not tried -1; order +x -x +y -y +z -z.
        penetration: (N,) hand in object, in the grasp posture [m]; NaN when not measured.
        self_penetration: (N,) hand in itself, in the grasp posture [m].
        start_penetration: (N,) the deeper of both in the pregrasp [m].
        contacts: (N,) between hand and object after closing.
        fingers: (N,) that have one.
        below: (N, 3) hand geometry below the support plane in grasp, pregrasp, approach [m].
        seconds: (N,) of processor time that judging took.
        clean_limit: Overlap that a clean grasp may have [m].
    """

    reason: NDArray[np.str_]
    directions: NDArray[np.int8]
    penetration: Array
    self_penetration: Array
    start_penetration: Array
    contacts: NDArray[np.int64]
    fingers: NDArray[np.int64]
    below: Array
    seconds: Array
    clean_limit: float = Settings.clean

    def __len__(self) -> int:
        return len(self.reason)

    @property
    def success(self) -> NDArray[np.bool_]:
        """(N,) held in all six directions, and no hand geometry below the support."""
        return self.reason == HELD

    @property
    def held(self) -> NDArray[np.bool_]:
        """(N,) held in all six directions, wherever the support is."""
        return (self.reason == HELD) | (self.reason == BELOW)

    @property
    def clean(self) -> NDArray[np.bool_]:
        """(N,) success without overlaps beyond `clean_limit`."""
        depth = np.maximum(self.penetration, self.self_penetration)
        return self.success & (depth < self.clean_limit)

    @property
    def held_count(self) -> NDArray[np.int64]:
        """(N,) directions held; those not tried count as lost."""
        return (self.directions == 1).sum(axis=1)

    @classmethod
    def of(cls, trials: Sequence[Trial], seconds: Sequence[float], settings: Settings) -> Verdicts:
        """Gather trials."""
        n = len(trials)
        return cls(
            reason=np.array([t.reason for t in trials], dtype=np.str_),
            directions=np.array([t.directions for t in trials], dtype=np.int8).reshape(n, 6),
            penetration=np.array([t.penetration for t in trials], dtype=float),
            self_penetration=np.array([t.self_penetration for t in trials], dtype=float),
            start_penetration=np.array([t.start_penetration for t in trials], dtype=float),
            contacts=np.array([t.contacts for t in trials], dtype=np.int64),
            fingers=np.array([t.fingers for t in trials], dtype=np.int64),
            below=np.array([t.below for t in trials], dtype=float).reshape(n, 3),
            seconds=np.array(seconds, dtype=float),
            clean_limit=settings.clean,
        )

    @classmethod
    def joined(cls, parts: Sequence[Verdicts]) -> Verdicts:
        """One after the other."""
        names = [f.name for f in dataclasses.fields(cls) if f.name != 'clean_limit']
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(**arrays, clean_limit=parts[0].clean_limit)

    def save(self, path: Path) -> None:
        """Write everything to a .npz file."""
        np.savez_compressed(
            path, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        )

    @classmethod
    def load(cls, path: Path) -> Verdicts:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as found:
            arrays = dict(found)
        return cls(**{**arrays, 'clean_limit': float(arrays['clean_limit'])})

    def summary(self) -> dict[str, Any]:
        """Counts, rates [%] and quantiles [mm], for a report; None where nothing was measured."""
        return {
            'n': len(self),
            'success_percent': _percent(self.success),
            'success_interval_percent': wilson(int(self.success.sum()), len(self)),
            'clean_percent': _percent(self.clean),
            'clean_interval_percent': wilson(int(self.clean.sum()), len(self)),
            'held_percent': _percent(self.held),
            'penetration_mm': _quantiles(self.penetration),
            'self_penetration_mm': _quantiles(self.self_penetration),
            'direction_percent': {
                name: _percent(column[column >= 0] == 1)
                for name, column in zip(DIRECTIONS, self.directions.T, strict=True)
            },
            'failures': dict(Counter(r for r in self.reason.tolist() if r != HELD).most_common()),
            'contacts_mean': _mean(self.contacts),
            'fingers_mean': _mean(self.fingers),
            'below_support_mm': {
                name: _quantiles(self.below[:, column])
                for column, name in enumerate(('grasp', 'pregrasp', 'approach'))
            },
            'seconds_each': _mean(self.seconds),
        }


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float] | None:
    """Wilson's 95 % interval of a rate [%]; None when n is 0."""
    if n == 0:
        return None
    rate = successes / n
    middle = rate + z * z / (2 * n)
    half = z * (rate * (1 - rate) / n + z * z / (4 * n * n)) ** 0.5
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return 100.0 * max(0.0, low), 100.0 * min(1.0, high)


def _percent(mask: NDArray[np.bool_]) -> float | None:
    return 100.0 * float(mask.mean()) if len(mask) else None


def _mean(values: NDArray[np.float64] | NDArray[np.int64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _quantiles(depth: Array) -> dict[str, float] | None:
    known = 1e3 * depth[np.isfinite(depth)]
    if not len(known):
        return None
    p50, p95 = np.quantile(known, [0.5, 0.95])
    return {'p50': float(p50), 'p95': float(p95), 'max': float(known.max())}
