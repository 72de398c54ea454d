"""Which points of a hand are meant to touch, drawn anew while a grasp is optimised."""

from __future__ import annotations

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.frame_points import FramePoints, in_frames, normals_in_frames


class ContactDraw:
    """Contact candidates of a batch of grasps: one of the thumb, others of different fingers."""

    def __init__(
        self, hand: HandModel, batch: int, contacts: int, generator: torch.Generator
    ) -> None:
        fingers = [
            (hand.contact_fingers == f).nonzero().flatten() for f in range(len(hand.finger_names))
        ]
        count = min(len(finger) for finger in fingers)
        self._table = torch.stack([finger[:count] for finger in fingers])
        self._frames = hand.kinematics.link_frames[hand.contacts.links]
        positions = in_frames(hand.kinematics, hand.contacts)
        points = torch.cat([positions, torch.ones_like(positions[:, :1])], dim=1)
        normals = normals_in_frames(hand.kinematics, hand.contacts)
        normals = torch.cat([normals, torch.zeros_like(normals[:, :1])], dim=1)
        self._local = torch.stack([points, normals], dim=1)
        self._generator = generator
        self._shape = (min(contacts, len(fingers)), batch)
        self.chosen = self._draw()

    def redraw(self, probability: float) -> None:
        """Draw each contact anew with this probability."""
        change = torch.rand(self._shape, generator=self._generator) < probability
        drawn = self._draw()
        self.chosen = torch.where(change.to(drawn.device), drawn, self.chosen)

    def place(self, columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Chosen points and the hand's outward normals there.

        Args:
            columns: (F, 4, 3, B) from `HandKinematics.frame_columns`.

        Returns:
            (n, 3, B) points [m] and (n, 3, B) unit normals.
        """
        grasps = torch.arange(self._shape[1], device=columns.device)
        poses = columns[self._frames[self.chosen], :, :, grasps]
        placed = self._local[self.chosen] @ poses
        points, normals = placed.permute(2, 0, 3, 1)
        return points, normals

    def _draw(self) -> torch.Tensor:
        """(n, B) candidates; rows beside the first are of different fingers."""
        contacts, batch = self._shape
        fingers, each = self._table.shape
        order = torch.rand((fingers - 1, batch), generator=self._generator)
        finger = torch.zeros(self._shape, dtype=torch.int64)
        finger[1:] = 1 + order.argsort(dim=0)[: contacts - 1]
        which = torch.randint(each, self._shape, generator=self._generator)
        return self._table[finger, which]  # drawn on the CPU: the same on every device


class FingerCandidates:
    """All contact candidates of a hand, by finger.

    Attributes:
        points: Where they are.
        frames: (K,) frame that carries each of the K placed points, padding included.
    """

    def __init__(self, hand: HandModel) -> None:
        self.points = FramePoints.build(hand.kinematics, hand.contacts)
        self.frames = self.points.frames.repeat_interleave(self.points.homogeneous.shape[1])
        source = self.points.source
        finger = torch.where(source < 0, -1, hand.contact_fingers[source.clamp_min(0)])
        self._rows = [(finger == f).nonzero().flatten() for f in range(len(hand.finger_names))]

    def closest(self, distance: torch.Tensor) -> torch.Tensor:
        """(F, B) the placed point of each finger with the least of distances (K, B)."""
        return torch.stack([rows[distance[rows].argmin(dim=0)] for rows in self._rows])
