"""How fingers press where they are closest to an object: do their forces cancel?

Contacts drawn at random teach a hand to face an object; in the end it is each finger's closest
contact that presses. A grasp whose forces there do not cancel turns or throws off the object
while it closes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.geometry.batch_last import cross
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.contacts import FingerCandidates
from dex1b_core.synthesis.wrench import TORQUE_LENGTH

FEWEST_JOINTS = 3  # with which a finger can press in any direction
STIFFNESS = 5.0  # [N m/rad] of joints
SOFTNESS = 1e-3  # [m/N] of contacts: directions in which joints yield less count as rigid
BALANCE_STEPS = 10
BALANCE_RATE = 2.0
REACH = 0.03  # [m] beyond which a finger carries nothing


@dataclass(frozen=True)
class Press:
    """Closest contacts of F fingers in B grasps, and how they share the load.

    Attributes:
        chosen: (F, B) index of each finger's closest contact point.
        frames: (F, B) frame that carries it.
        push: (F, 3, 3, B) turns an inward normal into the force that the finger's joints give when
            told to press along it.
        share: (F, B) part of the load; sums to 1 over the fingers.
    """

    chosen: torch.Tensor
    frames: torch.Tensor
    push: torch.Tensor
    share: torch.Tensor


class FingerPressing:
    """Energies of the closest contacts of a hand whose fingers can press in any direction."""

    def __init__(self, hand: HandModel) -> None:
        self._kinematics = hand.kinematics
        self._candidates = FingerCandidates(hand)
        self._local = self._candidates.points.homogeneous.flatten(0, 1)

    @torch.no_grad()
    def look(self, sdf: SdfBatch, centre: torch.Tensor, columns: torch.Tensor) -> Press:
        """Find the closest contacts and share the load so that forces and torques nearly cancel.

        Args:
            sdf: The objects.
            centre: (3, B) about which torques are taken [m].
            columns: (F, 4, 3, B) poses of the hand's frames.
        """
        points = self._candidates.points.place(columns)
        chosen = self._candidates.closest(sdf.distance(points))
        frames = self._candidates.frames[chosen]
        grasps = torch.arange(points.shape[-1], device=points.device)
        closest = points[chosen, :, grasps].permute(0, 2, 1)
        gap, normals = sdf.surface(closest)
        jacobian = self._kinematics.jacobian(columns, frames, closest).permute(3, 0, 1, 2)
        mobility = jacobian @ jacobian.mT / STIFFNESS
        softness = SOFTNESS * torch.eye(3, device=points.device)
        push = torch.linalg.solve(mobility + softness, mobility).permute(1, 2, 3, 0)
        force, torque = _wrench(push, closest, -normals, centre)
        logits = torch.log((1.0 - gap.clamp_min(0.0) / REACH).clamp_min(1e-6))
        for _ in range(BALANCE_STEPS):
            share = torch.softmax(logits, dim=0)
            net = (share[:, None] * force).sum(dim=0), (share[:, None] * torque).sum(dim=0)
            slope = (force * net[0]).sum(dim=1) + (torque * net[1]).sum(dim=1)
            logits = logits - BALANCE_RATE * slope
        return Press(chosen, frames, push, torch.softmax(logits, dim=0))

    def terms(
        self, sdf: SdfBatch, centre: torch.Tensor, columns: torch.Tensor, press: Press
    ) -> dict[str, torch.Tensor]:
        """Energies (B,) of closest contacts x_i with inward normals n_i, load a_i, forces P_i n_i.

        balance is |sum_i a_i (P_i n_i, (x_i - c) x P_i n_i / L)|^2, lean is
        sum_i a_i (1 - n_i . P_i n_i), touch is sum_i |d(x_i)| [m].
        """
        grasps = torch.arange(columns.shape[-1], device=columns.device)
        poses = columns[press.frames, :, :, grasps]
        points = (self._local[press.chosen][..., None, :] @ poses)[..., 0, :].permute(0, 2, 1)
        gap, normals = sdf.surface(points)
        force, torque = _wrench(press.push, points, -normals, centre)
        net_force = (press.share[:, None] * force).sum(dim=0)
        net_torque = (press.share[:, None] * torque).sum(dim=0)
        return {
            'balance': (net_force**2).sum(dim=0) + (net_torque**2).sum(dim=0),
            'lean': (press.share * (1.0 + (force * normals).sum(dim=1))).sum(dim=0),
            'touch': gap.abs().clamp_max(REACH).sum(dim=0),
        }


def can_press_anywhere(hand: HandModel) -> bool:
    """Whether fingers have joints enough to choose the direction in which they press."""
    return len(hand.kinematics.joint_names) >= FEWEST_JOINTS * len(hand.finger_names)


def _wrench(
    push: torch.Tensor, points: torch.Tensor, inward: torch.Tensor, centre: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(F, 3, B) forces and torques, in units of `TORQUE_LENGTH`, of unit presses."""
    force = (push * inward[:, None]).sum(dim=2)
    return force, cross((points - centre) / TORQUE_LENGTH, force)
