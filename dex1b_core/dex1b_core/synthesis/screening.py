"""Which of many proposals are worth a descent."""

from __future__ import annotations

from collections.abc import Callable

import torch

from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.descent import DescentSettings, energies
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, SceneBatch

_TOGETHER = 2048  # proposals whose energies are computed in a batch


def least_energy(
    objective: GraspObjective,
    scene_of: Callable[[torch.Tensor], SceneBatch],
    grasps: GraspBatch,
    count: int,
    generator: torch.Generator,
    *,
    each: int,
    weights: EnergyWeights,
) -> GraspBatch:
    """The proposals of least energy where they are, with few contact points.

    Args:
        objective: Of the energies.
        scene_of: The object for the proposals with these indices.
        grasps: B proposals; every `each` in a row belong together.
        count: How many to return at most; at most one of each group, the best first.
        generator: Of the contact points.
        each: A divisor of B.
        weights: Of the energies.
    """
    settings = DescentSettings(weights)
    parts = []
    for first in range(0, len(grasps), _TOGETHER):
        rows = torch.arange(first, min(first + _TOGETHER, len(grasps)))
        part = grasps.select(rows)
        parts.append(energies(objective, scene_of(rows), part, settings, generator))
    groups = torch.cat(parts).view(-1, each)
    least, place = groups.min(dim=1)
    best = place + each * torch.arange(len(groups), device=place.device)
    return grasps.select(best[least.argsort(stable=True)[:count]])
