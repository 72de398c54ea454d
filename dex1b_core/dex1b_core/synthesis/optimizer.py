"""Grasps by descending energies from many starts at once, then closing until contact."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.approach import plan_approach
from dex1b_core.synthesis.batch import GraspBatch, concatenate
from dex1b_core.synthesis.closing import close_hand
from dex1b_core.synthesis.descent import DescentSettings, descend
from dex1b_core.synthesis.generator import GenerationResult
from dex1b_core.synthesis.heuristic import HeuristicSettings, propose
from dex1b_core.synthesis.objective import GraspObjective, ObjectiveSettings, SceneBatch
from dex1b_core.synthesis.scene import SynthesisScene, build_scene
from dex1b_core.synthesis.selection import SelectionSettings, select
from dex1b_core.synthesis.starts import random_starts


@dataclass(frozen=True)
class OptimizerSettings:
    """What is optimised.

    Attributes:
        objective: Energies; the margins are for shapes that one camera saw.
        descent: Weights and steps.
        excess: Grasps optimised for each one asked for.
        random_fraction: Part that starts at random; the rest starts at rule-based grasps.
        seeds: How rule-based starts are made.
    """

    objective: ObjectiveSettings = field(
        default_factory=lambda: ObjectiveSettings(table_margin=0.004, palm_margin=0.005)
    )
    descent: DescentSettings = field(default_factory=DescentSettings)
    excess: float = 1.5
    random_fraction: float = 0.5
    seeds: HeuristicSettings = field(default_factory=lambda: HeuristicSettings(samples=300))


class OptimizerGenerator:
    """Energy-based candidates."""

    def __init__(
        self,
        robot: RobotDescription,
        settings: OptimizerSettings | None = None,
        selection: SelectionSettings | None = None,
    ) -> None:
        self.robot = robot
        self.hand = HandModel(robot.hand)
        self.settings = settings or OptimizerSettings()
        self._objective = GraspObjective(self.hand, self.settings.objective)
        self.selection = selection or SelectionSettings()

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> GenerationResult:
        """Candidates, best first; see `GraspGenerator`."""
        scene = build_scene(observation)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            starts = self._starts(scene, round(self.settings.excess * count), seed, generator)
        optimised = descend(
            self._objective,
            SceneBatch.of_scene(scene, len(starts)),
            starts,
            self.settings.descent,
            generator,
        ).grasps
        with torch.no_grad():
            distance = self.selection.approach_distance
            approached = plan_approach(self.hand, scene, optimised, distance)
            closed = close_hand(
                self.hand, scene, approached.rotation, approached.translation, approached.pregrasp
            )
            grasps = approached.with_grasp(closed.posture)
            candidates, counted = select(
                self.hand, scene, grasps, self.selection, self.robot.workspace, count,
                scene.skipped,
            )  # fmt: skip
        return GenerationResult(candidates, counted, 'optimizer')

    def _starts(
        self, scene: SynthesisScene, count: int, seed: int, generator: torch.Generator
    ) -> GraspBatch:
        by_rule = round((1.0 - self.settings.random_fraction) * count)
        batches = [random_starts(self.hand, scene, count - by_rule, generator)]
        if by_rule:
            placed, _ = propose(self.hand, scene, self.settings.seeds, seed)
            batches.append(placed.select(torch.arange(min(by_rule, len(placed)))))
        return concatenate(batches)
