"""Which collision spheres of a hand can meet at all."""

from __future__ import annotations

import torch

from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_tree import LinkTree

SAMPLES = 2000  # postures looked at
CHUNK = 100
NEVER_CLOSER = 0.025  # [m] pairs that stay farther apart in all of them are left out
ALWAYS = 0.9  # pairs that overlap in so many of them are joined by design


def self_collision_pairs(
    kinematics: HandKinematics,
    tree: LinkTree,
    links: torch.Tensor,
    centres: torch.Tensor,
    radii: torch.Tensor,
    natural: torch.Tensor,
) -> torch.Tensor:
    """Pairs of spheres worth testing.

    Left out: spheres of one rigid body or of neighbours in the tree, those that overlap in nearly
    every posture or in all natural ones (how the hand is built, not a collision), and those that
    are never near each other.

    Args:
        kinematics: Of the hand.
        tree: Of its links.
        links: (S,) link of each sphere.
        centres: (S, 3) in the link's frame [m].
        radii: (S,) [m].
        natural: (P, J) postures in which the hand surely does not collide [rad].

    Returns:
        (P, 2) sphere indices, the smaller first.
    """
    possible = _different_bodies(kinematics, tree)[links][:, links].triu(diagonal=1)
    touch = radii[:, None] + radii
    nearest = torch.full_like(touch, torch.inf)
    overlaps = torch.zeros_like(touch)
    generator = torch.Generator().manual_seed(0)
    spread = torch.rand(SAMPLES, len(kinematics.lower), generator=generator)
    postures = kinematics.lower + spread * (kinematics.upper - kinematics.lower)
    for part in postures.split(CHUNK):  # type: ignore[no-untyped-call]
        gaps = _gaps(kinematics, part, links, centres, touch)
        nearest = torch.minimum(nearest, gaps.amin(dim=0))
        overlaps += (gaps < 0.0).sum(dim=0)
    by_design = (_gaps(kinematics, natural, links, centres, touch) < 0.0).all(dim=0)
    keep = possible & (nearest < NEVER_CLOSER) & (overlaps < ALWAYS * SAMPLES) & ~by_design
    return keep.nonzero()


def _gaps(
    kinematics: HandKinematics,
    postures: torch.Tensor,
    links: torch.Tensor,
    centres: torch.Tensor,
    touch: torch.Tensor,
) -> torch.Tensor:
    """(B, S, S) gaps between spheres [m]."""
    poses = kinematics.forward(postures)[:, links]
    placed = torch.einsum('bsij,sj->bsi', poses[..., :3, :3], centres) + poses[..., :3, 3]
    return torch.cdist(placed, placed) - touch


def _different_bodies(kinematics: HandKinematics, tree: LinkTree) -> torch.Tensor:
    """(L, L) whether two links move against each other and are no neighbours."""
    frames = dict(zip(kinematics.link_names, kinematics.link_frames.tolist(), strict=True))
    count = max(frames.values()) + 1
    apart = ~torch.eye(count, dtype=torch.bool)
    for joint in tree.joints:
        if joint.parent in frames and joint.child in frames:
            first, second = frames[joint.parent], frames[joint.child]
            apart[first, second] = apart[second, first] = False
    return apart[kinematics.link_frames][:, kinematics.link_frames]
