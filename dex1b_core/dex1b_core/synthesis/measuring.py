"""Measure grasps for the prediction of which will hold."""

from __future__ import annotations

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.compliance import squeeze_response
from dex1b_core.synthesis.finger_measures import finger_measures
from dex1b_core.synthesis.frame_parts import FrameParts
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.grip import FingerContacts, GripSettings
from dex1b_core.synthesis.objective import SceneBatch
from dex1b_core.synthesis.ranking import GraspMeasures, balance_measures
from dex1b_core.synthesis.self_penetration import SelfPenetration


class GraspMeasurer:
    """Measures of a hand's grasps, without physics."""

    def __init__(self, hand: HandModel, grip: GripSettings) -> None:
        self._hand, self._grip = hand, grip
        self._surface = FramePoints.build(hand.kinematics, hand.surface)
        self._pads = FramePoints.build(hand.kinematics, hand.pads)
        self._parts = FrameParts.build(hand)
        self._self_penetration = SelfPenetration(hand)

    def measure(
        self,
        scene: SceneBatch,
        surface_points: torch.Tensor,
        root: tuple[torch.Tensor, torch.Tensor],
        postures: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        contacts: FingerContacts,
    ) -> GraspMeasures:
        """Measure B grasps.

        Args:
            scene: What they hold.
            surface_points: (P, 3) on the object's surface, its corners among them [m].
            root: (3, 3, B) rotation and (3, B) translation [m] of the hand's root link.
            postures: Pregrasp, grasp and squeeze (J, B) [rad].
            contacts: Of the fingers in the grasp.
        """
        pregrasp, grasp, squeeze = postures
        columns = self._hand.kinematics.frame_columns(grasp, *root)
        opened = self._hand.kinematics.frame_columns(pregrasp, *root)
        residual, weakest, net_force, net_torque = balance_measures(contacts, scene.centre)
        response = squeeze_response(
            self._hand, columns, contacts, scene.centre, squeeze - grasp, self._grip
        )
        return GraspMeasures(
            residual,
            weakest,
            net_force,
            net_torque,
            self._penetration(scene, surface_points, columns),
            self._self_penetration.deepest(columns),
            self._penetration(scene, surface_points, opened),
            response,
            finger_measures(scene, contacts, root, response, self._grip),
        )

    def _penetration(
        self, scene: SceneBatch, surface_points: torch.Tensor, columns: torch.Tensor
    ) -> torch.Tensor:
        """(B,) deepest overlap [m] of the hand with object or support: points of either."""
        deepest = self._parts.depth_of(columns, surface_points)
        for points in (self._surface, self._pads):
            placed = points.place(columns)
            depth = -torch.minimum(scene.sdf.distance(placed), scene.height(placed))
            depth[points.source < 0] = 0.0
            deepest = torch.maximum(deepest, depth.amax(dim=0))
        return deepest
