"""A task of the data engine: propose grasps of some objects, judge them, write a shard."""

from __future__ import annotations

import importlib.metadata
from typing import Protocol

import pyarrow as pa
import torch

from dex1b_core.data.demonstrations import SCHEMA, Demonstrations, Provenance
from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.articulation_maker import ArticulationMaker
from dex1b_core.engine.grasp_maker import GraspMaker
from dex1b_core.engine.portions import Portion, Task
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.stage_clock import StageClock
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel

_PACKAGES = ('dex1b_core', 'torch', 'mujoco', 'sapien')


class Maker(Protocol):
    """Proposes and judges, with hand and engines warm.

    Attributes:
        energies: Names of what the column of energies holds.
        protocol: Of the verdicts.
    """

    energies: tuple[str, ...]
    protocol: str

    def rows(self, task: Task, portion: Portion, clock: StageClock) -> list[pa.Table]:
        """Of one object, a table for each source that finds anything."""


class TaskWorker:
    """Does tasks one after the other."""

    def __init__(self, settings: EngineSettings, shards: str) -> None:
        torch.set_num_threads(1)  # a process for each core
        self.settings = settings
        self.folder = ShardFolder.at(shards)
        self.hand = HandModel(load_hand(settings.hand))
        kind = GraspMaker if settings.task == 'grasp' else ArticulationMaker
        self._maker: Maker = kind(settings, self.hand)

    def run(self, task: Task) -> int:
        """Write the shard, unless it is there; its number of rows."""
        if self.folder.has(task.name):
            return 0
        clock = StageClock()
        parts = [
            table for portion in task.portions for table in self._maker.rows(task, portion, clock)
        ]
        table = pa.concat_tables(parts) if parts else SCHEMA.empty_table()
        self.folder.write(task.name, Demonstrations(self._provenance(clock), table))
        return int(table.num_rows)

    def _provenance(self, clock: StageClock) -> Provenance:
        return Provenance(
            hand=self.settings.hand,
            joints=tuple(self.hand.kinematics.joint_names),
            energies=self._maker.energies,
            stiffness=self.settings.stiffness,
            protocol=self._maker.protocol,
            versions={name: importlib.metadata.version(name) for name in _PACKAGES},
            seconds=clock.seconds,
        )
