"""E_S of Dex1B: how far parts of a hand lie inside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class SphereGroups:
    """Which of S spheres may not overlap.

    Attributes:
        order: (T,) spheres that take part, group after group.
        blocks: Pairs of slices of `order` with the distance [m] (P, Q, 1) at which each pair
            touches; negative where the pair is exempt.
    """

    order: torch.Tensor
    blocks: tuple[tuple[slice, slice, torch.Tensor], ...]

    @classmethod
    def build(cls, radii: torch.Tensor, groups: torch.Tensor, exempt: torch.Tensor) -> SphereGroups:
        """Group spheres; those of one group are never tested against each other.

        Args:
            radii: (S,) [m].
            groups: (S,) group of each sphere; negative for spheres that take no part.
            exempt: (S, S) pairs of different groups that are not tested either.
        """
        order = torch.argsort(groups, stable=True)[int((groups < 0).sum()) :]
        touch = torch.where(exempt, -1.0, radii[:, None] + radii)[order][:, order]
        ends = torch.unique_consecutive(groups[order], return_counts=True)[1].cumsum(0).tolist()
        blocks = []
        for start, end in zip([0, *ends], ends[:-1], strict=False):
            first, second = slice(start, end), slice(end, len(order))
            if bool((touch[first, second] > 0.0).any()):
                blocks.append((first, second, touch[first, second, None].contiguous()))
        return cls(order, tuple(blocks))

    def to(self, device: torch.device | str) -> SphereGroups:
        """The same on another device."""
        blocks = tuple((first, second, touch.to(device)) for first, second, touch in self.blocks)
        return SphereGroups(self.order.to(device), blocks)


@dataclass(frozen=True)
class NearPairs:
    """P pairs of spheres that may overlap soon: while grasps move little, only they are tested.

    Attributes:
        first, second: (P,) sphere.
        grasp: (P,) index in the batch.
        touch: (P,) distance at which they touch [m].
    """

    first: torch.Tensor
    second: torch.Tensor
    grasp: torch.Tensor
    touch: torch.Tensor


def near_pairs(centres: torch.Tensor, groups: SphereGroups, margin: float) -> NearPairs:
    """Pairs of spheres (S, 3, B) with a gap below a margin [m]."""
    ordered = centres.detach()[groups.order]
    none = groups.order[:0]
    found = [(none, none, none, ordered.new_zeros(0))]
    for first, second, touch in groups.blocks:
        reach = torch.where(touch < 0.0, 0.0, touch + margin).square()
        near = _squares(ordered[first], ordered[second]) < reach
        row, column, grasp = near.nonzero(as_tuple=True)
        found.append(
            (groups.order[first][row], groups.order[second][column], grasp, touch[row, column, 0])
        )
    return NearPairs(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def self_penetration(centres: torch.Tensor, pairs: NearPairs) -> torch.Tensor:
    """E_S = sum over pairs of max(0, r_p + r_q - |p - q|) [m].

    Args:
        centres: (S, 3, B) [m].
        pairs: Those that can overlap.

    Returns:
        (B,) [m]; differentiable once.
    """
    return _Overlap.apply(centres, pairs)  # type: ignore[no-untyped-call, no-any-return]


def deepest_overlap(centres: torch.Tensor, groups: SphereGroups) -> torch.Tensor:
    """(B,) largest overlap of any pair [m], 0 where none overlap."""
    pairs = near_pairs(centres, groups, 0.0)
    apart = centres[pairs.first, :, pairs.grasp] - centres[pairs.second, :, pairs.grasp]
    overlap = pairs.touch - apart.norm(dim=1)
    deepest = centres.new_zeros(centres.shape[-1])
    return deepest.scatter_reduce_(0, pairs.grasp, overlap, 'amax')


def _squares(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """(P, Q, B) squared distances of (P, 3, B) and (Q, 3, B) points."""
    total = (first[:, None, 0] - second[None, :, 0]).square_()
    for axis in (1, 2):
        part = first[:, None, axis] - second[None, :, axis]
        total.addcmul_(part, part)
    return total


class _Overlap(torch.autograd.Function):
    """Only the pairs that overlap are summed, and their derivative with them."""

    @staticmethod
    def forward(ctx: Any, centres: torch.Tensor, pairs: NearPairs) -> torch.Tensor:
        spheres, _, batch = centres.shape
        rows = centres.permute(0, 2, 1).reshape(-1, 3)
        first, second = pairs.first * batch + pairs.grasp, pairs.second * batch + pairs.grasp
        apart = rows.index_select(0, first) - rows.index_select(0, second)
        length = apart.square().sum(dim=1).sqrt_()
        overlap = (pairs.touch - length).clamp_min_(0.0)
        energy = centres.new_zeros(batch).index_add_(0, pairs.grasp, overlap)
        inside = overlap.nonzero().flatten()
        away = apart[inside] / length[inside].clamp_min(1e-9)[:, None]
        slope = torch.zeros_like(rows)
        slope.index_add_(0, first[inside], away, alpha=-1.0)
        slope.index_add_(0, second[inside], away)
        ctx.save_for_backward(slope.view(spheres, batch, 3).permute(0, 2, 1))
        return energy

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * gradients[0], None
