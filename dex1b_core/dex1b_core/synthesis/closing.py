"""Close a hand on an object joint by joint, kinematically, until every finger touches."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel, HandPoints
from dex1b_core.synthesis.batch import place
from dex1b_core.synthesis.scene import SynthesisScene

STEPS = 20  # of the coarse sweep from preshape to closed
REFINEMENTS = 4  # bisections of the step in which a finger touches
TOUCH = 0.0005  # [m] distance that counts as contact
NEAR = 0.008  # [m] a finger that comes so close takes part in the squeeze
TABLE_GAP = 0.002  # [m] closing stops here above the support plane


@dataclass(frozen=True)
class ClosedHand:
    """Result of closing.

    Attributes:
        posture: (B, J) [rad]; fingers that reach nothing keep the preshape.
        touching: (B, F) whether the finger touches or nearly touches the object.
        points: (B, F, 3) the finger's point closest to the object, planning frame [m].
        normals: (B, F, 3) outward unit normal of the object there.
        distance: (B, F) signed distance of that point [m].
    """

    posture: torch.Tensor
    touching: torch.Tensor
    points: torch.Tensor
    normals: torch.Tensor
    distance: torch.Tensor


def close_hand(
    hand: HandModel,
    scene: SynthesisScene,
    rotation: torch.Tensor,
    translation: torch.Tensor,
    preshape: torch.Tensor,
) -> ClosedHand:
    """Close all fingers from a preshape (B, J) at fixed wrist poses (B, 3, 3), (B, 3)."""
    fingers = _finger_points(hand)
    end = _closed_posture(hand, preshape)
    owner = hand.joint_fingers

    def posture(fraction: torch.Tensor) -> torch.Tensor:
        """(B, J) from the closed fraction (B, F) of each finger."""
        return preshape + fraction[:, owner] * (end - preshape)

    def gaps(fraction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, F) distance to the object and height above the table."""
        points = place(hand, fingers, posture(fraction), rotation, translation)
        return (
            _finger_min(hand, fingers, scene.sdf.distance(points)),
            _finger_min(hand, fingers, scene.height(points)),
        )

    shape = (len(translation), len(hand.finger_names))
    free, best = torch.zeros(shape), torch.zeros(shape)
    distance_there = torch.full(shape, torch.inf)
    hit, blocked = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    for step in range(STEPS + 1):
        fraction = torch.full(shape, step / STEPS)
        distance, height = gaps(fraction)
        moving = ~hit & ~blocked
        blocked |= moving & (height < TABLE_GAP) & (distance >= TOUCH)
        hit |= moving & (distance < TOUCH)
        moving = ~hit & ~blocked
        free = torch.where(moving, fraction, free)
        closer = moving & (distance < distance_there)
        best = torch.where(closer, fraction, best)
        distance_there = torch.where(closer, distance, distance_there)
    low, high = free, (free + 1.0 / STEPS).clamp_max(1.0)
    for _ in range(REFINEMENTS):
        middle = 0.5 * (low + high)
        touches = gaps(middle)[0] < TOUCH
        high = torch.where(touches, middle, high)
        low = torch.where(touches, low, middle)
    touching = hit | (distance_there < NEAR)
    fraction = torch.where(hit, low, torch.where(touching, best, torch.zeros(shape)))
    final = posture(fraction)
    points = place(hand, fingers, final, rotation, translation)
    return ClosedHand(final, touching, *closest_points(hand, fingers, scene, points))


def _finger_points(hand: HandModel) -> HandPoints:
    return hand.surface.select(hand.link_fingers[hand.surface.links] >= 0)


def _closed_posture(hand: HandModel, preshape: torch.Tensor) -> torch.Tensor:
    limit = torch.where(hand.closing > 0, hand.kinematics.upper, hand.kinematics.lower)
    return torch.where(hand.closing != 0, limit.expand_as(preshape), preshape)


def _finger_min(hand: HandModel, points: HandPoints, values: torch.Tensor) -> torch.Tensor:
    """(B, F) smallest of (B, N) values over each finger's points."""
    owner = hand.link_fingers[points.links]
    return torch.stack(
        [values[:, owner == f].amin(dim=1) for f in range(len(hand.finger_names))], dim=1
    )


def closest_points(
    hand: HandModel, fingers: HandPoints, scene: SynthesisScene, points: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each finger's point closest to the object.

    Args:
        hand: Whose fingers.
        fingers: Points of at least every finger.
        scene: With the object.
        points: (B, N, 3) the same points in the planning frame [m].

    Returns:
        (B, F, 3) points [m], (B, F, 3) outward normals of the object, (B, F) distances [m].
    """
    distance, normal = scene.sdf.query(points)
    owner = hand.link_fingers[fingers.links]
    index = torch.stack(
        [
            torch.where(owner == f, distance, torch.inf).argmin(dim=1)
            for f in range(len(hand.finger_names))
        ],
        dim=1,
    )
    rows = torch.arange(len(points))[:, None]
    return points[rows, index], normal[rows, index], distance[rows, index]
