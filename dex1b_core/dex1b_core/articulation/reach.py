"""How a hand gets to its grasp: which opening and which straight way touch nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.objective import SceneBatch, penetration_probes

WAY = (0.01, 0.025, 0.045, 0.07, 0.1)  # [m] from the grasp, where the open hand is looked at
CLOSING = (0.35, 0.7)  # parts of the way from pregrasp to grasp
OPENINGS = (0.2, 0.4, 0.7, 1.0)  # [rad] by which closing joints are opened
CLEAR = 0.004  # [m] beyond which more room does not count
PAD_POINTS = 8  # of each link that touches, beside its spheres


@dataclass(frozen=True)
class Reach:
    """The best way found for each of B grasps.

    Attributes:
        pregrasp: (J, B) [rad].
        retreat: (3, B) unit direction away.
        clearance: (B,) least gap on the way [m], at most what counts; negative where it touches.
    """

    pregrasp: torch.Tensor
    retreat: torch.Tensor
    clearance: torch.Tensor


class ReachFinder:
    """Looks for ways of one hand; room beyond `clear` [m] does not count."""

    def __init__(self, hand: HandModel, clear: float = CLEAR) -> None:
        self._hand, self._clear = hand, clear
        self._probes = FramePoints.build(hand.kinematics, penetration_probes(hand, PAD_POINTS))

    @torch.no_grad()
    def find(
        self,
        scene: SceneBatch,
        root: tuple[torch.Tensor, torch.Tensor],
        grasp: torch.Tensor,
        towards: torch.Tensor,
    ) -> Reach:
        """Try every opening with every direction.

        Args:
            scene: What is in the way.
            root: (3, 3, B) rotation and (3, B) translation [m] of the hand.
            grasp: (J, B) postures at the grasp [rad].
            towards: (3, B) direction in which the hand came to be where it is; one that is tried.
        """
        hand = self._hand
        lower, upper = hand.kinematics.lower[:, None], hand.kinematics.upper[:, None]
        openings = [
            torch.clamp(grasp - angle * hand.closing[:, None], lower, upper) for angle in OPENINGS
        ]
        openings.append(hand.open_posture[:, None].expand_as(grasp))
        directions = [-towards, *(d[:, None].expand_as(towards) for d in _directions())]
        best = torch.full((grasp.shape[1],), -torch.inf)
        pregrasp, retreat = grasp, -towards
        for opened in openings:
            closing = self._closing(scene, root, opened, grasp)
            columns = hand.kinematics.frame_columns(opened.contiguous(), *root)
            points = self._probes.place(columns)
            for direction in directions:
                gap = torch.minimum(closing, self._along(scene, points, direction))
                better = gap > best + 2e-4
                best = torch.where(better, gap, best)
                pregrasp = torch.where(better, opened, pregrasp)
                retreat = torch.where(better, direction, retreat)
        return Reach(pregrasp, retreat, best)

    def depth(
        self, scene: SceneBatch, root: tuple[torch.Tensor, torch.Tensor], posture: torch.Tensor
    ) -> torch.Tensor:
        """(B,) gap [m] of postures (J, B) to everything, negative inside."""
        columns = self._hand.kinematics.frame_columns(posture.contiguous(), *root)
        return self._gap(scene, self._probes.place(columns))

    def base_gap(
        self, scene: SceneBatch, root: tuple[torch.Tensor, torch.Tensor], posture: torch.Tensor
    ) -> torch.Tensor:
        """(B,) gap [m] of postures (J, B) to base and support alone."""
        columns = self._hand.kinematics.frame_columns(posture.contiguous(), *root)
        points = self._probes.place(columns)
        gap = scene.height(points)
        if scene.base is not None:
            gap = torch.minimum(gap, scene.base.distance(points))
        return (gap - self._probes.radii[:, None]).amin(dim=0)

    def _closing(
        self,
        scene: SceneBatch,
        root: tuple[torch.Tensor, torch.Tensor],
        opened: torch.Tensor,
        grasp: torch.Tensor,
    ) -> torch.Tensor:
        """(B,) least gap while the hand closes; the fingers come near the end."""
        gaps = [
            self.depth(scene, root, opened + part * (grasp - opened)) for part in (0.0, *CLOSING)
        ]
        return torch.stack(gaps).amin(dim=0).clamp_max(self._clear)

    def _along(
        self, scene: SceneBatch, points: torch.Tensor, direction: torch.Tensor
    ) -> torch.Tensor:
        gaps = [self._gap(scene, points + distance * direction) for distance in WAY]
        return torch.stack(gaps).amin(dim=0).clamp_max(self._clear)

    def _gap(self, scene: SceneBatch, points: torch.Tensor) -> torch.Tensor:
        gap = torch.minimum(scene.sdf.distance(points), scene.height(points))
        if scene.base is not None:
            gap = torch.minimum(gap, scene.base.distance(points))
        return (gap - self._probes.radii[:, None]).amin(dim=0)


def _directions() -> list[torch.Tensor]:
    """Fourteen unit directions: faces and corners of a cube."""
    faces = [sign * axis for axis in torch.eye(3) for sign in (1.0, -1.0)]
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    return [*faces, *torch.nn.functional.normalize(signs, dim=1)]
