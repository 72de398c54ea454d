"""Rows of grasps that hold free objects: proposed, pushed in both engines, described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from dex1b_core.data.demonstrations import NOT_TRIED, rows_table
from dex1b_core.data.shards import lists
from dex1b_core.engine.makers import Makers
from dex1b_core.engine.portions import Portion, Task
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.stage_clock import StageClock
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import ObjectModel, load_object
from dex1b_core.model.associated_point import associated_points, palm_and_heading
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.debiasing import point_weights
from dex1b_core.model.learned_seeds import LearnedSynthesizer
from dex1b_core.planning import FailureReason
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import Verdicts
from dex1b_core.synthesis.seed_file import grasp_set_of
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_synthesizer import ENERGY_NAMES
from dex1b_core.synthesis.seeds import Seeds

PROTOCOL = HoldProtocol(torsion=0.0, published_contacts=False, extrapolates=True)
PROTOCOL_NAME = 'six pushes, both engines as matched, extrapolated'
CLOUD = 2048  # points among which associated points are


class GraspMaker:
    """See `tasks.Maker`."""

    energies: tuple[str, ...] = ENERGY_NAMES
    protocol: str = PROTOCOL_NAME

    def __init__(self, settings: EngineSettings, hand: HandModel) -> None:
        self.settings, self.hand = settings, hand
        self._made_of: tuple[int, Makers] | None = None
        self._judge: GraspJudge | None = None

    def rows(self, task: Task, portion: Portion, clock: StageClock) -> list[pa.Table]:
        """Of each source that finds anything."""
        model = load_object(portion.target)
        target = SeedObject.of_model(model, on_table=portion.on_table)
        seed = self.settings.draw_seed(task.name, portion.target, portion.on_table)
        makers = self._makers(task)
        sources: list[tuple[str, Callable[[], Seeds]]] = []
        if portion.random:
            sources.append((
                'optimizer',
                lambda: makers.optimizer.synthesize(target, portion.random, seed=seed),
            ))  # fmt: skip
        learner = makers.learner
        if portion.learned and learner is not None:
            sources.append((
                'dexsimple', lambda: self._learned(learner, model, target, portion, seed)
            ))  # fmt: skip
        tables = []
        for source, make in sources:
            try:
                with clock.timed(source):
                    seeds = make()
            except Dex1bError as error:
                if error.error_code != ErrorCode.NO_CANDIDATES:
                    raise
                continue  # nothing of it stays above the support
            tables.append(self._judged(model, target, seeds, source, task.round, seed, clock))
        return tables

    def _learned(
        self,
        learner: LearnedSynthesizer,
        model: ObjectModel,
        target: SeedObject,
        portion: Portion,
        seed: int,
    ) -> Seeds:
        cloud = SurfaceSamples.of_model(model).full(CLOUD, np.random.default_rng(seed))
        weights = None
        if self.settings.debias:
            weights = point_weights(cloud, torch.from_numpy(portion.associated))
        return learner.synthesize(target, cloud, portion.learned, seed=seed, weights=weights)

    def _makers(self, task: Task) -> Makers:
        if self._made_of is None or self._made_of[0] != task.round:
            makers = Makers.of(self.settings, self.hand, task.networks)
            self._made_of = (task.round, makers)
        return self._made_of[1]

    def _judged(
        self,
        model: ObjectModel,
        target: SeedObject,
        seeds: Seeds,
        source: str,
        number: int,
        seed: int,
        clock: StageClock,
    ) -> pa.Table:
        grasps = grasp_set_of(
            self.hand, self.settings.hand, model, target, seeds, stiffness=self.settings.stiffness
        )
        self._judge = self._judge or GraspJudge(source_of(grasps))
        held = np.ones(len(grasps), dtype=bool)
        tried: dict[str, Any] = {
            name: np.full(len(grasps), NOT_TRIED, dtype=np.int8) for name in _ENGINES
        }
        reasons = np.full(len(grasps), '', dtype=object)
        depth = np.full((2, len(grasps)), np.nan)
        for engine in self.settings.engines:
            rows = np.flatnonzero(held)
            if not len(rows):
                break
            with clock.timed(engine):
                (found,) = self._judge.judge(grasps.select(rows), PROTOCOL, engine)
            tried[engine][rows] = found.success
            _note(found, rows, reasons, depth)
            held[rows] = found.success
        poses = seeds.grasps
        cloud = torch.from_numpy(SurfaceSamples.of_model(model).points[:CLOUD].astype(np.float32))
        palm, heading = palm_and_heading(self.hand, poses.rotation, poses.translation, poses.grasp)
        point = cloud[associated_points(cloud.expand(len(palm), -1, -1), palm, heading)]
        count = len(grasps)
        columns: dict[str, Any] = {
            'object': [model.spec] * count,
            'scale': np.full(count, model.scale, dtype=np.float32),
            'plane': lists(np.tile(grasps.support_plane, (count, 1))),
            'translation': lists(poses.translation),
            'rotation': lists(poses.rotation.reshape(count, 9)),
            'pregrasp': lists(poses.pregrasp),
            'grasp': lists(poses.grasp),
            'squeeze': lists(seeds.squeeze),
            'approach': lists(poses.approach),
            'point': lists(point),
            'score': seeds.score.numpy(),
            'energies': lists(seeds.energies),
            'penetration': depth[0].astype(np.float32),
            'self_penetration': depth[1].astype(np.float32),
            **tried,
            'reason': reasons.tolist(),
            'source': [source] * count,
            'round': np.full(count, number, dtype=np.int32),
            'seed': np.full(count, seed, dtype=np.int64),
        }
        return rows_table(columns)


_ENGINES: tuple[EngineName, ...] = ('mujoco', 'sapien')


def _note(
    found: Verdicts,
    rows: NDArray[np.int64],
    reasons: NDArray[Any],
    depth: NDArray[np.float64],
) -> None:
    """Reasons of the first failure, and depths where they were measured."""
    for row, reason in zip(rows, found.reason, strict=True):
        if reason != FailureReason.NONE:
            reasons[row] = FailureReason(reason).name.lower()
    depth[0, rows], depth[1, rows] = found.penetration, found.self_penetration
