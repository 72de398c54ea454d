"""Grasps that move an articulated object's part, from scratch: the optimiser of seeds on a joint.

Energies, contacts, closing and squeeze are those of `SeedSynthesizer`. What differs is the scene:
the moving part is the object, its base is in the way, and contacts that push along the joint's
motion are wanted (`energies.joint_motion`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.features import FeatureFinder
from dex1b_core.articulation.grasp_target import GraspTarget
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.ranking import predicted_success
from dex1b_core.articulation.reach import CLEAR, ReachFinder
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.descent import DescentSettings, descend
from dex1b_core.synthesis.grip import (
    FingerContactFinder,
    GripSettings,
    settled_posture,
    squeeze_posture,
)
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, ObjectiveSettings
from dex1b_core.synthesis.pressing import can_press_anywhere
from dex1b_core.synthesis.screening import least_energy
from dex1b_core.synthesis.seed_settings import REFINEMENT, SeedSettings
from dex1b_core.synthesis.seed_starts import StartSettings, pinch_centre, random_starts

SETTLING = 2  # least-squares steps that bring fingertips onto the surface
TASK = EnergyWeights(closure=5.0, task=5.0, region=100.0)
PRESSING_TASK = replace(TASK, balance=15.0, lean=5.0, touch=60.0)


@dataclass(frozen=True)
class ArticulationSettings:
    """How grasps are made; see `SeedSettings` for what has no word here.

    Attributes:
        starts: Where they begin.
        objective: Energies.
        draws, draws_underactuated: Starts explored for each grasp optimised.
        explore, descent: Weights and steps of both stages.
        refinement: The same of what a network proposes.
        grip: Contacts and squeeze.
        excess: Grasps optimised for each one returned.
        fewest: Grasps optimised at least.
        clear: Room on the way to a grasp, beyond which more does not count [m].
    """

    starts: StartSettings = field(default_factory=lambda: StartSettings(depth=(-0.01, 0.03)))
    objective: ObjectiveSettings = field(default_factory=lambda: SeedSettings().objective)
    draws: float = 3.0
    draws_underactuated: float = 6.0
    explore: DescentSettings = field(
        default_factory=lambda: replace(SeedSettings().explore, weights=TASK)
    )
    descent: DescentSettings = field(
        default_factory=lambda: replace(
            SeedSettings().descent,
            weights=PRESSING_TASK,
        )
    )
    refinement: DescentSettings = field(
        default_factory=lambda: replace(REFINEMENT, weights=PRESSING_TASK)
    )
    grip: GripSettings = field(default_factory=GripSettings)
    excess: float = 12.0
    fewest: int = 48
    clear: float = CLEAR


class ArticulationSynthesizer:
    """Makes grasps for one hand; the same seed gives the same grasps."""

    def __init__(self, hand: HandModel, settings: ArticulationSettings | None = None) -> None:
        self.hand = hand
        self.settings = settings or ArticulationSettings()
        explored = replace(
            self.settings.objective, pad_points=SeedSettings().explore_pad_points
        )  # fmt: skip
        self._coarse = GraspObjective(hand, explored)
        self._objective = GraspObjective(hand, self.settings.objective)
        self._contacts = FingerContactFinder(hand)
        self._reach = ReachFinder(hand, self.settings.clear)
        self._features = FeatureFinder(hand, self.settings.grip)
        able = can_press_anywhere(hand)
        self._draws = self.settings.draws if able else self.settings.draws_underactuated

    def synthesize(self, target: ArticulatedObject, count: int, *, seed: int) -> ArticulationGrasps:
        """The best `count` grasps by prediction.

        Raises:
            Dex1bError: INVALID_REQUEST for a count below 1.
        """
        if count < 1:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, f'{count} grasps wanted; expected 1 or more'
            )
        total = max(self.settings.fewest, math.ceil(self.settings.excess * count))
        return self.optimise(GraspTarget.of(target), total, seed=seed).best(count)

    def optimise(self, target: GraspTarget, count: int, *, seed: int) -> ArticulationGrasps:
        """`count` grasps, not ranked."""
        generator = torch.Generator().manual_seed(seed)
        starts = self._starts(target, round(self._draws * count), generator)
        explored = descend(
            self._coarse, target.scene(self._centre(starts)), starts, self.settings.explore,
            generator,
        )  # fmt: skip
        chosen = explored.grasps.select(explored.energy.argsort(stable=True)[:count])
        scene = target.scene(self._centre(chosen))
        optimised = descend(self._objective, scene, chosen, self.settings.descent, generator)
        with torch.no_grad():
            return self._finish(target, optimised.grasps)

    def refine(
        self, target: GraspTarget, proposals: GraspBatch, count: int, *, seed: int, each: int = 1
    ) -> ArticulationGrasps:
        """`count` grasps from proposals made elsewhere, not ranked.

        Args:
            target: The object.
            proposals: B poses and grasp postures; of every `each` in a row one goes on at most,
                those of least energy.
            count: How many are post-optimised.
            seed: Of every random draw.
            each: A divisor of B.
        """
        generator = torch.Generator().manual_seed(seed)
        everywhere = self._centre(proposals)
        chosen = least_energy(
            self._coarse, lambda rows: target.scene(everywhere[:, rows]), proposals, count,
            generator, each=each, weights=self.settings.descent.weights,
        )  # fmt: skip
        scene = target.scene(self._centre(chosen))
        optimised = descend(self._objective, scene, chosen, self.settings.refinement, generator)
        with torch.no_grad():
            return self._finish(target, optimised.grasps)

    def _starts(self, target: GraspTarget, count: int, generator: torch.Generator) -> GraspBatch:
        drawn = torch.randint(len(target.points), (count,), generator=generator)
        return random_starts(
            self.hand, target.points[drawn], target.normals[drawn], self.settings.starts, generator
        )

    def _centre(self, grasps: GraspBatch) -> torch.Tensor:
        """(3, B) what each hand has between its fingers [m]."""
        return (grasps.rotation @ pinch_centre(self.hand) + grasps.translation).T.contiguous()

    def _finish(self, target: GraspTarget, optimised: GraspBatch) -> ArticulationGrasps:
        """Settle the fingertips; add the way there and the squeeze; predict."""
        hand, grip = self.hand, self.settings.grip
        scene = target.scene(self._centre(optimised))
        root = optimised.rotation.permute(1, 2, 0), optimised.translation.T
        posture = optimised.grasp.T.contiguous()
        columns = hand.kinematics.frame_columns(posture, *root)
        for _ in range(SETTLING):
            contacts = self._contacts.find(scene, columns)
            posture = settled_posture(hand, columns, posture, contacts, grip)
            columns = hand.kinematics.frame_columns(posture, *root)
        contacts = self._contacts.find(scene, columns)
        reach = self._reach.find(scene, root, posture, optimised.approach.T.contiguous())
        squeeze = squeeze_posture(hand, columns, posture, contacts, scene.centre, grip)
        features = self._features.find(target, scene, root, posture, contacts, reach)
        poses = np.tile(np.eye(4), (len(optimised), 1, 1))
        poses[:, :3, :3] = optimised.rotation.numpy()
        poses[:, :3, 3] = optimised.translation.numpy()
        return ArticulationGrasps(
            hand.hand.key,
            hand.kinematics.joint_names,
            poses,
            reach.pregrasp.T.double().numpy(),
            posture.T.double().numpy(),
            squeeze.T.double().numpy(),
            reach.retreat.T.double().numpy(),
            predicted_success(features).double().numpy(),
            features.double().numpy(),
        )
