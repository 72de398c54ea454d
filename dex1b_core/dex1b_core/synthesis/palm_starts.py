"""Where seeds begin: a half-closed hand, its palm facing a random point of the object's hull."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch


@dataclass(frozen=True)
class PalmStartSettings:
    """How starts are drawn.

    Attributes:
        gap: Least and largest distance from the palm's face to the hull [m].
        cone: Half angle of the cone around the hull's normal in which the palm faces [rad].
        spread: Standard deviation of joints, as a part of their range.
        tries: Starts drawn for each grasp near a support plane; the highest is taken.
    """

    gap: tuple[float, float] = (0.02, 0.06)
    cone: float = math.radians(30.0)
    spread: float = 0.1
    tries: int = 8


def palm_starts(
    hand: HandModel,
    ready: torch.Tensor,
    points: torch.Tensor,
    normals: torch.Tensor,
    settings: PalmStartSettings,
    generator: torch.Generator,
) -> GraspBatch:
    """Hands whose palm faces surface points.

    Args:
        hand: Which hand.
        ready: (J,) half-closed posture around which postures are drawn [rad].
        points: (B, 3) on the hull [m].
        normals: (B, 3) outward unit normals there.
        settings: How starts are drawn.
        generator: Of the random draws.

    Returns:
        Grasp and pregrasp are the same; the approach runs along the palm's normal.
    """
    count = len(points)
    facing, along, face = palm_frame(hand)
    jitter = math.tan(settings.cone) * _uniform((count, 3), generator)
    approach = torch.nn.functional.normalize(-normals + jitter, dim=-1)
    world = _frames(approach, math.pi * _uniform((count,), generator))
    palm = torch.stack([facing, along, torch.linalg.cross(facing, along)], dim=1)
    rotation = world @ palm.T
    low, high = settings.gap
    gap = low + (high - low) * torch.rand(count, generator=generator)
    translation = points - gap[:, None] * approach - rotation @ face
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    noise = torch.randn((count, len(lower)), generator=generator)
    posture = (ready + settings.spread * (upper - lower) * noise).clamp(lower, upper)
    return GraspBatch(rotation, translation, posture, posture, approach)


def palm_frame(hand: HandModel) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The palm in the root frame: unit normal, unit direction of fingers, middle of its face [m]."""
    palm = hand.hand.palm
    link = hand.kinematics.link_names.index(palm.link)
    root_T_palm = hand.kinematics.forward(hand.open_posture[None])[0, link]
    facing = root_T_palm[:3, :3] @ torch.tensor(palm.normal)
    along = root_T_palm[:3, :3] @ torch.tensor(palm.fingers)
    root_T_links = hand.kinematics.forward(hand.open_posture[None])
    fixed = hand.link_fingers[hand.surface.links] < 0
    points = hand.surface.place(root_T_links)[0, fixed]
    normals = hand.surface.place_normals(root_T_links)[0, fixed]
    front = points[normals @ facing > 0.7]
    return facing, along, front.mean(dim=0)


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
