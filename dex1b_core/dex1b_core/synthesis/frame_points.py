"""Points of a hand arranged by the frame that carries them, so that one product places them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.geometry.device import moved
from dex1b_core.robots.hand_model import HandPoints
from dex1b_core.robots.kinematics import HandKinematics

PADDING_RADIUS = -1.0  # [m] never reaches anything


@dataclass(frozen=True)
class FramePoints:
    """Points in C chunks of S, each chunk on one frame; frames with many points have several.

    Attributes:
        frames: (C,) frame of each chunk.
        homogeneous: (C, S, 4) positions in the frames [m]; zero where padded.
        radii: (C * S,) [m]; negative where padded.
        source: (C * S,) index of the point among those given; -1 where padded.
    """

    frames: torch.Tensor
    homogeneous: torch.Tensor
    radii: torch.Tensor
    source: torch.Tensor

    @classmethod
    def build(cls, kinematics: HandKinematics, points: HandPoints) -> FramePoints:
        """Arrange points that are given per link."""
        frames = kinematics.link_frames[points.links]
        positions = in_frames(kinematics, points)
        counts = torch.bincount(frames)
        size = int(counts[counts > 0].median())
        chunks = [
            (frame, rows)
            for frame in range(len(counts))
            for rows in torch.split((frames == frame).nonzero().flatten(), size)
            if len(rows)
        ]
        homogeneous = torch.zeros(len(chunks), size, 4)
        radii = torch.full((len(chunks), size), PADDING_RADIUS)
        source = torch.full((len(chunks), size), -1)
        for chunk, (_, rows) in enumerate(chunks):
            homogeneous[chunk, : len(rows), :3] = positions[rows]
            homogeneous[chunk, : len(rows), 3] = 1.0
            radii[chunk, : len(rows)] = points.radii[rows]
            source[chunk, : len(rows)] = rows
        of_chunk = torch.tensor([frame for frame, _ in chunks])
        return cls(of_chunk, homogeneous, radii.flatten(), source.flatten())

    def place(self, columns: torch.Tensor) -> torch.Tensor:
        """(C * S, 3, B) positions [m] from `HandKinematics.frame_columns` (F, 4, 3, B)."""
        batch = columns.shape[-1]
        poses = columns.index_select(0, self.frames).view(len(self.frames), 4, 3 * batch)
        return torch.bmm(self.homogeneous, poses).view(len(self.radii), 3, batch)

    def to(self, device: torch.device | str) -> FramePoints:
        """The same on another device."""
        return moved(self, device)


def in_frames(kinematics: HandKinematics, points: HandPoints) -> torch.Tensor:
    """(N, 3) positions [m] in the frames that carry the points' links."""
    poses = kinematics.frame_T_link[points.links]
    return (poses[:, :3, :3] @ points.positions[..., None])[..., 0] + poses[:, :3, 3]


def normals_in_frames(kinematics: HandKinematics, points: HandPoints) -> torch.Tensor:
    """(N, 3) normals in the frames that carry the points' links."""
    poses = kinematics.frame_T_link[points.links]
    return (poses[:, :3, :3] @ points.normals[..., None])[..., 0]
