"""Where optimisation begins: hands in front of the object, from where an arm can come."""

from __future__ import annotations

import math

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, place
from dex1b_core.synthesis.preshape import HandPreshape, preshapes
from dex1b_core.synthesis.scene import SynthesisScene

TRIES = 8  # drawn for each start; the one farthest from the support plane is taken
GAP = (0.0, 0.03)  # [m] from the surface point to the middle between the fingertips
CONE = math.radians(30.0)
TILT_UP = 0.2  # an approach climbs at most so steeply (cosine to the plane's normal)
AGAINST = -0.3  # and comes back towards the robot at most so directly
POSTURE_SPREAD = 0.1  # of each joint's range
OPENED, OPPOSITION = (0.1, 0.25), (-0.35, 0.0)


def random_starts(
    hand: HandModel, scene: SynthesisScene, count: int, generator: torch.Generator
) -> GraspBatch:
    """Hands that face random surface points from the half-space in which an arm can come.

    Postures are half closed with noise; `grasp` and `pregrasp` are the same.
    """
    shapes = preshapes(hand, OPENED, OPPOSITION)
    tries = [_draw(hand, scene, shapes, count, generator) for _ in range(TRIES)]
    heights = torch.stack(
        [
            (scene.height(place(hand, hand.spheres, t.grasp, t.rotation, t.translation))
             - hand.spheres.radii).amin(dim=1)
            for t in tries
        ]
    )  # fmt: skip
    best = heights.argmax(dim=0)
    rows = torch.arange(count)
    return GraspBatch(
        *(
            torch.stack([getattr(t, name) for t in tries])[best, rows]
            for name in ('rotation', 'translation', 'pregrasp', 'grasp', 'approach')
        )
    )


def _draw(
    hand: HandModel,
    scene: SynthesisScene,
    shapes: list[HandPreshape],
    count: int,
    generator: torch.Generator,
) -> GraspBatch:
    point, towards = _surface_points(scene, count, generator)
    turned = towards + math.tan(CONE) * _uniform((count, 3), generator)
    approach = _reachable(scene, torch.nn.functional.normalize(turned, dim=-1))
    which = torch.randint(len(shapes), (count,), generator=generator)
    frame = torch.stack([shape.frame for shape in shapes])[which]
    centre = torch.stack([shape.centre for shape in shapes])[which]
    rotation = _aligned(frame, approach, math.pi * _uniform((count,), generator))
    gap = GAP[0] + (GAP[1] - GAP[0]) * torch.rand(count, generator=generator)
    target = point - gap[:, None] * approach
    translation = target - torch.einsum('bij,bj->bi', rotation, centre)
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    noise = POSTURE_SPREAD * (upper - lower) * torch.randn((count, len(lower)), generator=generator)
    posture = torch.stack([shape.posture for shape in shapes])[which] + noise
    posture = torch.minimum(torch.maximum(posture, lower), upper)
    return GraspBatch(rotation, translation, posture, posture, approach)


def _surface_points(
    scene: SynthesisScene, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on the surface, seen from random outside points, and directions into it."""
    radius = 0.5 * (scene.vertices.amax(dim=0) - scene.vertices.amin(dim=0)).norm()
    outside = torch.nn.functional.normalize(torch.randn((count, 3), generator=generator), dim=-1)
    outside[:, :] = outside - 2.0 * (outside @ scene.up).clamp_max(0.0)[:, None] * scene.up
    start = scene.centre + radius * outside
    for _ in range(3):  # walk to the nearest surface
        distance, normal = scene.sdf.query(start)
        start = start - distance[:, None] * normal
    return start, -scene.sdf.query(start)[1]


def _reachable(scene: SynthesisScene, direction: torch.Tensor) -> torch.Tensor:
    """Turn directions from below or from behind the object to the nearest allowed ones."""
    up = scene.up
    outwards = scene.centre - (scene.centre @ up) * up
    outwards = torch.nn.functional.normalize(outwards, dim=0, eps=1e-6)
    rise = (direction @ up - TILT_UP).clamp_min(0.0)
    direction = direction - rise[:, None] * up
    back = (AGAINST - direction @ outwards).clamp_min(0.0)
    direction = direction + back[:, None] * outwards
    return torch.nn.functional.normalize(direction, dim=-1)


def _aligned(frame: torch.Tensor, approach: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """(B, 3, 3) rotations that turn each frame's second column to the approach."""
    helper = torch.zeros_like(approach)
    helper.scatter_(-1, approach.abs().argmin(dim=-1, keepdim=True), 1.0)
    first = torch.nn.functional.normalize(torch.linalg.cross(approach, helper), dim=-1)
    second = torch.linalg.cross(approach, first)
    axis = torch.cos(roll)[:, None] * first + torch.sin(roll)[:, None] * second
    world = torch.stack([axis, approach, torch.linalg.cross(axis, approach)], dim=-1)
    return world @ frame.transpose(1, 2)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """In [-1, 1]."""
    return 2.0 * torch.rand(shape, generator=generator) - 1.0
