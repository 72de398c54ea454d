"""The point of an object that a grasp is about, and the direction in which its fingers point.

Dex1B, section IV: the heading goes from the palm to the middle between the tips of thumb and
middle finger; the associated point is the object's closest along it. Conditions on it are drawn
where earlier grasps are few.
"""

from __future__ import annotations

import torch

from dex1b_core.robots.hand_model import HandModel

REACH = 0.01  # [m] a point so near the line of heading is hit by it


def palm_and_heading(
    hand: HandModel, rotation: torch.Tensor, translation: torch.Tensor, posture: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Palm centre (B, 3) [m] and unit heading (B, 3); of hands with two tips or more.

    Of the other fingers the mean counts: not every hand has a middle finger.
    """
    poses = hand.kinematics.forward(posture)
    tips = poses[:, hand.tip_links, :3, 3]
    palm = poses[:, hand.kinematics.link_names.index(hand.hand.palm.link), :3, 3]
    others = tips[:, 1:].mean(dim=1) if tips.shape[1] > 1 else tips[:, 0]
    local = torch.nn.functional.normalize(0.5 * (tips[:, 0] + others) - palm, dim=1)
    centre = (rotation @ palm[..., None])[..., 0] + translation
    return centre, (rotation @ local[..., None])[..., 0]


def associated_points(
    points: torch.Tensor, centre: torch.Tensor, heading: torch.Tensor
) -> torch.Tensor:
    """(B,) index of the first point that the line of heading meets; else of the nearest to it.

    The paper takes the point nearest to the line, which may lie on the object's far side.

    Args:
        points: (B, N, 3) of each grasp's object [m].
        centre: (B, 3) palm centres [m].
        heading: (B, 3) unit.
    """
    offset = points - centre[:, None]
    along = (offset * heading[:, None]).sum(dim=2)
    aside = (offset - along[..., None] * heading[:, None]).norm(dim=2)
    ahead = along > 0.0
    met = ahead & (aside < REACH)
    first = torch.where(met, along, torch.inf).argmin(dim=1)
    nearest = torch.where(ahead, aside, aside + 1.0).argmin(dim=1)
    return torch.where(met.any(dim=1), first, nearest)
