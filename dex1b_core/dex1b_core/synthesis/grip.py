"""From an optimised grasp to what a controller needs: a pregrasp and a squeeze."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.objective import SceneBatch


@dataclass(frozen=True)
class GripSettings:
    """How contacts become commands.

    Attributes:
        near: A finger whose closest contact candidate is nearer than this takes part [m].
        opening: Fingertips retreat so far for the pregrasp [m].
        force: Wanted of each finger along the inward normal [N].
        stiffness: Position gain of the joint controllers, for which the squeeze is right
            [N m/rad].
        damping: Of the least squares that open the fingers [m].
    """

    near: float = 0.008
    opening: float = 0.010
    force: float = 5.0
    stiffness: float = 5.0
    damping: float = 0.01


@dataclass(frozen=True)
class FingerContacts:
    """Where the F fingers of B grasps come closest to the object.

    Attributes:
        points: (F, 3, B) closest contact candidate of each finger [m].
        frames: (F, B) frame that carries it.
        normals: (F, 3, B) outward unit normals of the object there.
        distance: (F, B) signed distance [m].
    """

    points: torch.Tensor
    frames: torch.Tensor
    normals: torch.Tensor
    distance: torch.Tensor


class FingerContactFinder:
    """Finds each finger's contact among all its candidates."""

    def __init__(self, hand: HandModel) -> None:
        self._points = FramePoints.build(hand.kinematics, hand.contacts)
        source = self._points.source
        finger = torch.where(source < 0, -1, hand.contact_fingers[source.clamp_min(0)])
        self._rows = [
            (finger == index).nonzero().flatten() for index in range(len(hand.finger_names))
        ]
        self._frames = self._points.frames.repeat_interleave(self._points.homogeneous.shape[1])

    def find(self, scene: SceneBatch, columns: torch.Tensor) -> FingerContacts:
        """Contacts of grasps with frames (M + 1, 4, 3, B)."""
        points = self._points.place(columns)
        distance = scene.sdf.surface(points)[0]
        chosen = torch.stack([rows[distance[rows].argmin(dim=0)] for rows in self._rows])
        grasps = torch.arange(points.shape[-1], device=points.device)
        closest = points[chosen, :, grasps].permute(0, 2, 1)
        exact, normals = scene.sdf.surface(closest)
        return FingerContacts(closest, self._frames[chosen], normals, exact)


def pregrasp_posture(
    hand: HandModel,
    columns: torch.Tensor,
    posture: torch.Tensor,
    contacts: FingerContacts,
    settings: GripSettings,
) -> torch.Tensor:
    """Postures (J, B) [rad] with every touching fingertip moved outwards, by least squares.

    Args:
        hand: Which hand.
        columns: (M + 1, 4, 3, B) frames at the grasp.
        posture: (J, B) at the grasp [rad].
        contacts: Of the fingers at the grasp.
        settings: How far to open.
    """
    return _moved(
        hand,
        columns,
        posture,
        contacts,
        torch.full_like(contacts.distance, settings.opening),
        settings,
    )


def squeeze_posture(
    hand: HandModel,
    columns: torch.Tensor,
    posture: torch.Tensor,
    contacts: FingerContacts,
    settings: GripSettings,
) -> torch.Tensor:
    """Commands (J, B) [rad] whose stiff joints press the touching fingers on the object.

    q + J^T f / k with f along the inward normals: what a position controller of gain k needs to
    be told for the forces f. Commands may pass joint limits by nothing.
    """
    jacobian = hand.kinematics.jacobian(columns, contacts.frames, contacts.points)
    force = -settings.force * contacts.normals * (contacts.distance < settings.near)[:, None]
    torque = torch.einsum('nijb,nib->jb', jacobian, force)
    return _within_limits(hand, posture + torque / settings.stiffness)


def _within_limits(hand: HandModel, posture: torch.Tensor) -> torch.Tensor:
    return posture.T.clamp(hand.kinematics.lower, hand.kinematics.upper).T


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
    takes_part = (contacts.distance < settings.near).float()
    motion = outwards[:, None] * contacts.normals * takes_part[:, None]
    rows = (jacobian * takes_part[:, None, None]).flatten(0, 1).permute(2, 0, 1)
    square = rows @ rows.transpose(1, 2)
    square = square + settings.damping**2 * torch.eye(rows.shape[1], device=rows.device)
    wanted = motion.flatten(0, 1).T[..., None]
    change = (rows.transpose(1, 2) @ torch.linalg.solve(square, wanted))[..., 0].T
    return _within_limits(hand, posture + change)
