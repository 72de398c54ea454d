"""What a request demands of grasps beside holding the object."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, place

Vector3 = tuple[float, float, float]


@dataclass(frozen=True)
class HalfSpace:
    """Where no part of the hand may be: n . x < offset, object frame.

    Attributes:
        normal: Unit vector.
        offset: [m].
    """

    normal: Vector3
    offset: float


@dataclass(frozen=True)
class ForbiddenBox:
    """Where no part of the hand may be: an axis-aligned box, object frame [m]."""

    lower: Vector3
    upper: Vector3


@dataclass(frozen=True)
class Constraints:
    """All optional; a default object demands nothing. Object frame.

    Attributes:
        approach: Axis of the cone in which the hand comes.
        approach_cone: Half angle of that cone [rad].
        half_spaces: Forbidden half-spaces.
        boxes: Forbidden boxes.
        wrist_lower: The hand's root link stays above this corner [m].
        wrist_upper: And below this one [m].
    """

    approach: Vector3 | None = None
    approach_cone: float = math.radians(45.0)
    half_spaces: tuple[HalfSpace, ...] = ()
    boxes: tuple[ForbiddenBox, ...] = ()
    wrist_lower: Vector3 | None = None
    wrist_upper: Vector3 | None = None

    def approach_within(self, directions: torch.Tensor) -> torch.Tensor:
        """Unit directions (B, 3), those outside the cone turned to its edge."""
        if self.approach is None:
            return directions
        axis = torch.nn.functional.normalize(torch.tensor(self.approach), dim=0)
        along = (directions @ axis).clamp(-1.0, 1.0)
        side = torch.nn.functional.normalize(directions - along[:, None] * axis, dim=1)
        angle = torch.acos(along).clamp_max(self.approach_cone)
        return torch.cos(angle)[:, None] * axis + torch.sin(angle)[:, None] * side

    def allowed(self, hand: HandModel, grasps: GraspBatch) -> torch.Tensor:
        """(B,) whether grasps meet every demand, in grasp and pregrasp."""
        keep = torch.ones(len(grasps), dtype=torch.bool)
        wrist = grasps.translation
        if self.wrist_lower is not None:
            keep &= (wrist >= torch.tensor(self.wrist_lower)).all(dim=1)
        if self.wrist_upper is not None:
            keep &= (wrist <= torch.tensor(self.wrist_upper)).all(dim=1)
        if not (self.half_spaces or self.boxes):
            return keep
        for posture in (grasps.grasp, grasps.pregrasp):
            points = place(hand, hand.surface, posture, grasps.rotation, grasps.translation)
            for space in self.half_spaces:
                keep &= (points @ torch.tensor(space.normal) >= space.offset).all(dim=1)
            for box in self.boxes:
                inside = (points > torch.tensor(box.lower)) & (points < torch.tensor(box.upper))
                keep &= ~inside.all(dim=2).any(dim=1)
        return keep
