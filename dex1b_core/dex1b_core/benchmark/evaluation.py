"""A set of grasps through a named protocol."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.gradient_closing import gradient_closing
from dex1b_core.benchmark.penetration import penetration_sum
from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.benchmark.protocols import Protocol
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.geometry.array_cache import write_arrays
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.grasp_judge import GraspJudge
from dex1b_core.simulation.perturbation import draw_perturbations
from dex1b_core.simulation.verdicts import Verdicts


@dataclass(frozen=True)
class Evaluation:
    """What a protocol says about N grasps.

    Attributes:
        protocol: Its name.
        success: (N,) whether a grasp meets it.
        reason: (N,) `FailureReason` of the first trial lost; NONE where the grasp succeeds.
        engine: (N,) in which that was; '' where the grasp succeeds.
        stage: (N,) where in the trial.
        trials: (N,) simulated; a grasp that cannot succeed any more is not tried further.
        held: (N,) of them.
        seconds: Processor time of all trials.
    """

    protocol: str
    success: NDArray[np.bool_]
    reason: NDArray[np.int64]
    engine: NDArray[np.str_]
    stage: NDArray[np.str_]
    trials: NDArray[np.int64]
    held: NDArray[np.int64]
    seconds: float

    def save(self, path: Path) -> None:
        """Write everything to a .npz file, in one step."""
        arrays = {f.name: np.asarray(getattr(self, f.name)) for f in dataclasses.fields(self)}
        write_arrays(path, arrays, compressed=True)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as found:
            arrays = dict(found)
        protocol, seconds = str(arrays.pop('protocol')), float(arrays.pop('seconds'))
        return cls(protocol=protocol, seconds=seconds, **arrays)

    def reasons(self) -> dict[str, int]:
        """How many grasps failed for each reason, in small letters, most frequent first."""
        failed = self.reason[~self.success].tolist()
        return dict(Counter(FailureReason(r).name.lower() for r in failed).most_common())


def evaluate(
    judge: GraspJudge,
    grasps: GraspSet,
    protocol: Protocol,
    *,
    engines: Sequence[EngineName] = (),
    seed: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Simulate until every verdict is known.

    Args:
        judge: Of the grasps' hand.
        grasps: To evaluate.
        protocol: What is asked of them.
        engines: Instead of the protocol's.
        seed: Draws the perturbed worlds.
        cancelled: Polled; ends the work.
        on_progress: Called with (done, total) trials of the current step.

    Raises:
        Dex1bError: see `GraspJudge.judge`.
    """
    progress = _Progress(len(grasps))
    grasps, refused = as_begun(grasps, protocol)
    progress.refuse(refused, FailureReason.INITIAL_PENETRATION)
    worlds = draw_perturbations(protocol.worlds, seed)
    lost_allowed = len(worlds) - 1 - math.ceil(protocol.share * (len(worlds) - 1) - 1e-9)
    chosen = tuple(engines) or protocol.engines
    # cheap and decisive first: the world as planned for, in every engine
    for world, allowed in ((worlds[:1], 0), (worlds[1:], lost_allowed)):
        for engine in chosen:
            rows = np.flatnonzero(progress.success)
            if not world or not len(rows):
                continue
            verdicts = judge.judge(
                grasps.select(rows), protocol.check, engine,
                perturbations=world, cancelled=cancelled, on_progress=on_progress,
            )  # fmt: skip
            progress.enter(rows, engine, verdicts, allowed)
    return progress.evaluation(protocol.name)


def as_begun(grasps: GraspSet, protocol: Protocol) -> tuple[GraspSet, NDArray[np.int64]]:
    """Grasps as the protocol's simulation begins, and rows that penetrate too much for it."""
    refused = np.zeros(0, dtype=np.int64)
    sums = protocol.max_penetration_sum < math.inf
    if not (protocol.closes_by_gradient or sums):
        return grasps, refused
    values = (grasps.object_T_hand.reshape(-1, 16), grasps.grasp)
    rows = np.flatnonzero(np.all([np.isfinite(value).all(axis=1) for value in values], axis=0))
    if not len(rows):
        return grasps, refused  # what is not finite fails in the simulation
    placed = PlacedGrasps.of(grasps.select(rows))
    if sums:
        refused = rows[penetration_sum(placed) >= protocol.max_penetration_sum]
    if not protocol.closes_by_gradient:
        return grasps, refused
    closed = np.array(grasps.grasp, dtype=float)
    closed[rows] = gradient_closing(placed)
    return dataclasses.replace(grasps, grasp=closed, squeeze=closed), refused


class _Progress:
    """Verdicts so far."""

    def __init__(self, count: int) -> None:
        self.success = np.ones(count, dtype=bool)
        self._reason = np.full(count, int(FailureReason.NONE))
        self._engine = np.full(count, '', dtype='<U16')
        self._stage = np.full(count, '', dtype='<U16')
        self._trials = np.zeros(count, dtype=np.int64)
        self._held = np.zeros(count, dtype=np.int64)
        self._seconds = 0.0

    def enter(
        self,
        rows: NDArray[np.int64],
        engine: EngineName,
        verdicts: Sequence[Verdicts],
        allowed: int,
    ) -> None:
        """Take in what an engine says in some worlds; more than `allowed` losses end it."""
        held = np.array([v.success for v in verdicts])  # (worlds, rows)
        self._trials[rows] += len(held)
        self._held[rows] += held.sum(axis=0)
        self._seconds += float(sum(np.nansum(v.seconds) for v in verdicts))
        out = (~held).sum(axis=0) > allowed
        first = np.argmin(held, axis=0)
        for column in np.flatnonzero(out):
            verdict, row = verdicts[first[column]], rows[column]
            self._reason[row] = verdict.reason[column]
            self._engine[row], self._stage[row] = engine, verdict.stage[column]
        self.success[rows[out]] = False

    def refuse(self, rows: NDArray[np.int64], reason: FailureReason) -> None:
        """Grasps that measures alone rule out."""
        self.success[rows] = False
        self._reason[rows], self._stage[rows] = int(reason), 'measure'

    def evaluation(self, protocol: str) -> Evaluation:
        """What came out."""
        return Evaluation(
            protocol,
            self.success,
            self._reason,
            self._engine,
            self._stage,
            self._trials,
            self._held,
            self._seconds,
        )
