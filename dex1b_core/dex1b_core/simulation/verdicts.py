"""What a hold check says about many grasps."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry.array_cache import write_arrays
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.hold_check import DIRECTIONS, HoldTrial

Array = NDArray[np.float64]

CLEAN = 0.003  # [m]


@dataclass(frozen=True)
class Verdicts:
    """N grasps, in their order; see `HoldTrial`.

    Attributes:
        reason: (N,) `FailureReason`; NONE where the grasp held.
        stage: (N,) where it failed.
        directions: (N, 6) held 1, failed 0, not tried -1; order +x -x +y -y +z -z.
        penetration, self_penetration, start_penetration: (N,) [m]; NaN when not measured.
        contacts, fingers: (N,) after closing.
        below: (N, 3) hand geometry below the support plane in grasp, pregrasp, approach [m].
        seconds: (N,) of processor time that the check took.
    """

    reason: NDArray[np.int64]
    stage: NDArray[np.str_]
    directions: NDArray[np.int8]
    penetration: Array
    self_penetration: Array
    start_penetration: Array
    contacts: NDArray[np.int64]
    fingers: NDArray[np.int64]
    below: Array
    seconds: Array

    def __len__(self) -> int:
        return len(self.reason)

    @property
    def success(self) -> NDArray[np.bool_]:
        """(N,) all that the protocol asks for."""
        held: NDArray[np.bool_] = self.reason == FailureReason.NONE
        return held

    @property
    def clean(self) -> NDArray[np.bool_]:
        """(N,) success with both penetrations below 3 mm."""
        shallow: NDArray[np.bool_] = np.maximum(self.penetration, self.self_penetration) < CLEAN
        return self.success & shallow

    @property
    def held_count(self) -> NDArray[np.int64]:
        """(N,) directions held; those not tried count as lost."""
        count: NDArray[np.int64] = (self.directions == 1).sum(axis=1)
        return count

    @classmethod
    def of(cls, trials: Sequence[HoldTrial], seconds: Sequence[float]) -> Verdicts:
        """Gather trials."""
        n = len(trials)
        return cls(
            reason=np.array([t.reason for t in trials], dtype=np.int64),
            stage=np.array([t.stage for t in trials], dtype=np.str_),
            directions=np.array([t.directions for t in trials], dtype=np.int8).reshape(n, 6),
            penetration=np.array([t.penetration for t in trials], dtype=float),
            self_penetration=np.array([t.self_penetration for t in trials], dtype=float),
            start_penetration=np.array([t.start_penetration for t in trials], dtype=float),
            contacts=np.array([t.contacts for t in trials], dtype=np.int64),
            fingers=np.array([t.fingers for t in trials], dtype=np.int64),
            below=np.array([t.below for t in trials], dtype=float).reshape(n, 3),
            seconds=np.array(seconds, dtype=float),
        )

    @classmethod
    def joined(cls, parts: Sequence[Verdicts]) -> Verdicts:
        """One after the other."""
        names = [f.name for f in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts])
                      for name in names})  # fmt: skip

    def save(self, path: Path) -> None:
        """Write everything to a .npz file, in one step."""
        arrays = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        write_arrays(path, arrays, compressed=True)

    @classmethod
    def load(cls, path: Path) -> Verdicts:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as found:
            return cls(**dict(found))

    def reasons(self) -> dict[str, int]:
        """How many failed for each reason, in small letters, most frequent first."""
        names = Counter(FailureReason(r).name.lower() for r in self.reason[~self.success].tolist())
        return dict(names.most_common())

    def summary(self) -> dict[str, Any]:
        """Counts, rates [%] and quantiles [mm], for a report; None where nothing was measured."""
        failed = zip(self.reason[~self.success].tolist(), self.stage[~self.success], strict=True)
        where = Counter(f'{FailureReason(r).name.lower()} {stage}'.strip() for r, stage in failed)
        return {
            'n': len(self),
            'success_percent': _percent(self.success),
            'success_interval_percent': wilson(int(self.success.sum()), len(self)),
            'clean_percent': _percent(self.clean),
            'clean_interval_percent': wilson(int(self.clean.sum()), len(self)),
            'penetration_mm': _quantiles(self.penetration),
            'self_penetration_mm': _quantiles(self.self_penetration),
            'direction_percent': {
                name: _percent(column[column >= 0] == 1)
                for name, column in zip(DIRECTIONS, self.directions.T, strict=True)
            },
            'failures': dict(where.most_common()),
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
