"""What can be measured of a grasp of a moving part without physics."""

from __future__ import annotations

import torch

from dex1b_core.articulation.grasp_target import GraspTarget
from dex1b_core.articulation.reach import Reach, ReachFinder
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.grip import FingerContacts, GripSettings
from dex1b_core.synthesis.objective import SceneBatch
from dex1b_core.synthesis.ranking import balance_measures
from dex1b_core.synthesis.self_penetration import SelfPenetration

FEATURES = (
    'depth', 'self_depth', 'way', 'carried', 'fingers', 'pushing', 'holding', 'thumb', 'facing',
    'residual', 'weakest', 'net_force', 'net_torque',
)  # fmt: skip
CARRIED = (0.25, 0.5, 0.75, 0.95)  # parts of the travel at which the carried hand is looked at
DEEPEST = 0.010  # [m]


class FeatureFinder:
    """Measures grasps of one hand."""

    def __init__(self, hand: HandModel, grip: GripSettings) -> None:
        self._hand, self._grip = hand, grip
        self._reach = ReachFinder(hand)
        self._self_penetration = SelfPenetration(hand)

    def find(
        self,
        target: GraspTarget,
        scene: SceneBatch,
        root: tuple[torch.Tensor, torch.Tensor],
        posture: torch.Tensor,
        contacts: FingerContacts,
        reach: Reach,
    ) -> torch.Tensor:
        """(B, len(FEATURES)): lengths in millimetres.

        pushing and holding are the largest f . t and -f . t of touching fingers (see
        `energies.joint_motion`, without friction); carried is the least gap to base and support
        while the hand goes with the part.
        """
        columns = self._hand.kinematics.frame_columns(posture.contiguous(), *root)
        touches = contacts.takes_part(self._grip).float()
        assert scene.task is not None
        along = -(contacts.normals * scene.task.tangents(contacts.points)).sum(dim=1)
        lengths = [
            -self._reach.depth(scene, root, posture),
            self._self_penetration.deepest(columns),
            reach.clearance,
            self._carried(target, scene, root, posture),
        ]
        rest = [
            touches.sum(dim=0),
            (along * touches).amax(dim=0),
            (-along * touches).amax(dim=0),
            touches[0],
            (contacts.facing * touches).sum(dim=0) / touches.sum(dim=0).clamp_min(1.0),
            *balance_measures(contacts, scene.centre),
        ]
        scaled = [1e3 * length.clamp(-DEEPEST, DEEPEST) for length in lengths]
        return torch.stack([*scaled, *rest], dim=1)

    def _carried(
        self,
        target: GraspTarget,
        scene: SceneBatch,
        root: tuple[torch.Tensor, torch.Tensor],
        posture: torch.Tensor,
    ) -> torch.Tensor:
        """(B,) least gap [m] to base and support on the way of the part."""
        gaps = []
        for part in CARRIED:
            position = target.target.start + part * target.target.travel
            motion = torch.as_tensor(target.target.motion(position), dtype=torch.float32)
            rotation = torch.einsum('ij,jkb->ikb', motion[:3, :3], root[0])
            translation = motion[:3, :3] @ root[1] + motion[:3, 3:]
            placed = rotation.contiguous(), translation.contiguous()
            gaps.append(self._reach.base_gap(scene, placed, posture))
        return torch.stack(gaps).amin(dim=0)
