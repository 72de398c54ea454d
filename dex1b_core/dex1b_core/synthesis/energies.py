"""Energy terms of grasp optimisation (Dex1B section III), each for a batch of B grasps.

Every tensor has the batch last, so that operations run along contiguous memory: points are
(N, 3, B), scalars of points (N, B), energies (B,).
"""

from __future__ import annotations

import math

import torch

from dex1b_core.geometry.batch_last import cross
from dex1b_core.synthesis.wrench import TORQUE_LENGTH, wrench_residual


def force_closure(points: torch.Tensor, inward: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """E_fc = |G c|^2 of DexGraspNet; Dex1B's equation takes the norm itself.

    G = [I ... I; [x_1]x ... [x_n]x] with x_i in units of `TORQUE_LENGTH`, c the stacked contact
    normals: zero when unit forces along the normals balance.

    Args:
        points: (n, 3, B) contacts [m].
        inward: (n, 3, B) unit normals into the object.
        centre: (3, B) or (3, 1) about which torques are taken [m].

    Returns:
        (B,) without unit.
    """
    torques = cross((points - centre) / TORQUE_LENGTH, inward)
    return (inward.sum(dim=0) ** 2).sum(dim=0) + (torques.sum(dim=0) ** 2).sum(dim=0)


def friction_closure(
    points: torch.Tensor,
    inward: torch.Tensor,
    centre: torch.Tensor,
    wrenches: torch.Tensor,
    friction: float,
) -> torch.Tensor:
    """E_fc aware of friction, and E_tws: mean over wanted wrenches u of 1 - cos(w(u), u).

    w(u) adds what each contact's friction cone can best give towards u (BODex, see
    `wrench_residual`). With forces in all directions it is force closure, with the wrenches that
    move a joint it is the task wrench energy of Dex1B's articulation.

    Args:
        points: (n, 3, B) contacts [m].
        inward: (n, 3, B) unit normals into the object.
        centre: (3, B) or (3, 1) about which torques are taken [m].
        wrenches: (M, 6) unit wrenches, torques in units of `TORQUE_LENGTH`.
        friction: Coulomb coefficient.

    Returns:
        (B,) in [0, 2].
    """
    return wrench_residual(points, inward, centre, wrenches, friction)


def joint_motion(inward: torch.Tensor, tangents: torch.Tensor, friction: float) -> torch.Tensor:
    """E_tws of one joint: mean over contacts of 1 - max(0, f . t), shape (B,) in [0, 1].

    A joint takes forces along its motion alone, the rest rests on its bearing; so the wrench that
    is wanted of a contact is a force along the way t that the joint leads it (the axis of a slide,
    the tangent of the circle about a hinge). f is the unit force in the contact's friction cone
    closest to t. Contacts that oppose the motion do not count against others: they hold.

    Args:
        inward: (n, 3, B) unit normals into the object at the contacts.
        tangents: (n, 3, B) unit directions in which the joint moves them.
        friction: Coulomb coefficient.
    """
    angle = math.atan(friction)
    along = (inward * tangents).sum(dim=1)
    across = torch.sqrt((1.0 - along**2).clamp_min(1e-8))
    served = along * math.cos(angle) + across * math.sin(angle)
    served = torch.where(along >= math.cos(angle), torch.ones_like(served), served)
    return (1.0 - served.clamp_min(0.0)).mean(dim=0)


def contact_distance(distance: torch.Tensor) -> torch.Tensor:
    """E_dis = sum_i |d(x_i, O)| [m] over contacts, from signed distances (n, B); shape (B,)."""
    return distance.abs().sum(dim=0)


def contact_region(points: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """E_reg = sum_i |x_i - nearest point of a box| [m]: contacts stay where they are wanted.

    Args:
        points: (n, 3, B) contacts [m].
        lower: (3,) corner of the box [m]; upper: (3,) the opposite one.

    Returns:
        (B,) [m].
    """
    nearest = torch.minimum(torch.maximum(points, lower[:, None]), upper[:, None])
    return torch.sqrt(((points - nearest) ** 2).sum(dim=1) + 1e-12).sum(dim=0)


def contact_alignment(hand_normals: torch.Tensor, inward: torch.Tensor) -> torch.Tensor:
    """E_align = sum_i 1 - cos(n_i, c_i): contacts face the surface that they touch.

    A finger with one motor can press in one direction only; candidates face it.

    Args:
        hand_normals: (n, 3, B) outward unit normals of the hand.
        inward: (n, 3, B) unit normals into the object.

    Returns:
        (B,) in [0, 2 n].
    """
    return (1.0 - (hand_normals * inward).sum(dim=1)).sum(dim=0)


def penetration(
    distance: torch.Tensor, radii: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """E_sdf = sum_s w_s max(0, r_s - SDF(c_s)) [m] over spheres; the paper has no weights.

    With heights above a plane for distances it is the table term of DexGraspNet.

    Args:
        distance: (S, B) signed distance of sphere centres to the nearest of all bodies [m].
        radii: (S,) or (S, B) [m].
        weights: (S,); None is 1.

    Returns:
        (B,) [m].
    """
    radii = radii if radii.dim() == 2 else radii[:, None]
    depth = (radii - distance).clamp_min(0.0)
    return depth.sum(dim=0) if weights is None else weights @ depth


def joint_limits(posture: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """E_J = sum_j max(0, q_j - upper_j) + max(0, lower_j - q_j) [rad].

    Args:
        posture: (J, B) [rad].
        lower: (J,) [rad]; upper: (J,) [rad].

    Returns:
        (B,) [rad].
    """
    above, below = posture - upper[:, None], lower[:, None] - posture
    return (above.clamp_min(0.0) + below.clamp_min(0.0)).sum(dim=0)
