"""Where to look for new grasps: inversely to how often points and objects had successful ones.

Dex1B, sections III and IV.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

NEIGHBOURHOOD = 0.01  # [m] grasps about points so near count for a point


def point_weights(cloud: torch.Tensor, associated: torch.Tensor) -> torch.Tensor:
    """(N,) 1 / (1 + grasps about a point's neighbourhood), for `GraspSampler.sample`.

    Args:
        cloud: (N, 3) of the object [m].
        associated: (M, 3) associated points of its successful grasps, same frame [m].
    """
    if not len(associated):
        return torch.ones(len(cloud))
    counts = (torch.cdist(cloud, associated) < NEIGHBOURHOOD).sum(dim=1)
    return 1.0 / (1.0 + counts)


def rare(held: Mapping[str, int], count: int, rng: np.random.Generator) -> list[str]:
    """Up to `count` objects, those with few successful grasps with higher probability."""
    names = list(held)
    if count >= len(names):
        return names
    chosen = rng.choice(len(names), count, replace=False, p=_rarity(held))
    return [names[index] for index in sorted(chosen)]


def shares(held: Mapping[str, int], total: int) -> dict[str, int]:
    """How many of `total` new grasps each object gets.

    Rounded so that the sum is `total`, the largest remainders first.

    Args:
        held: Successful grasps of each object so far.
        total: To be shared.
    """
    exact = total * _rarity(held)
    counts = np.floor(exact).astype(int)
    order = np.argsort(counts - exact, kind='stable')
    counts[order[: total - counts.sum()]] += 1
    return dict(zip(held, counts.tolist(), strict=True))


def _rarity(held: Mapping[str, int]) -> NDArray[np.float64]:
    """In proportion to 1 / (mean + held); the sum is 1.

    The mean over objects keeps one that no hand can hold from getting everything.
    """
    counts = np.array(list(held.values()), dtype=float)
    weights: NDArray[np.float64] = 1.0 / (max(1.0, counts.mean()) + counts)
    weights /= weights.sum()
    return weights
