"""Where seeds begin: a half-closed hand around a random point of the object's hull."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch


@dataclass(frozen=True)
class StartSettings:
    """How starts are drawn.

    Attributes:
        depth: Least and largest depth in the hull of the middle between the fingertips [m].
        cone: Half angle of the cone around the hull's normal in which the hand comes [rad].
        tilt: Largest angle between the palm's normal and the way in which the hand comes [rad]:
            palm first to nearly fingers first.
        spread: Standard deviation of joints, as a part of their range.
        tries: Starts drawn for each grasp above a support plane; the highest is taken.
    """

    depth: tuple[float, float] = (0.0, 0.03)
    cone: float = math.radians(30.0)
    tilt: float = 1.3
    spread: float = 0.1
    tries: int = 8


def random_starts(
    hand: HandModel,
    points: torch.Tensor,
    normals: torch.Tensor,
    settings: StartSettings,
    generator: torch.Generator,
) -> GraspBatch:
    """Hands that hold a point of the hull between their fingertips.

    Args:
        hand: Which hand.
        points: (B, 3) on the hull [m].
        normals: (B, 3) outward unit normals there.
        settings: How starts are drawn.
        generator: Of the random draws.

    Returns:
        Grasp and pregrasp are the same; the approach is the way in which the hand comes.
    """
    count = len(points)
    facing, along = palm_directions(hand)
    jitter = math.tan(settings.cone) * _uniform((count, 3), generator)
    approach = torch.nn.functional.normalize(-normals + jitter, dim=-1)
    world = _frames(approach, math.pi * _uniform((count,), generator))
    tilt = settings.tilt * torch.rand(count, generator=generator)[:, None]
    ahead = tilt.cos() * facing + tilt.sin() * along
    behind = tilt.cos() * along - tilt.sin() * facing
    own = torch.stack([ahead, behind, torch.linalg.cross(ahead, behind)], dim=2)
    rotation = world @ own.transpose(1, 2)
    low, high = settings.depth
    depth = low + (high - low) * torch.rand(count, generator=generator)
    translation = points + depth[:, None] * approach - rotation @ pinch_centre(hand)
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    noise = torch.randn((count, len(lower)), generator=generator)
    posture = hand.ready_posture + settings.spread * (upper - lower) * noise
    posture = posture.clamp(lower, upper)
    return GraspBatch(rotation, translation, posture, posture, approach)


def palm_directions(hand: HandModel) -> tuple[torch.Tensor, torch.Tensor]:
    """(3,) unit palm normal and (3,) unit direction of the straight fingers, root frame."""
    palm = hand.hand.palm
    link = hand.kinematics.link_names.index(palm.link)
    turn = hand.kinematics.forward(hand.open_posture[None])[0, link, :3, :3]
    return turn @ torch.tensor(palm.normal), turn @ torch.tensor(palm.fingers)


def pinch_centre(hand: HandModel) -> torch.Tensor:
    """(3,) middle between the thumb's tip and the others' in the root frame [m]."""
    tips = hand.kinematics.forward(hand.ready_posture[None])[0, hand.tip_links, :3, 3]
    return 0.5 * (tips[0] + tips[1:].mean(dim=0))


def _frames(first: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """(B, 3, 3) rotations with a given first column (B, 3), turned about it by (B,) [rad]."""
    helper = torch.zeros_like(first)
    helper.scatter_(-1, first.abs().argmin(dim=-1, keepdim=True), 1.0)
    side = torch.nn.functional.normalize(torch.linalg.cross(first, helper), dim=-1)
    up = torch.linalg.cross(first, side)
    second = torch.cos(roll)[:, None] * side + torch.sin(roll)[:, None] * up
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """In [-1, 1]."""
    return 2.0 * torch.rand(shape, generator=generator) - 1.0
