"""Physics on grasps of a moving part: does the part follow the hand?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.floating import mount_frame
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.protocol import (
    NOMINAL,
    SWEEP,
    ArticulationProtocol,
    Condition,
    Reason,
)
from dex1b_core.articulation.trial import ArticulationTrial, Trial, TrialGrasp
from dex1b_core.simulation.engine import Engine, EngineName, make_engine
from dex1b_core.simulation.scene_description import Drive, SceneDescription
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree


@dataclass(frozen=True)
class ArticulationVerdict:
    """Of one grasp.

    Attributes:
        dex1b: Why Dex1B's criterion is not met in the nominal world; NONE where it is.
        strict: The same of the strict one, in the first world of the sweep that it fails in.
        dexart: The same of DexArt's in the nominal world; None where it has no such task.
        condition: Name of the world in which `strict` is not met; '' where it is.
        trials: What happened, world by world, up to that one.
    """

    dex1b: Reason
    strict: Reason
    dexart: Reason | None
    condition: str
    trials: tuple[ArticulationTrial, ...]


class ArticulationChecker:
    """One hand and one object, in an engine for each world.

    Args:
        hand: The hand's bodies.
        target: The object; its base is fixed, on a support.
        protocol: What is asked.
        engine: Which simulates.
        drives: Of the hand's driven joints by name; the protocol's for all when None.
    """

    def __init__(
        self,
        hand: TreeSource,
        target: ArticulatedObject,
        protocol: ArticulationProtocol | None = None,
        engine: EngineName = 'mujoco',
        drives: Mapping[str, Drive] | None = None,
    ) -> None:
        self.protocol = protocol or ArticulationProtocol()
        self.target = target
        self._engine_name: EngineName = engine
        self._hand = read_body_tree(hand)
        joints = self._hand.joint_names
        self._drives = dict(drives or dict.fromkeys(joints, self.protocol.drive))
        self._engines: dict[Condition, Engine] = {}

    def check(
        self,
        grasps: ArticulationGrasps,
        row: int,
        sweep: tuple[Condition, ...] = SWEEP,
    ) -> ArticulationVerdict:
        """Both criteria; the first world of the sweep is the nominal one."""
        trials = []
        for condition in sweep:
            trials.append(self.run(grasps, row, condition))
            if trials[-1].strict is not Reason.NONE:
                break
        last = trials[-1]
        failed = last.strict is not Reason.NONE
        name = sweep[len(trials) - 1].name if failed else ''
        first = trials[0]
        return ArticulationVerdict(first.dex1b, last.strict, first.dexart, name, tuple(trials))

    def run(
        self,
        grasps: ArticulationGrasps,
        row: int,
        condition: Condition = NOMINAL,
        *,
        on_stage: Callable[[str], None] = lambda name: None,
    ) -> ArticulationTrial:
        """One grasp in one world; `on_stage` is told as in `Trial`."""
        grasp, engine = self.prepare(grasps, row), self.engine(condition)
        pose = grasp.object_T_hand.copy()
        pose[:3, 3] -= condition.shift * grasp.retreat
        grasp = replace(grasp, object_T_hand=pose)
        dexart = condition is NOMINAL
        return Trial(engine, self.target, self.protocol, grasp, on_stage, dexart=dexart).run()

    def prepare(self, grasps: ArticulationGrasps, row: int) -> TrialGrasp:
        """A grasp as the scene's joints have it."""
        order = [grasps.joint_names.index(name) for name in self._hand.joint_names]
        return TrialGrasp(
            grasps.object_T_hand[row],
            grasps.pregrasp[row][order],
            grasps.grasp[row][order],
            grasps.squeeze[row][order],
            grasps.retreat[row],
            mount_frame(self.target),
        )

    def engine(self, condition: Condition) -> Engine:
        """The warm scene of a world."""
        if condition not in self._engines:
            joint = self.target.joint
            resisting = replace(
                joint,
                friction=joint.friction * condition.resistance,
                damping=joint.damping * condition.damping,
            )
            scene = SceneDescription(
                self._hand,
                self._drives,
                replace(self.target.description(), joint=resisting),
                condition.friction,
                self.protocol.torsion,
                has_support=True,
            )
            floating = scene.floating(self.protocol.slide_drive, self.protocol.turn_drive)
            self._engines[condition] = make_engine(self._engine_name, floating)
        return self._engines[condition]
