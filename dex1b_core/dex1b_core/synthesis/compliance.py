"""What a squeeze does to an object: joints are springs, touching fingertips stick to it.

Position-controlled joints pull with torques k (command - position). The object moves until the
forces of all fingers balance; if they must lean out of their friction cones for that, it slips or
turns while the hand closes. One linear system per grasp tells this before any simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.grip import FingerContacts, GripSettings

CONTACT_COMPLIANCE = 2e-4  # [m/N] of a contact itself, in any direction
GROUND = 1e-3  # [N/m], [N m/rad] of a spring to the world that keeps the system regular
GROUND_LENGTH = 0.03  # [m]
PULL = 1.0  # [N] in each of six directions
FRICTION = 0.4


@dataclass(frozen=True)
class SqueezeResponse:
    """Where B squeezed objects come to rest and how F fingers then press.

    Attributes:
        shift: (B,) the object's centre has moved [m].
        turn: (B,) it has turned [rad].
        normal: (F, B) force of each finger into the surface [N]; 0 for those that do not touch.
        slack: (B,) smallest friction_coefficient * normal - tangential force [N] of any touching
            finger; negative where one slides.
        pulled_slack: (B,) the same while the object is pulled, in the worst of six directions.
        fingers: (B,) part of the fingers that touch.
        finger_slack: (F, B) of each finger alone [N]; 0 for those that do not touch.
        finger_pulled_slack: (F, B) the same while the object is pulled.
        pulled_shift: (6, B) how far the centre gives way to each pull [m].
        pulled_turn: (6, B) how far the object turns meanwhile [rad].
    """

    shift: torch.Tensor
    turn: torch.Tensor
    normal: torch.Tensor
    slack: torch.Tensor
    pulled_slack: torch.Tensor
    fingers: torch.Tensor
    finger_slack: torch.Tensor
    finger_pulled_slack: torch.Tensor
    pulled_shift: torch.Tensor
    pulled_turn: torch.Tensor


def squeeze_response(
    hand: HandModel,
    columns: torch.Tensor,
    contacts: FingerContacts,
    centre: torch.Tensor,
    change: torch.Tensor,
    settings: GripSettings,
) -> SqueezeResponse:
    """Response of free objects to joints commanded beyond the posture in which fingers touch.

    A finger with Jacobian J at its contact has the stiffness K = (J J^T / k + c I)^-1 there and
    presses with K J change on an object that is held. The free object follows by the twist that
    cancels the sum of all wrenches.

    Args:
        hand: Whose fingers.
        columns: (M + 1, 4, 3, B) frames at the grasp.
        contacts: Of the fingers there.
        centre: (3, B) centre of the objects [m].
        change: (J, B) commanded minus present joint positions [rad].
        settings: With the joints' stiffness k, and which fingers touch.
    """
    jacobian = hand.kinematics.jacobian(columns, contacts.frames, contacts.points)
    jacobian = jacobian.permute(3, 0, 1, 2)
    touches = contacts.takes_part(settings).T
    inward = -contacts.normals.permute(2, 0, 1)
    compliance = jacobian @ jacobian.transpose(2, 3) / settings.stiffness
    identity = torch.eye(3, device=centre.device)
    stiffness = torch.linalg.inv(compliance + CONTACT_COMPLIANCE * identity)
    stiffness = stiffness * touches[..., None, None]
    arms = (contacts.points - centre).permute(2, 0, 1)
    motion = torch.cat([identity.expand(*arms.shape[:2], 3, 3), -_skew(arms)], dim=3)
    response = stiffness @ motion
    ground = GROUND * torch.tensor([1.0] * 3 + [GROUND_LENGTH**2] * 3, device=centre.device)
    total = (motion.transpose(2, 3) @ response).sum(dim=1) + torch.diag(ground)
    pressing = stiffness @ jacobian @ change.T[:, None, :, None]
    wrench = (motion.transpose(2, 3) @ pressing).sum(dim=1)
    pull = PULL * torch.eye(6, 3, device=centre.device)
    pulls = torch.cat([pull, -pull], dim=1)
    wanted = torch.cat([wrench, pulls.expand(len(total), 6, 6)], dim=2)
    twists = torch.linalg.solve(total.double(), wanted.double()).float()  # one finger: cond. 1e9
    twist = twists[:, :, :1]
    resting = pressing - response @ twist[:, None]
    pulled = resting - response @ twists[:, None, :, 1:]
    slack, pulled_slack = (
        (FRICTION * normal - tangential).amin(dim=2)
        for normal, tangential in (_parts(forces, inward) for forces in (resting, pulled))
    )
    return SqueezeResponse(
        twist[:, :3, 0].norm(dim=1),
        twist[:, 3:, 0].norm(dim=1),
        (resting[..., 0] * inward).sum(dim=2).T,
        _least(slack, touches),
        _least(pulled_slack, touches),
        touches.float().mean(dim=1),
        (slack * touches).T,
        (pulled_slack * touches).T,
        twists[:, :3, 1:].norm(dim=1).T,
        twists[:, 3:, 1:].norm(dim=1).T,
    )


def _parts(forces: torch.Tensor, inward: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal part and length of the tangential part, (B, F, K) each, of forces (B, F, 3, K)."""
    normal = (forces * inward[..., None]).sum(dim=2)
    return normal, (forces - normal[:, :, None] * inward[..., None]).norm(dim=2)


def _least(slack: torch.Tensor, touches: torch.Tensor) -> torch.Tensor:
    """(B,) of the touching fingers (B, F); none of them touching is -PULL."""
    least = torch.where(touches, slack, torch.inf).amin(dim=1)
    return torch.where(least.isinf(), -PULL, least)


def _skew(vectors: torch.Tensor) -> torch.Tensor:
    """(..., 3, 3) matrices that multiply like the cross product with vectors (..., 3)."""
    x, y, z = vectors.unbind(dim=-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, dim=-1).view(*x.shape, 3, 3)
