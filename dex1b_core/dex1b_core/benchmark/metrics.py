"""The published measures of a set of grasps, in one record."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.contact_metrics import contact_metrics
from dex1b_core.benchmark.diversity import Diversity
from dex1b_core.benchmark.penetration import SHALLOW, mean_of_shallow, penetration
from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.benchmark.q1 import ContactCandidates, q1
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode

LOW_FRICTION = 0.3
"""Half of DexGraspBench's 0.6, which leaves room for errors, as its own Q1 has it."""


@dataclass(frozen=True)
class GraspMetrics:
    """Of n grasps of one object, in the posture `GraspSet.grasp`; None where nothing was measured.

    Means are over all grasps, as published, whether they succeed or not.

    Attributes:
        n: Grasps.
        successes: How many the mask chose; None without a mask.
        seed: Of every random draw.
        q1: Mean over grasps with a penetration below 5 mm, friction 1 (UGG, Dex1B's Table II).
        q1_low_friction: The same at `low_friction`.
        low_friction: Coulomb coefficient.
        shallow: Grasps with a penetration below 5 mm.
        penetration: Mean depth of the object's surface in the hand [m] (UGG, Dex1B's Table II).
        depths: The same of each grasp [m].
        contact_number, contact_distance, contact_consistency: Means of `ContactMetrics` [1, m, m].
        diversity: Of all grasps, as published.
        success_diversity: Of those the mask chose; None without a mask.
    """

    n: int
    successes: int | None
    seed: int
    q1: float | None
    q1_low_friction: float | None
    low_friction: float
    shallow: int
    penetration: float | None
    depths: tuple[float, ...]
    contact_number: float | None
    contact_distance: float | None
    contact_consistency: float | None
    diversity: Diversity
    success_diversity: Diversity | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


def grasp_metrics(
    grasps: GraspSet,
    success: NDArray[np.bool_] | None = None,
    *,
    seed: int = 0,
    low_friction: float = LOW_FRICTION,
) -> GraspMetrics:
    """Measure a set of grasps; takes a few seconds for a hundred.

    Args:
        grasps: N of them.
        success: (N,) which hold, by whatever protocol.
        seed: Of every random draw.
        low_friction: Of the second Q1.

    Raises:
        Dex1bError: INVALID_REQUEST when the mask does not fit or a grasp is not finite; the hand is
            unknown.
    """
    if success is not None and np.shape(success) != (len(grasps),):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'success has shape {np.shape(success)} for {len(grasps)} grasps; expected one flag '
            'for each',
        )
    held = None if success is None else np.asarray(success, dtype=bool)
    placed = PlacedGrasps.of(grasps)
    depth = penetration(placed, seed=seed)
    candidates = ContactCandidates.of(placed)
    contacts = contact_metrics(placed)
    return GraspMetrics(
        n=len(grasps),
        successes=None if held is None else int(held.sum()),
        seed=seed,
        q1=mean_of_shallow(q1(candidates, seed=seed), depth),
        q1_low_friction=mean_of_shallow(q1(candidates, friction=low_friction, seed=seed), depth),
        low_friction=low_friction,
        shallow=int((depth < SHALLOW).sum()),
        penetration=_mean(depth),
        depths=tuple(depth.tolist()),
        contact_number=_mean(contacts.number),
        contact_distance=_mean(contacts.distance),
        contact_consistency=_mean(contacts.consistency),
        diversity=Diversity.of(placed),
        success_diversity=None if held is None else Diversity.of(placed, held),
    )


def _mean(values: NDArray[np.float64] | NDArray[np.int64]) -> float | None:
    return float(values.mean()) if len(values) else None
