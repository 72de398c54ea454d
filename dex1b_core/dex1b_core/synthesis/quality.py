"""Cheap measures that predict, before any physics, which grasps will hold."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, place
from dex1b_core.synthesis.closing import closest_points
from dex1b_core.synthesis.scene import SynthesisScene
from dex1b_core.synthesis.wrench import force_directions, wrench_residual

FRICTION = 0.5
TOUCH = 0.004  # [m] a finger closer than this counts as a contact
SWEEP = (0.0, 0.02, 0.04, 0.06, 0.08)  # [m] before the grasp pose, where the approach is checked


@dataclass(frozen=True)
class GraspQuality:
    """Measures of B grasps with F fingers.

    Attributes:
        penetration: (B,) deepest overlap of hand and object at the grasp [m], 0 if none.
        table: (B,) smallest height above the support plane in grasp and pregrasp [m].
        obstacles: (B,) smallest gap to the surroundings' points [m].
        self_gap: (B,) smallest gap between different fingers' spheres [m].
        sweep: (B,) smallest gap to object and table on the straight approach [m].
        touching: (B, F) whether the finger touches.
        residual: (B,) mean 1 - cos over force directions, 0 is best.
        opposition: (B,) cosine between the thumb's push and the opposite of the others'.
        arm: (B,) horizontal distance of the contacts' middle to the object's centre [m].
        unseen: (B,) mean distance of contacts to observed points [m].
    """

    penetration: torch.Tensor
    table: torch.Tensor
    obstacles: torch.Tensor
    self_gap: torch.Tensor
    sweep: torch.Tensor
    touching: torch.Tensor
    residual: torch.Tensor
    opposition: torch.Tensor
    arm: torch.Tensor
    unseen: torch.Tensor


def measure(
    hand: HandModel, scene: SynthesisScene, grasps: GraspBatch, approach_distance: float
) -> GraspQuality:
    """Measure grasps; touches neither physics nor the arm."""
    surface = place(hand, hand.surface, grasps.grasp, grasps.rotation, grasps.translation)
    opened = place(hand, hand.surface, grasps.pregrasp, grasps.rotation, grasps.translation)
    start = opened - approach_distance * grasps.approach[:, None]
    spheres = place(hand, hand.spheres, grasps.grasp, grasps.rotation, grasps.translation)
    points, normals, distance = closest_points(hand, hand.surface, scene, surface)
    touching = distance < TOUCH
    weights = touching.float()
    count = weights.sum(dim=1, keepdim=True).clamp_min(1.0)
    middle = (points * weights[..., None]).sum(dim=1) / count
    offset = middle - scene.centre
    offset = offset - (offset @ scene.up)[:, None] * scene.up
    unseen = torch.cdist(points, scene.visible[None].expand(len(points), -1, -1)).amin(dim=-1)
    heights = torch.stack([scene.height(p).amin(dim=1) for p in (surface, opened, start)])
    return GraspQuality(
        penetration=(-scene.sdf.distance(surface)).amax(dim=1).clamp_min(0.0),
        table=heights.amin(dim=0),
        obstacles=_obstacle_gap(hand, scene, spheres),
        self_gap=self_gap(hand, spheres),
        sweep=_sweep_gap(hand, scene, grasps, approach_distance),
        touching=touching,
        residual=wrench_residual(
            points.permute(1, 2, 0),
            -normals.permute(1, 2, 0),
            scene.centre[:, None],
            force_directions(14),
            FRICTION,
            weights.T,
        ),
        opposition=_opposition(normals, weights),
        arm=offset.norm(dim=-1),
        unseen=(unseen * weights).sum(dim=1) / count[:, 0],
    )


def self_gap(hand: HandModel, spheres: torch.Tensor) -> torch.Tensor:
    """(B,) smallest gap [m] between spheres (B, S, 3) of thumb and other fingers."""
    owner = hand.link_fingers[hand.spheres.links]
    thumb, others = owner == 0, owner > 0
    gaps = torch.cdist(spheres[:, thumb], spheres[:, others])
    gaps = gaps - hand.spheres.radii[thumb][:, None] - hand.spheres.radii[others]
    return gaps.flatten(1).amin(dim=1)


def _obstacle_gap(hand: HandModel, scene: SynthesisScene, spheres: torch.Tensor) -> torch.Tensor:
    if len(scene.obstacles) == 0:
        return torch.full((len(spheres),), torch.inf)
    gaps = scene.obstacle_distance(spheres) - hand.spheres.radii
    return gaps.amin(dim=1)


def _sweep_gap(
    hand: HandModel, scene: SynthesisScene, grasps: GraspBatch, approach_distance: float
) -> torch.Tensor:
    spheres = place(hand, hand.spheres, grasps.pregrasp, grasps.rotation, grasps.translation)
    steps = [d for d in SWEEP if d <= approach_distance + 1e-6]
    gaps = [
        (scene.clearance(spheres - d * grasps.approach[:, None]) - hand.spheres.radii).amin(dim=1)
        for d in steps
    ]
    return torch.stack(gaps).amin(dim=0)


def _opposition(normals: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    others = (normals[:, 1:] * weights[:, 1:, None]).sum(dim=1)
    others = torch.nn.functional.normalize(others, dim=-1, eps=1e-6)
    opposition = -(normals[:, 0] * others).sum(dim=-1)
    has_both = (weights[:, 0] > 0) & (weights[:, 1:].sum(dim=1) > 0)
    return torch.where(has_both, opposition, torch.full_like(opposition, -1.0))
