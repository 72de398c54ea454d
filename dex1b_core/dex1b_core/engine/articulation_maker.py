"""Rows of grasps that move joints: proposed, led along the joint in physics, described."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.check import ArticulationChecker
from dex1b_core.articulation.grasp_target import GraspTarget
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.learned import (
    LearnedArticulationSettings,
    LearnedArticulationSynthesizer,
)
from dex1b_core.articulation.protocol import SWEEP, Reason
from dex1b_core.articulation.synthesizer import ArticulationSynthesizer
from dex1b_core.data.demonstrations import NOT_TRIED, rows_table
from dex1b_core.data.shards import lists
from dex1b_core.engine.portions import Portion, Task
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.stage_clock import StageClock
from dex1b_core.model.associated_point import associated_points, palm_and_heading
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.debiasing import point_weights
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.urdf_bodies import TreeSource

CLOUD = 2048  # points among which associated points are
WORLDS = SWEEP[:2]
PROTOCOL_NAME = f'strict articulation in MuJoCo, worlds {", ".join(w.name for w in WORLDS)}'


class ArticulationMaker:
    """See `tasks.Maker`; engine 'mujoco' means the strict criterion, sapien is not tried."""

    energies: tuple[str, ...] = ()
    protocol: str = PROTOCOL_NAME

    def __init__(self, settings: EngineSettings, hand: HandModel) -> None:
        self.settings, self.hand = settings, hand
        self._optimizer = ArticulationSynthesizer(hand)
        self._learned_of: tuple[int, LearnedArticulationSynthesizer] | None = None

    def rows(self, task: Task, portion: Portion, clock: StageClock) -> list[pa.Table]:
        """Of one object, a table for each source."""
        seed = self.settings.draw_seed(task.name, portion.target)
        target = GraspTarget.of(load_articulated(portion.target))
        samples = SurfaceSamples.of_solid(target.target.moving_solid(target.target.start))
        cloud = samples.full(CLOUD, np.random.default_rng(seed))
        made: list[tuple[str, ArticulationGrasps]] = []
        if portion.random:
            with clock.timed('optimizer'):
                made.append((
                    'optimizer', self._optimizer.optimise(target, portion.random, seed=seed)
                ))  # fmt: skip
        learner = self._learner(task)
        if portion.learned and learner is not None:
            weights = None
            if self.settings.debias:
                weights = point_weights(cloud, torch.from_numpy(portion.associated))
            with clock.timed('dexsimple'):
                grasps = learner.optimise(
                    target, cloud, portion.learned, seed=seed, weights=weights
                )  # fmt: skip
            made.append(('dexsimple', grasps))
        checker = ArticulationChecker(TreeSource.of_hand(self.hand.hand), target.target)
        tables = []
        for source, grasps in made:
            with clock.timed('mujoco'):
                verdicts = [checker.check(grasps, row, WORLDS) for row in range(len(grasps))]
            tables.append(
                self._table(portion.target, target.target, cloud, grasps, {
                    'mujoco': [int(verdict.strict is Reason.NONE) for verdict in verdicts],
                    'reason': [
                        '' if verdict.strict is Reason.NONE else verdict.strict.value
                        for verdict in verdicts
                    ],
                    'penetration': [verdict.trials[0].overlap for verdict in verdicts],
                    'source': [source] * len(verdicts),
                    'round': [task.round] * len(verdicts),
                    'seed': [seed] * len(verdicts),
                })
            )  # fmt: skip
        return tables

    def _learner(self, task: Task) -> LearnedArticulationSynthesizer | None:
        if task.networks is None:
            return None
        if self._learned_of is None or self._learned_of[0] != task.round:
            model, _ = load_checkpoint(task.networks.generator, self.hand)
            settings = LearnedArticulationSettings(draws=self.settings.draws)
            learner = LearnedArticulationSynthesizer(self.hand, model, settings)
            self._learned_of = task.round, learner
        return self._learned_of[1]

    def _table(
        self,
        name: str,
        target: ArticulatedObject,
        cloud: torch.Tensor,
        grasps: ArticulationGrasps,
        found: dict[str, Any],
    ) -> pa.Table:
        count = len(grasps)
        pose = torch.from_numpy(grasps.object_T_hand).float()
        posture = torch.from_numpy(grasps.grasp).float()
        palm, heading = palm_and_heading(self.hand, pose[:, :3, :3], pose[:, :3, 3], posture)
        point = cloud[associated_points(cloud.expand(count, -1, -1), palm, heading)]
        return rows_table({
            'object': [name] * count,
            'scale': [1.0] * count,
            'plane': lists(np.tile([0.0, 0.0, 1.0, -target.height], (count, 1))),
            'translation': lists(pose[:, :3, 3]),
            'rotation': lists(pose[:, :3, :3].reshape(count, 9)),
            'pregrasp': lists(grasps.pregrasp),
            'grasp': lists(grasps.grasp),
            'squeeze': lists(grasps.squeeze),
            'approach': lists(-grasps.retreat),
            'point': lists(point),
            'score': grasps.score,
            'energies': [[]] * count,
            'self_penetration': [float('nan')] * count,
            'sapien': [NOT_TRIED] * count,
            **found,
        })  # fmt: skip
