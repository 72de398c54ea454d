"""DexSimple behind the stack's generator: it proposes, the optimiser improves and selects."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from dex1b_core.config import config_folder
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.learned_seeds import DRAWS_OF_A_PLACE
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, SceneBatch
from dex1b_core.synthesis.optimizer import OptimizerGenerator, OptimizerSettings
from dex1b_core.synthesis.scene import SynthesisScene
from dex1b_core.synthesis.screening import least_energy

DRAWS = 16  # proposals for each start: fewer than for seeds, since somebody waits
RANDOM = 0.3  # part that starts at random: the network alone narrows down


def shipped_checkpoint(hand: str) -> Path:
    """Where the checkpoint of a described hand is, if there is one."""
    return config_folder() / 'checkpoints' / f'{hand}.safetensors'


class LearnedStarts:
    """A network's grasps of the observed points, screened; see `StartSource`."""

    def __init__(self, sampler: GraspSampler, objective: GraspObjective) -> None:
        self._sampler, self._objective = sampler, objective

    def propose(
        self,
        observation: ObjectObservation,
        scene: SynthesisScene,
        count: int,
        generator: torch.Generator,
    ) -> GraspBatch:
        """As many as wanted."""
        cloud = torch.as_tensor(observation.points, dtype=torch.float32)
        drawn = self._sampler.sample(
            cloud, DRAWS * count, generator, plane=scene.plane, each=DRAWS_OF_A_PLACE
        )
        return least_energy(
            self._objective,
            lambda rows: SceneBatch.of_scene(scene, len(rows)),
            drawn,
            count,
            generator,
            each=DRAWS_OF_A_PLACE,
            weights=EnergyWeights(),
        )


def dexsimple_generator(
    robot: RobotDescription, checkpoint: Path | None = None
) -> OptimizerGenerator:
    """The optimiser, started by the network.

    Raises:
        Dex1bError: MODEL_NOT_LOADED when the checkpoint is missing or for another hand.
    """
    hand = HandModel(robot.hand)
    model, _ = load_checkpoint(checkpoint or shipped_checkpoint(robot.hand.key), hand)
    settings = dataclasses.replace(OptimizerSettings(), random_fraction=RANDOM)
    objective = GraspObjective(hand, settings.objective)
    starts = LearnedStarts(GraspSampler(hand, model), objective)
    return OptimizerGenerator(robot, settings, starts=starts, name='dexsimple')
