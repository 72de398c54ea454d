"""What each finger does in a grasp, as a learned prediction reads it."""

from __future__ import annotations

import torch

from dex1b_core.geometry.batch_last import cross
from dex1b_core.synthesis.compliance import SqueezeResponse
from dex1b_core.synthesis.grip import FingerContacts, GripSettings
from dex1b_core.synthesis.objective import SceneBatch

FINGER_MEASURES = 13
_LENGTH = 0.1  # [m] that counts as 1 in places
_FARTHEST = 20.0  # [mm]
_FORCES = (-5.0, 10.0)  # [N]
_AROUND = 0.004  # [m] from a contact, where the surface may bend away


def finger_measures(
    scene: SceneBatch,
    contacts: FingerContacts,
    root: tuple[torch.Tensor, torch.Tensor],
    response: SqueezeResponse,
    settings: GripSettings,
) -> torch.Tensor:
    """(B, F, 13): place (3), normal (3), flatness, facing, distance, three forces, touch or not.

    Place (from the object's centre, in tenths of a metre) and normal (outward from the object) are
    in the frame of the hand's root, so that they say the same however hand and object are turned
    together. Flatness is the mean cosine between the normal at the contact and 4 mm around it.
    Distance is in millimetres; forces are that into the surface and the slack of friction at rest
    and under the worst pull, in newtons.

    Args:
        scene: What B grasps hold.
        contacts: Of their F fingers.
        root: (3, 3, B) rotation and (3, B) translation [m] of the hand's root link.
        response: Of the objects to the squeeze.
        settings: Which fingers touch.
    """
    rotation = root[0]
    places = torch.einsum('ijb,fib->fjb', rotation, contacts.points - scene.centre) / _LENGTH
    normals = torch.einsum('ijb,fib->fjb', rotation, contacts.normals)
    forces = (response.normal, response.finger_slack, response.finger_pulled_slack)
    rest = [
        _flatness(scene, contacts),
        contacts.facing,
        (1e3 * contacts.distance).clamp(-_FARTHEST, _FARTHEST),
        *(force.clamp(*_FORCES) for force in forces),
        contacts.takes_part(settings).float(),
    ]
    return torch.cat([places, normals, torch.stack(rest, dim=1)], dim=1).permute(2, 0, 1)


def _flatness(scene: SceneBatch, contacts: FingerContacts) -> torch.Tensor:
    """(F, B) mean cosine between the object's normal at each contact and at four places around."""
    normals = contacts.normals
    least = normals.abs().argmin(dim=1, keepdim=True)
    aside = torch.zeros_like(normals).scatter_(1, least, 1.0)
    first = torch.nn.functional.normalize(cross(normals, aside), dim=1)
    second = cross(normals, first)
    around = torch.cat([first, -first, second, -second])
    found = scene.sdf.surface(contacts.points.repeat(4, 1, 1) + _AROUND * around)[1]
    cosines = (found * normals.repeat(4, 1, 1)).sum(dim=1)
    return cosines.view(4, *contacts.distance.shape).mean(dim=0)
