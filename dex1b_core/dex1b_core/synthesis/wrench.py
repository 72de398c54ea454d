"""How well contacts with friction can resist forces and torques on an object."""

from __future__ import annotations

import math

import torch

TORQUE_LENGTH = 0.05  # [m] at which a torque weighs as much as a force


def force_directions(count: int) -> torch.Tensor:
    """(count, 6) unit wrenches with zero torque, force directions spread evenly (Fibonacci)."""
    index = torch.arange(count, dtype=torch.float32) + 0.5
    z = 1.0 - 2.0 * index / count
    angle = math.pi * (1.0 + math.sqrt(5.0)) * index
    radius = torch.sqrt(1.0 - z**2)
    force = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle), z], dim=-1)
    return torch.cat([force, torch.zeros_like(force)], dim=-1)


def contact_frames(normals: torch.Tensor) -> torch.Tensor:
    """(..., 3, 3) frames whose first column is the unit normal (..., 3), then two tangents."""
    helper = torch.zeros_like(normals)
    helper.scatter_(-1, normals.detach().abs().argmin(dim=-1, keepdim=True), 1.0)
    first = torch.nn.functional.normalize(torch.linalg.cross(normals, helper), dim=-1)
    return torch.stack([normals, first, torch.linalg.cross(normals, first)], dim=-1)


def wrench_matrices(
    points: torch.Tensor, inward: torch.Tensor, centre: torch.Tensor
) -> torch.Tensor:
    """Maps from contact forces to scaled wrenches.

    Args:
        points: (B, n, 3) contacts [m].
        inward: (B, n, 3) unit normals into the object.
        centre: (3,) or (B, 1, 3) point about which torques are taken [m].

    Returns:
        (B, n, 6, 3): force rows, then torque rows divided by `TORQUE_LENGTH`.
    """
    frames = contact_frames(inward)
    arms = ((points - centre) / TORQUE_LENGTH).unsqueeze(-1).expand_as(frames)
    return torch.cat([frames, torch.linalg.cross(arms, frames, dim=-2)], dim=-2)


def wrench_residual(
    grasp: torch.Tensor,
    directions: torch.Tensor,
    friction: float,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean of 1 - cos between wanted wrenches and the closest that the contacts give.

    The task-wrench estimator of BODex (dex1b.md 2.3): each contact answers a wanted wrench u with
    the point of its friction cone's disc that lies best along d = normalise(G^T u).

    Args:
        grasp: (B, n, 6, 3) from `wrench_matrices`.
        directions: (M, 6) unit wrenches.
        friction: Coulomb coefficient.
        weights: (B, n) scale of each contact's force; None is 1.

    Returns:
        (B,) in [0, 2]; 0 when every wrench can be produced exactly.
    """
    wanted = torch.nn.functional.normalize(
        torch.einsum('bnwi,mw->bmni', grasp, directions), dim=-1, eps=1e-6
    )
    normal, tangent = wanted[..., :1], wanted[..., 1:]
    size = torch.sqrt((tangent**2).sum(-1, keepdim=True) + 1e-12)
    edge = friction * tangent / size
    cosine = math.cos(math.atan(friction))
    inside = tangent / normal.clamp_min(cosine / 2.0)
    behind = size / (size - 2.0 * friction * normal.clamp_max(0.0))
    is_inside = normal >= cosine
    is_behind = normal < 0.0
    scale = torch.where(is_behind, behind, torch.ones_like(behind))
    answer = torch.cat([scale, scale * torch.where(is_inside, inside, edge)], dim=-1)
    if weights is not None:
        answer = answer * weights[:, None, :, None]
    produced = torch.einsum('bnwi,bmni->bmw', grasp, answer)
    cosines = torch.nn.functional.cosine_similarity(produced, directions[None], dim=-1, eps=1e-6)
    return (1.0 - cosines).mean(dim=-1)
