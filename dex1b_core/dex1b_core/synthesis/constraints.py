"""What a request demands of grasps beside holding the object."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, place

Vector3 = tuple[float, float, float]
SUPPORT_TOLERANCE = 0.0005  # [m] the hand may be below the support
NEAR_REGION = 0.02  # [m] from the region of contacts hands may start


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
class Box:
    """An axis-aligned box from its lower to its upper corner, object frame [m]."""

    lower: Vector3
    upper: Vector3

    def contains(self, points: torch.Tensor) -> torch.Tensor:
        """(...) whether points (..., 3) lie inside."""
        inside = (points > torch.tensor(self.lower)) & (points < torch.tensor(self.upper))
        return inside.all(dim=-1)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """(...) distance [m] of points (..., 3) from the box, 0 inside."""
        nearest = points.clamp(torch.tensor(self.lower), torch.tensor(self.upper))
        distance: torch.Tensor = (points - nearest).norm(dim=-1)
        return distance


@dataclass(frozen=True)
class Constraints:
    """All optional; a default object demands nothing. Object frame.

    Attributes:
        approach: Axis of the cone in which the hand comes.
        approach_cone: Half angle of that cone [rad].
        half_spaces: Forbidden half-spaces.
        boxes: Where no part of the hand may be.
        contact_region: Where all fingers that touch must touch.
        min_fingers: So many fingers touch at least.
        wrist_lower: The hand's root link stays above this corner [m].
        wrist_upper: And below this one [m].
    """

    approach: Vector3 | None = None
    approach_cone: float = math.radians(45.0)
    half_spaces: tuple[HalfSpace, ...] = ()
    boxes: tuple[Box, ...] = ()
    contact_region: Box | None = None
    min_fingers: int = 0
    wrist_lower: Vector3 | None = None
    wrist_upper: Vector3 | None = None

    def approach_within(self, directions: torch.Tensor) -> torch.Tensor:
        """Unit directions (B, 3), those outside the cone turned to its edge."""
        if self.approach is None:
            return directions
        axis = torch.nn.functional.normalize(torch.tensor(self.approach), dim=0)
        along = (directions @ axis).clamp(-1.0, 1.0)
        side = directions - along[:, None] * axis
        lost = side.norm(dim=1) < 1e-4  # along the axis any side will do
        side[lost] = torch.linalg.cross(axis, torch.eye(3)[axis.abs().argmin()])
        side = torch.nn.functional.normalize(side, dim=1)
        angle = torch.acos(along).clamp_max(self.approach_cone)
        return torch.cos(angle)[:, None] * axis + torch.sin(angle)[:, None] * side

    def approach_directions(self, count: int, generator: torch.Generator) -> torch.Tensor | None:
        """(count, 3) unit directions, evenly within the cone; None without one."""
        if self.approach is None:
            return None
        drawn = torch.randn(count, 3, generator=generator)
        axis = torch.nn.functional.normalize(torch.tensor(self.approach), dim=0)
        side = torch.nn.functional.normalize(drawn - (drawn @ axis)[:, None] * axis, dim=1)
        least = math.cos(self.approach_cone)
        along = 1.0 - (1.0 - least) * torch.rand(count, 1, generator=generator)
        return along * axis + (1.0 - along**2).clamp_min(0.0).sqrt() * side

    def above(self, plane: torch.Tensor | None) -> Constraints:
        """These and that no part of the hand is below a plane (4,), normal and offset [m]."""
        if plane is None:
            return self
        x, y, z, offset = plane.tolist()
        space = HalfSpace((x, y, z), -offset - SUPPORT_TOLERANCE)
        return replace(self, half_spaces=(*self.half_spaces, space))

    @property
    def region(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """(3,) lower and (3,) upper corner of the region of contacts [m]."""
        box = self.contact_region
        return None if box is None else (torch.tensor(box.lower), torch.tensor(box.upper))

    def start_points(self, points: torch.Tensor) -> torch.Tensor:
        """Indices of points (P, 3) near which contacts may be; the closest where none are."""
        if self.contact_region is None:
            return torch.arange(len(points))
        distance = self.contact_region.distance(points)
        return (distance <= distance.min().clamp_min(NEAR_REGION)).nonzero().flatten()

    def allowed(
        self,
        hand: HandModel,
        grasps: GraspBatch,
        contacts: torch.Tensor,
        touches: torch.Tensor,
    ) -> torch.Tensor:
        """(B,) whether grasps meet every demand, in grasp and pregrasp.

        Args:
            hand: Whose grasps.
            grasps: B of them.
            contacts: (B, F, 3) contact point of each finger [m].
            touches: (B, F) whether it touches.
        """
        keep = touches.sum(dim=1) >= self.min_fingers
        if self.contact_region is not None:
            keep &= (self.contact_region.contains(contacts) | ~touches).all(dim=1)
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
                keep &= ~box.contains(points).any(dim=1)
        return keep
