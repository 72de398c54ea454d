"""Overlap of spheres: by hand, against all pairs, derivative against finite differences."""

import pytest
import torch

from dex1b_core.synthesis.self_penetration import (
    SphereGroups,
    deepest_overlap,
    near_pairs,
    self_penetration,
)


def groups_of(radii, groups):
    count = len(radii)
    return SphereGroups.build(
        torch.tensor(radii), torch.tensor(groups), torch.zeros(count, count, dtype=torch.bool)
    )


def test_two_groups_by_hand():
    centres = torch.tensor([[0.0, 0.0, 0.0], [0.015, 0.0, 0.0], [0.1, 0.0, 0.0]])[..., None]
    groups = groups_of([0.01, 0.01, 0.01], [0, 1, 1])
    value = self_penetration(centres, near_pairs(centres, groups, 0.0))
    assert value.item() == pytest.approx(0.005)
    assert deepest_overlap(centres, groups).item() == pytest.approx(0.005)


def test_own_group_and_padding_never_overlap():
    centres = torch.zeros(3, 3, 1)
    groups = groups_of([0.01, 0.01, -1.0], [0, 0, -1])
    assert deepest_overlap(centres, groups).item() == 0.0


def test_equals_all_pairs_and_finite_differences():
    generator = torch.Generator().manual_seed(0)
    centres = 0.02 * torch.randn(12, 3, 5, generator=generator)
    radii = 0.005 + 0.01 * torch.rand(12, generator=generator)
    owner = torch.tensor([2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2])
    groups = SphereGroups.build(radii, owner, torch.zeros(12, 12, dtype=torch.bool))
    apart = (centres[:, None] - centres[None]).norm(dim=2)
    overlap = (radii[:, None] + radii)[..., None] - apart
    other = torch.triu(owner[:, None] != owner)[..., None]
    expected = torch.where(other, overlap, 0.0).clamp_min(0.0)
    pairs = near_pairs(centres, groups, 0.01)
    torch.testing.assert_close(self_penetration(centres, pairs), expected.sum(dim=(0, 1)))
    torch.testing.assert_close(deepest_overlap(centres, groups), expected.amax(dim=(0, 1)))
    double = centres.double().requires_grad_()
    exact = type(pairs)(pairs.first, pairs.second, pairs.grasp, pairs.touch.double())
    assert torch.autograd.gradcheck(lambda c: self_penetration(c, exact), (double,), eps=1e-7)
