"""How an optimised hand comes to its grasp: opened fingers and a straight line that is free."""

from __future__ import annotations

from dataclasses import replace

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, place
from dex1b_core.synthesis.scene import SynthesisScene

OPENINGS = (0.7, 0.45, 0.25)  # [rad] of every closing joint before contact
STANDOFFS = (0.0, 0.01, 0.02, 0.04, 0.06, 0.08)  # [m] where the line is checked
ENOUGH = 0.006  # [m] clearance beyond which more does not count


def plan_approach(
    hand: HandModel, scene: SynthesisScene, grasps: GraspBatch, approach_distance: float
) -> GraspBatch:
    """Fill in pregrasp and approach: among openings and directions those with most clearance.

    Of equally clear ones the widest opening and the first direction win: the shape is uncertain.
    """
    directions = _directions(hand, scene, grasps)
    steps = [d for d in STANDOFFS if d <= approach_distance + 1e-6]
    best = torch.full((len(grasps),), -torch.inf)
    pregrasp, approach = grasps.grasp, directions[0]
    for opening in OPENINGS:
        posture = _opened(hand, grasps.grasp, opening)
        spheres = place(hand, hand.spheres, posture, grasps.rotation, grasps.translation)
        for direction in directions:
            gap = torch.stack(
                [
                    (scene.clearance(spheres - d * direction[:, None]) - hand.spheres.radii)
                    .amin(dim=1)
                    for d in steps
                ]
            ).amin(dim=0).clamp_max(ENOUGH)  # fmt: skip
            better = gap > best + 1e-4
            best = torch.where(better, gap, best)
            pregrasp = torch.where(better[:, None], posture, pregrasp)
            approach = torch.where(better[:, None], direction, approach)
    return replace(grasps, pregrasp=pregrasp, approach=approach)


def _opened(hand: HandModel, posture: torch.Tensor, opening: float) -> torch.Tensor:
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    return torch.minimum(torch.maximum(posture - opening * hand.closing, lower), upper)


def _directions(hand: HandModel, scene: SynthesisScene, grasps: GraspBatch) -> list[torch.Tensor]:
    """(B, 3) directions: mixes of palm normal, finger direction, and straight down."""
    palm = hand.hand.palm
    link = hand.kinematics.link_names.index(palm.link)
    turned = grasps.rotation @ hand.kinematics.forward(grasps.grasp)[:, link, :3, :3]
    normal = torch.einsum('bij,j->bi', turned, torch.tensor(palm.normal))
    fingers = torch.einsum('bij,j->bi', turned, torch.tensor(palm.fingers))
    down = -scene.up.expand_as(normal)
    mixes = [normal + fingers, 2.0 * fingers + normal, 2.0 * normal + fingers,
             normal + fingers + down, fingers, normal, down]  # fmt: skip
    return [torch.nn.functional.normalize(mix, dim=-1) for mix in mixes]
