"""A task of the data engine: propose grasps of some objects, judge them, write a shard."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from dex1b_core.data.demonstrations import NOT_TRIED, SCHEMA, Demonstrations, Provenance
from dex1b_core.data.shards import ShardFolder, lists
from dex1b_core.engine.makers import Makers, Networks
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import ObjectModel, load_object
from dex1b_core.model.associated_point import associated_points, palm_and_heading
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.debiasing import point_weights
from dex1b_core.model.learned_seeds import LearnedSynthesizer
from dex1b_core.planning import FailureReason
from dex1b_core.robots import load_hand
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
_PACKAGES = ('dex1b_core', 'torch', 'mujoco', 'sapien')


@dataclass(frozen=True, eq=False)
class Portion:
    """Proposals for one object.

    Attributes:
        target: As `load_object` takes it.
        on_table: Whether it rests on a plane.
        random: How many the optimiser starts at random.
        learned: How many the network proposes.
        associated: (M, 3) associated points of earlier grasps that held [m].
    """

    target: str
    on_table: bool
    random: int
    learned: int
    associated: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Task:
    """Makes one shard.

    Attributes:
        name: Of the shard.
        round: Number.
        portions: What to propose.
        networks: Of the round before; None in the first.
    """

    name: str
    round: int
    portions: tuple[Portion, ...]
    networks: Networks | None


class TaskWorker:
    """Does tasks one after the other, with hand and engines warm."""

    def __init__(self, settings: EngineSettings, shards: str) -> None:
        torch.set_num_threads(1)  # a process for each core
        self.settings = settings
        self.folder = ShardFolder.at(shards)
        self.hand = HandModel(load_hand(settings.hand))
        self._made_of: tuple[int, Makers] | None = None
        self._judge: GraspJudge | None = None

    def run(self, task: Task) -> int:
        """Write the shard, unless it is there; its number of rows."""
        if self.folder.has(task.name):
            return 0
        seconds: dict[str, float] = {}
        parts = [
            table for portion in task.portions for table in self._tables(task, portion, seconds)
        ]
        table = pa.concat_tables(parts) if parts else SCHEMA.empty_table()
        self.folder.write(task.name, Demonstrations(self._provenance(seconds), table))
        return int(table.num_rows)

    def _tables(self, task: Task, portion: Portion, seconds: dict[str, float]) -> list[pa.Table]:
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
                with _Timed(seconds, source):
                    seeds = make()
            except Dex1bError as error:
                if error.error_code != ErrorCode.NO_CANDIDATES:
                    raise
                continue  # nothing of it stays above the support
            tables.append(self._judged(model, target, seeds, source, task.round, seed, seconds))
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
        seconds: dict[str, float],
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
            with _Timed(seconds, engine):
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
        arrays = [pa.array(columns[field.name]).cast(field.type) for field in SCHEMA]
        return pa.table(arrays, schema=SCHEMA)

    def _provenance(self, seconds: dict[str, float]) -> Provenance:
        return Provenance(
            hand=self.settings.hand,
            joints=tuple(self.hand.kinematics.joint_names),
            energies=ENERGY_NAMES,
            stiffness=self.settings.stiffness,
            protocol=PROTOCOL_NAME,
            versions={name: importlib.metadata.version(name) for name in _PACKAGES},
            seconds=seconds,
        )


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


class _Timed:
    """Adds processor time to a stage."""

    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds, self._stage = seconds, stage

    def __enter__(self) -> None:
        self._start = time.process_time()

    def __exit__(self, *exception: object) -> None:
        spent = time.process_time() - self._start
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + spent
