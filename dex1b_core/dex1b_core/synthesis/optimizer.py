"""Grasps by descending energies from many starts at once, then closing until contact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

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
        random_fraction: Part that starts at random; the rest starts where rules, or a network, say.
        seeds: How rule-based starts are made.
    """

    objective: ObjectiveSettings = field(
        default_factory=lambda: ObjectiveSettings(table_margin=0.004, palm_margin=0.005)
    )
    descent: DescentSettings = field(default_factory=DescentSettings)
    excess: float = 1.5
    random_fraction: float = 0.5
    seeds: HeuristicSettings = field(default_factory=lambda: HeuristicSettings(samples=300))


class StartSource(Protocol):
    """Says where descents begin."""

    def propose(
        self,
        observation: ObjectObservation,
        scene: SynthesisScene,
        count: int,
        generator: torch.Generator,
    ) -> GraspBatch:
        """Up to `count` grasps in the planning frame, the best first."""


class RuleStarts:
    """Grasps by the rules of `HeuristicGenerator`."""

    def __init__(self, hand: HandModel, settings: HeuristicSettings) -> None:
        self.hand, self.settings = hand, settings

    def propose(
        self,
        observation: ObjectObservation,
        scene: SynthesisScene,
        count: int,
        generator: torch.Generator,
    ) -> GraspBatch:
        """See `StartSource`."""
        placed, _ = propose(self.hand, scene, self.settings, generator.initial_seed())
        return placed.select(torch.arange(min(count, len(placed))))


class OptimizerGenerator:
    """Energy-based candidates.

    Args:
        robot: Whose hand grasps.
        settings: What is optimised.
        selection: What candidates must satisfy.
        starts: Where those begin that do not start at random; rules by default.
        name: Of the backend, for reports.
    """

    def __init__(
        self,
        robot: RobotDescription,
        settings: OptimizerSettings | None = None,
        selection: SelectionSettings | None = None,
        *,
        starts: StartSource | None = None,
        name: str = 'optimizer',
    ) -> None:
        self.robot, self.name = robot, name
        self.hand = HandModel(robot.hand)
        self.settings = settings or OptimizerSettings()
        self._source = starts or RuleStarts(self.hand, self.settings.seeds)
        self._objective = GraspObjective(self.hand, self.settings.objective)
        self.selection = selection or SelectionSettings()

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> GenerationResult:
        """Candidates, best first; see `GraspGenerator`."""
        scene = build_scene(observation)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            wanted = round(self.settings.excess * count)
            starts = self._starts(observation, scene, wanted, generator)
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
        return GenerationResult(candidates, counted, self.name)

    def _starts(
        self,
        observation: ObjectObservation,
        scene: SynthesisScene,
        count: int,
        generator: torch.Generator,
    ) -> GraspBatch:
        proposed = round((1.0 - self.settings.random_fraction) * count)
        batches = [random_starts(self.hand, scene, count - proposed, generator)]
        if proposed:
            batches.append(self._source.propose(observation, scene, proposed, generator))
        return concatenate(batches)
