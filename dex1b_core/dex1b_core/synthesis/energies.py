"""Energy terms of grasp optimisation, each for a batch of B grasps (Dex1B section III)."""

from __future__ import annotations

import torch

from dex1b_core.synthesis.wrench import wrench_matrices, wrench_residual


def force_closure(points: torch.Tensor, inward: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """E_fc = |G c|^2 of DexGraspNet; Dex1B's equation takes the norm itself.

    G = [I ... I; [x_1]x ... [x_n]x] with x_i in units of `TORQUE_LENGTH`, c the stacked contact
    normals: zero when unit forces along the normals balance.

    Args:
        points: (B, n, 3) contacts [m].
        inward: (B, n, 3) unit normals into the object.
        centre: (3,) about which torques are taken [m].

    Returns:
        (B,) without unit.
    """
    along_normals = wrench_matrices(points, inward, centre)[..., 0]
    return (along_normals.sum(dim=1) ** 2).sum(dim=-1)


def friction_closure(
    points: torch.Tensor,
    inward: torch.Tensor,
    centre: torch.Tensor,
    directions: torch.Tensor,
    friction: float,
) -> torch.Tensor:
    """E_fc aware of friction: mean over wanted wrenches u of 1 - cos(w(u), u).

    w(u) adds what each contact's friction cone can best give towards u.

    Args:
        points: (B, n, 3) contacts [m].
        inward: (B, n, 3) unit normals into the object.
        centre: (3,) about which torques are taken [m].
        directions: (M, 6) unit wrenches.
        friction: Coulomb coefficient.

    Returns:
        (B,) in [0, 2].
    """
    return wrench_residual(wrench_matrices(points, inward, centre), directions, friction)


def contact_distance(distance: torch.Tensor) -> torch.Tensor:
    """E_dis = sum_i |d(x_i, O)| [m] over contacts, from signed distances (B, n); shape (B,)."""
    return distance.abs().sum(dim=-1)


def penetration(distance: torch.Tensor, radii: torch.Tensor) -> torch.Tensor:
    """E_sdf = sum_s max(0, r_s - SDF(c_s)) [m] over spheres.

    Args:
        distance: (B, S) signed distance of sphere centres to the nearest of all bodies [m].
        radii: (S,) [m].

    Returns:
        (B,) [m].
    """
    return (radii - distance).clamp_min(0.0).sum(dim=-1)


def self_penetration(
    first: torch.Tensor, first_radii: torch.Tensor, second: torch.Tensor, second_radii: torch.Tensor
) -> torch.Tensor:
    """E_S = sum over pairs of max(0, r_p + r_q - |p - q|) [m] between two groups of spheres.

    Args:
        first: (B, S, 3) [m]; second: (B, T, 3) [m].
        first_radii: (S,) [m]; second_radii: (T,) [m].

    Returns:
        (B,) [m].
    """
    gaps = torch.cdist(first, second) - first_radii[:, None] - second_radii
    return (-gaps).clamp_min(0.0).sum(dim=(1, 2))


def joint_limits(posture: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """E_J = sum_j max(0, q_j - upper_j) + max(0, lower_j - q_j) [rad].

    Args:
        posture: (B, J) [rad].
        lower: (J,) [rad]; upper: (J,) [rad].

    Returns:
        (B,) [rad].
    """
    return ((posture - upper).clamp_min(0.0) + (lower - posture).clamp_min(0.0)).sum(dim=-1)
