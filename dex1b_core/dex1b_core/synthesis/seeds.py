"""Grasps of one object with what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from dex1b_core.synthesis.batch import GraspBatch, concatenate


@dataclass(frozen=True)
class Seeds:
    """N grasps of one object, best first, in the object's frame.

    Attributes:
        grasps: Wrist poses, pregrasp and grasp postures, approach directions.
        squeeze: (N, J) commands that press [rad].
        score: (N,) predicted probability of holding.
        measures: (N, 14) `GraspMeasures.features`.
        details: (N, D) `GraspMeasures.details`.
        contacts: (N, F, 3) each finger's contact point on the hand [m].
        touches: (N, F) whether the finger touches the object there.
        energies: (N, K) at the end, without weights.
        energy_names: K names.
        made: Grasps optimised for them.
    """

    grasps: GraspBatch
    squeeze: torch.Tensor
    score: torch.Tensor
    measures: torch.Tensor
    details: torch.Tensor
    contacts: torch.Tensor
    touches: torch.Tensor
    energies: torch.Tensor
    energy_names: tuple[str, ...]
    made: int

    def best(self, count: int) -> Seeds:
        """The first `count`, by score."""
        return self.select(torch.argsort(self.score, descending=True, stable=True)[:count])

    def select(self, keep: torch.Tensor) -> Seeds:
        """Those with these indices."""
        chosen: dict[str, Any] = {name: getattr(self, name)[keep] for name in _PER_GRASP}
        return replace(self, grasps=self.grasps.select(keep), **chosen)

    @classmethod
    def joined(cls, parts: list[Seeds]) -> Seeds:
        """One after the other."""
        tensors: dict[str, Any] = {
            name: torch.cat([getattr(part, name) for part in parts]) for name in _PER_GRASP
        }
        grasps = concatenate([part.grasps for part in parts])
        return replace(parts[0], grasps=grasps, made=sum(part.made for part in parts), **tensors)


_PER_GRASP = ('squeeze', 'score', 'measures', 'details', 'contacts', 'touches', 'energies')
