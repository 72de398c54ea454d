"""Which convex parts of a hand can meet at all."""

from __future__ import annotations

import torch

from dex1b_core.robots.hand_parts import HandParts
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_tree import LinkTree

SAMPLES = 1000  # postures looked at
CHUNK = 100
ALWAYS = 0.6  # pairs that overlap in so many of them are joined by design


def self_collision_pairs(
    kinematics: HandKinematics, tree: LinkTree, parts: HandParts, natural: torch.Tensor
) -> torch.Tensor:
    """Pairs of parts worth testing.

    Left out: parts of one rigid body or of neighbours in the tree, those that overlap in most
    postures or in a natural one (how the hand is built, not a collision), and those that overlap in
    none, such as fingers that move side by side.

    Args:
        kinematics: Of the hand.
        tree: Of its links.
        parts: Of the hand.
        natural: (N, J) postures in which the hand surely does not collide [rad].

    Returns:
        (Q, 2) part indices, the smaller first.
    """
    possible = _different_bodies(kinematics, tree)[parts.links][:, parts.links].triu(diagonal=1)
    pairs = possible.nonzero()
    generator = torch.Generator().manual_seed(0)
    spread = torch.rand(SAMPLES, len(kinematics.lower), generator=generator)
    postures = kinematics.lower + spread * (kinematics.upper - kinematics.lower)
    near = torch.zeros(len(pairs), dtype=torch.bool)
    for chunk in postures.split(CHUNK):  # type: ignore[no-untyped-call]
        near |= (_sphere_gaps(kinematics, chunk, parts, pairs) < 0.0).any(dim=0)
    pairs = pairs[near]
    overlaps = (part_depths(kinematics, postures, parts, pairs) > 0.0).float().mean(dim=0)
    by_design = (part_depths(kinematics, natural, parts, pairs) > 0.0).any(dim=0)
    return pairs[(overlaps > 0.0) & (overlaps < ALWAYS) & ~by_design]


def part_depths(
    kinematics: HandKinematics, postures: torch.Tensor, parts: HandParts, pairs: torch.Tensor
) -> torch.Tensor:
    """(B, Q) depth [m] of the deepest point of either part of each pair in the other; 0 if none.

    Args:
        kinematics: Of the hand.
        postures: (B, J) [rad].
        parts: Of the hand.
        pairs: (Q, 2).
    """
    columns = []
    for chunk in postures.split(CHUNK):  # type: ignore[no-untyped-call]
        poses = kinematics.forward(chunk)[:, parts.links]
        depth = torch.zeros(len(chunk), len(pairs), device=postures.device)
        for index, (first, second) in enumerate(pairs.tolist()):
            for one, other in ((first, second), (second, first)):
                turn, shift = poses[:, other, :3, :3], poses[:, other, :3, 3]
                points = parts.points[one] @ poses[:, one, :3, :3].transpose(1, 2)
                local = (points + (poses[:, one, :3, 3] - shift)[:, None]) @ turn
                planes = parts.planes[other]
                beyond = (local @ planes[:, :3].T - planes[:, 3]).amax(dim=2)
                deepest = (-beyond).amax(dim=1)
                depth[:, index] = torch.maximum(depth[:, index], deepest)
        columns.append(depth)
    return torch.cat(columns)


def _sphere_gaps(
    kinematics: HandKinematics, postures: torch.Tensor, parts: HandParts, pairs: torch.Tensor
) -> torch.Tensor:
    """(B, Q) gaps between the spheres around the parts [m]."""
    poses = kinematics.forward(postures)[:, parts.links]
    centres = (poses[..., :3, :3] @ parts.centres[..., None])[..., 0] + poses[..., :3, 3]
    first, second = pairs.unbind(dim=1)
    apart = (centres[:, first] - centres[:, second]).norm(dim=-1)
    radii = parts.halves.square().sum(dim=(1, 2)).sqrt()
    gaps: torch.Tensor = apart - radii[first] - radii[second]
    return gaps


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
