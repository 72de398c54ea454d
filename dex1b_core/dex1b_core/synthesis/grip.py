"""From an optimised grasp to what a controller needs: a pregrasp and a squeeze."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.geometry.batch_last import cross
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.contacts import FingerCandidates
from dex1b_core.synthesis.frame_points import normals_in_frames
from dex1b_core.synthesis.objective import GraspObjective, SceneBatch
from dex1b_core.synthesis.wrench import TORQUE_LENGTH


@dataclass(frozen=True)
class GripSettings:
    """How contacts become commands.

    Attributes:
        near: A finger whose closest contact candidate is nearer than this takes part [m].
        facing: Least cosine between hand and surface normals with which it takes part.
        opening: Fingertips retreat so far for the pregrasp [m].
        force: Wanted of each finger along the inward normal [N].
        stiffness: Position gain of the joint controllers, for which the squeeze is right
            [N m/rad].
        damping: Of the least squares that open the fingers [m].
        joint_openings: Other pregrasps that are tried: closing joints opened so far [rad].
        clearance: Gap of a pregrasp beyond which more does not count [m].
        balance_steps: Steps that balance the squeeze forces; 0 presses with all fingers alike.
        balance_rate: Size of those steps.
    """

    near: float = 0.008
    facing: float = 0.3
    opening: float = 0.010
    force: float = 5.0
    stiffness: float = 5.0
    damping: float = 0.01
    joint_openings: tuple[float, ...] = (0.15, 0.3, 0.5)
    clearance: float = 0.003
    balance_steps: int = 30
    balance_rate: float = 1.0


@dataclass(frozen=True)
class FingerContacts:
    """Where the F fingers of B grasps come closest to the object.

    Attributes:
        points: (F, 3, B) closest contact candidate of each finger [m].
        frames: (F, B) frame that carries it.
        facing: (F, B) cosine between the hand's outward normal there and the object's inward one.
        normals: (F, 3, B) outward unit normals of the object there.
        distance: (F, B) signed distance [m].
    """

    points: torch.Tensor
    frames: torch.Tensor
    facing: torch.Tensor
    normals: torch.Tensor
    distance: torch.Tensor

    def takes_part(self, settings: GripSettings) -> torch.Tensor:
        """(F, B) whether a finger is near the surface and faces it."""
        return (self.distance < settings.near) & (self.facing > settings.facing)


class FingerContactFinder:
    """Finds each finger's contact among all its candidates."""

    def __init__(self, hand: HandModel) -> None:
        self._normals = normals_in_frames(hand.kinematics, hand.contacts)
        self._candidates = FingerCandidates(hand)

    def find(self, scene: SceneBatch, columns: torch.Tensor) -> FingerContacts:
        """Contacts of grasps with frames (M + 1, 4, 3, B)."""
        points = self._candidates.points.place(columns)
        distance = scene.sdf.surface(points)[0]
        chosen = self._candidates.closest(distance)
        grasps = torch.arange(points.shape[-1], device=points.device)
        closest = points[chosen, :, grasps].permute(0, 2, 1)
        exact, normals = scene.sdf.surface(closest)
        frames = self._candidates.frames[chosen]
        own = self._normals[self._candidates.points.source[chosen]]
        outward = torch.einsum('fbj,fbji->fib', own, columns[frames, :3, :, grasps])
        facing = -(outward * normals).sum(dim=1)
        return FingerContacts(closest, frames, facing, normals, exact)


def pregrasp_posture(
    objective: GraspObjective,
    scene: SceneBatch,
    columns: torch.Tensor,
    posture: torch.Tensor,
    contacts: FingerContacts,
    settings: GripSettings,
) -> torch.Tensor:
    """Postures (J, B) [rad] from which the hand closes: of several openings the clearest.

    Fingertips move outwards along the object's normals, by least squares, or closing joints open;
    what else of a finger would then hit the object decides which.

    Args:
        objective: Of the hand, for its clearance.
        scene: The objects.
        columns: (M + 1, 4, 3, B) frames at the grasp.
        posture: (J, B) at the grasp [rad].
        contacts: Of the fingers at the grasp.
        settings: How far to open.
    """
    hand = objective.hand
    away = torch.full_like(contacts.distance, settings.opening)
    tips = [_moved(hand, columns, posture, contacts, part * away, settings) for part in (1.0, 0.5)]
    joints = [
        _within_limits(hand, posture - angle * hand.closing[:, None])
        for angle in settings.joint_openings
    ]
    chosen, best = posture, torch.full_like(posture[0], -torch.inf)
    root = columns[0, :3].transpose(0, 1), columns[0, 3]
    for opened in (*tips, *joints):
        gap = objective.clearance(scene, hand.kinematics.frame_columns(opened, *root))
        gap = gap.clamp_max(settings.clearance)
        better = gap > best + 1e-4
        chosen, best = torch.where(better, opened, chosen), torch.where(better, gap, best)
    return chosen


def squeeze_posture(
    hand: HandModel,
    columns: torch.Tensor,
    posture: torch.Tensor,
    contacts: FingerContacts,
    centre: torch.Tensor,
    settings: GripSettings,
) -> torch.Tensor:
    """Commands (J, B) [rad] whose stiff joints press the touching fingers on the object.

    q + J^T f / k with balanced f along the inward normals: what a position controller of gain k
    needs to be told for the forces f.
    """
    jacobian = hand.kinematics.jacobian(columns, contacts.frames, contacts.points)
    force = -balanced_forces(contacts, centre, settings)[:, None] * contacts.normals
    torque = torch.einsum('nijb,nib->jb', jacobian, force)
    return _within_limits(hand, posture + torque / settings.stiffness)


def balanced_forces(
    contacts: FingerContacts, centre: torch.Tensor, settings: GripSettings
) -> torch.Tensor:
    """(F, B) forces [N] along the inward normals of touching fingers that nearly cancel.

    Minimises the length of their sum as a wrench, at `settings.force` on average, by exponentiated
    gradients: forces stay positive and their sum is kept. Fingers that do not touch get none.
    """
    takes_part = contacts.takes_part(settings).float()
    arms = (contacts.points - centre) / TORQUE_LENGTH
    wrenches = torch.cat([contacts.normals, cross(arms, contacts.normals)], dim=1)
    wrenches = wrenches * takes_part[:, None]
    total = takes_part.sum(dim=0)
    logits = torch.log(takes_part.clamp_min(1e-9))
    share = torch.softmax(logits, dim=0)
    for _ in range(settings.balance_steps):
        net = (share[:, None] * wrenches).sum(dim=0)
        logits = logits - settings.balance_rate * (wrenches * net).sum(dim=1)
        share = torch.softmax(logits, dim=0)
    return settings.force * total * share * takes_part


def settled_posture(
    hand: HandModel,
    columns: torch.Tensor,
    posture: torch.Tensor,
    contacts: FingerContacts,
    settings: GripSettings,
) -> torch.Tensor:
    """Postures (J, B) [rad] whose touching fingertips lie on the surface, by least squares."""
    return _moved(hand, columns, posture, contacts, -contacts.distance, settings)


def _moved(
    hand: HandModel,
    columns: torch.Tensor,
    posture: torch.Tensor,
    contacts: FingerContacts,
    outwards: torch.Tensor,
    settings: GripSettings,
) -> torch.Tensor:
    """Postures with touching fingertips moved along the object's normals by (F, B) [m]."""
    jacobian = hand.kinematics.jacobian(columns, contacts.frames, contacts.points)
    takes_part = contacts.takes_part(settings).float()
    motion = outwards[:, None] * contacts.normals * takes_part[:, None]
    rows = (jacobian * takes_part[:, None, None]).flatten(0, 1).permute(2, 0, 1)
    square = rows @ rows.transpose(1, 2)
    square = square + settings.damping**2 * torch.eye(rows.shape[1], device=rows.device)
    wanted = motion.flatten(0, 1).T[..., None]
    change = (rows.transpose(1, 2) @ torch.linalg.solve(square, wanted))[..., 0].T
    return _within_limits(hand, posture + change)


def _within_limits(hand: HandModel, posture: torch.Tensor) -> torch.Tensor:
    return posture.T.clamp(hand.kinematics.lower, hand.kinematics.upper).T
