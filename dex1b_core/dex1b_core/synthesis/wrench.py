"""How well contacts with friction can resist forces and torques on an object."""

from __future__ import annotations

import math

import torch

from dex1b_core.geometry.batch_last import cross

TORQUE_LENGTH = 0.05  # [m] at which a torque weighs as much as a force


def force_directions(count: int) -> torch.Tensor:
    """(count, 6) unit wrenches with zero torque, force directions spread evenly (Fibonacci)."""
    index = torch.arange(count, dtype=torch.float32) + 0.5
    z = 1.0 - 2.0 * index / count
    angle = math.pi * (1.0 + math.sqrt(5.0)) * index
    radius = torch.sqrt(1.0 - z**2)
    force = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle), z], dim=-1)
    return torch.cat([force, torch.zeros_like(force)], dim=-1)


def wrench_residual(
    points: torch.Tensor,
    inward: torch.Tensor,
    centre: torch.Tensor,
    wrenches: torch.Tensor,
    friction: float,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean of 1 - cos between wanted wrenches and the closest that the contacts give.

    The task wrench estimator of BODex: a contact answers the direction d = normalise(G_i^T u) in
    which it would serve a wanted wrench u with a force in its friction cone. With d_n along the
    normal and d_t across it: n + d_t / max(d_n, cos(phi) / 2) inside the cone (phi = atan mu);
    n + mu d_t / |d_t| outside it; and that scaled by |d_t| / (|d_t| - 2 mu d_n) when d points out
    of the surface. The forces are kept as a n + b d, which needs no tangent frames.

    Args:
        points: (n, 3, B) contacts [m].
        inward: (n, 3, B) unit normals into the object.
        centre: (3, B) or (3, 1) point about which torques are taken [m].
        wrenches: (M, 6) wanted unit wrenches, torques in units of `TORQUE_LENGTH`.
        friction: Coulomb coefficient.
        weights: (n, B) scale of each contact's force; None is 1.

    Returns:
        (B,) in [0, 2]; 0 when every wrench can be produced exactly.
    """
    arms = (points - centre) / TORQUE_LENGTH
    force, torque = wrenches[:, None, :3, None], wrenches[:, None, 3:, None]
    served = (
        force if not bool(torque.any()) else force + cross(torque.expand(-1, *arms.shape), arms)
    )
    served = torch.nn.functional.normalize(served, dim=2, eps=1e-6)
    along = (served * inward).sum(dim=2)
    across = torch.sqrt((1.0 - along**2).clamp_min(1e-8))
    cosine = math.cos(math.atan(friction))
    behind = across / (across - 2.0 * friction * along.clamp_max(0.0))
    scale = torch.where(along < 0.0, behind, torch.ones_like(behind))
    inside = 1.0 / along.clamp_min(cosine / 2.0)
    on_served = torch.where(along >= cosine, inside, scale * friction / across)
    on_normal = scale - on_served * along
    if weights is not None:
        on_served, on_normal = on_served * weights, on_normal * weights
    given = on_normal[:, :, None] * inward + on_served[:, :, None] * served
    total_force = given.sum(dim=1)
    total_torque = cross(arms.expand_as(given), given).sum(dim=1)
    square = (total_force**2).sum(dim=1) + (total_torque**2).sum(dim=1)
    product = (total_force * force[:, 0]).sum(dim=1) + (total_torque * torque[:, 0]).sum(dim=1)
    return (1.0 - product / torch.sqrt(square + 1e-12)).mean(dim=0)
