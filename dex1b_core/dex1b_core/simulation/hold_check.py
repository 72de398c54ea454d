"""One grasp through a `HoldProtocol` in any engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.planning import FailureReason
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.engine import OBJECT, Engine, EngineName, make_engine
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.overlap import OverlapRuler
from dex1b_core.simulation.scene_description import Drive, ObjectDescription, SceneDescription

Array = NDArray[np.float64]

DIRECTIONS = ('+x', '-x', '+y', '-y', '+z', '-z')
AXES = np.kron(np.eye(3), [[1.0], [-1.0]])  # (6, 3), object frame
STAGES = ('', 'start', 'closing', *DIRECTIONS, 'measure')

_HASTE = 4.0  # how much faster than now the object may drift later, when extrapolating
_TOUCH = 5e-4  # [m] a gap that counts as touching: engines keep one


@dataclass(frozen=True)
class HoldTrial:
    """What one grasp came to.

    Attributes:
        reason: NONE where it held.
        stage: Of `STAGES`, where it failed.
        directions: (6,) held 1, failed 0, not tried -1.
        penetration: Hand in object in the grasp posture [m].
        self_penetration: Hand in itself in the grasp posture [m].
        start_penetration: The deeper of both where the protocol begins [m].
        contacts: Between hand and object after closing.
        fingers: That have one.
        below: (3,) deepest hand geometry below the support plane in grasp, pregrasp and approach
            [m]; NaN without a plane or approach.
    """

    reason: FailureReason = FailureReason.NONE
    stage: str = ''
    directions: NDArray[np.int8] = field(default_factory=lambda: np.full(6, -1, dtype=np.int8))
    penetration: float = np.nan
    self_penetration: float = np.nan
    start_penetration: float = np.nan
    contacts: int = 0
    fingers: int = 0
    below: Array = field(default_factory=lambda: np.full(3, np.nan))

    @property
    def held(self) -> bool:
        """Whether the grasp met the protocol."""
        return self.reason is FailureReason.NONE


@dataclass(frozen=True)
class Postures:
    """Hand postures (J,) [rad] in the order of the scene's driven joints."""

    pregrasp: Array
    grasp: Array
    squeeze: Array


class HoldChecker:
    """A warm scene of one hand and one object; trials do not depend on those before them.

    Args:
        robot: The hand.
        parts: Vertices (V, 3) of each convex part of the object [m].
        protocol: What is asked.
        engine: Which simulates: by name, or what makes one.
        drives: Of joints that differ from the protocol's, by name.
    """

    def __init__(
        self,
        robot: BodyTree,
        parts: Sequence[Array],
        protocol: HoldProtocol,
        engine: EngineName | Callable[[SceneDescription], Engine] = 'mujoco',
        drives: Mapping[str, Drive] | None = None,
    ) -> None:
        target = ObjectDescription.of_parts(parts, 1.0)
        self._mass = protocol.mass_of(target.unit.volume)
        scene = SceneDescription(
            robot,
            dict.fromkeys(robot.joint_names, protocol.drive) | dict(drives or {}),
            replace(target, mass=self._mass),
            protocol.friction,
            protocol.torsion,
        )
        self.protocol = protocol
        self.engine = (
            make_engine(engine, scene, published=protocol.published_contacts)
            if isinstance(engine, str)
            else engine(scene)
        )
        self._ruler = OverlapRuler(scene)
        self._fingers = robot.fingers()

    def run(
        self,
        object_T_root: Array,
        postures: Postures,
        plane: Array | None = None,
        approach: Array | None = None,
        *,
        friction: float | None = None,
        mass_scale: float = 1.0,
    ) -> HoldTrial:
        """Measure and simulate one grasp.

        Args:
            object_T_root: (4, 4) of the hand's root.
            postures: Of the hand.
            plane: (4,) unit normal and offset of the support, object frame.
            approach: (3,) unit direction of the last stretch, object frame.
            friction: Instead of the protocol's.
            mass_scale: Factor on the object's mass.
        """
        values = (object_T_root, postures.pregrasp, postures.grasp, postures.squeeze)
        if not all(np.isfinite(value).all() for value in values):
            return HoldTrial(FailureReason.UNSTABLE, 'start')
        trial = self._measure(object_T_root, postures, plane, approach)
        mass = self._mass * mass_scale
        self.engine.set_conditions(
            friction=self.protocol.friction if friction is None else friction, mass=mass
        )
        trial = self._simulate(trial, object_T_root, postures, self.protocol.push_on(mass))
        if trial.reason is not FailureReason.NONE:
            return trial
        if trial.penetration > self.protocol.max_penetration:
            return replace(trial, reason=FailureReason.INITIAL_PENETRATION, stage='measure')
        if np.nanmax(trial.below[:2], initial=0.0) > self.protocol.max_below:
            return replace(trial, reason=FailureReason.TABLE_HIT, stage='measure')
        return trial

    def _measure(
        self, object_T_root: Array, postures: Postures, plane: Array | None, approach: Array | None
    ) -> HoldTrial:
        """Overlaps, and what is below the support."""
        below = np.full(3, np.nan)
        at_grasp = self._ruler.measure(object_T_root, postures.grasp)
        if plane is not None:
            below[0] = max(0.0, -self._ruler.lowest(plane[:3], plane[3]))
        start = at_grasp
        if self.protocol.from_pregrasp:
            start = self._ruler.measure(object_T_root, postures.pregrasp)
            if plane is not None:
                lowest = self._ruler.lowest(plane[:3], plane[3])
                below[1] = max(0.0, -lowest)
                if approach is not None and np.isfinite(approach).all():
                    rise = -self.protocol.approach_distance * float(plane[:3] @ approach)
                    below[2] = max(0.0, -(lowest + min(0.0, rise)))
        return HoldTrial(
            penetration=at_grasp.target,
            self_penetration=at_grasp.own,
            start_penetration=start.deepest,
            below=below,
        )

    def _simulate(
        self, trial: HoldTrial, object_T_root: Array, postures: Postures, force: float
    ) -> HoldTrial:
        """Close the hand and push."""
        protocol, engine = self.protocol, self.engine
        if trial.start_penetration > protocol.max_start_overlap:
            return replace(trial, reason=FailureReason.INITIAL_PENETRATION, stage='start')
        start = postures.pregrasp if protocol.from_pregrasp else postures.grasp
        engine.reset()
        engine.place(object_T_root, start, np.eye(4))
        if not self._close(postures):
            return replace(trial, reason=FailureReason.UNSTABLE, stage='closing')
        if protocol.keeps_pose:
            moved, turned = _motion(engine.object_pose())
            if moved > protocol.max_shift:
                return replace(trial, reason=FailureReason.DROPPED, stage='closing')
            if turned > protocol.max_turn:
                return replace(trial, reason=FailureReason.ROTATED, stage='closing')
        contacts = engine.contacts()
        touching = contacts.bodies_at(OBJECT, _TOUCH)
        fingers = {int(f) for f in self._fingers[touching] if f >= 0}
        count = int(((contacts.other == OBJECT) & (contacts.depth >= -_TOUCH)).sum())
        return self._push(replace(trial, contacts=count, fingers=len(fingers)), force)

    def _close(self, postures: Postures) -> bool:
        """Go through the set points; False when the solution broke down."""
        protocol = self.protocol
        ways = [(postures.pregrasp, postures.grasp)] if protocol.from_pregrasp else []
        ways += [(postures.grasp, postures.squeeze)] if protocol.squeezes else []
        for start, end in ways:
            for stage in range(1, protocol.stages + 1):
                self.engine.command(start + (end - start) * (stage / protocol.stages))
                if not self.engine.advance(protocol.stage_s):
                    return False
        return True

    def _push(self, trial: HoldTrial, force: float) -> HoldTrial:
        """Each direction from the state after closing."""
        protocol, engine = self.protocol, self.engine
        closed = engine.save()
        directions = trial.directions.copy()
        first: tuple[FailureReason, str] | None = None
        for number, axis in enumerate(AXES):
            if number > 0:
                engine.restore(closed)
            engine.push(force * axis)
            reason = self._hold()
            directions[number] = reason is FailureReason.NONE
            if reason is not FailureReason.NONE and first is None:
                missed = trial.contacts == 0 and reason is not FailureReason.UNSTABLE
                first = (FailureReason.MISSED if missed else reason), DIRECTIONS[number]
            lost, held = int((directions == 0).sum()), int((directions == 1).sum())
            known = lost > len(AXES) - protocol.needed or held >= protocol.needed
            if (known and not protocol.all_directions) or reason is FailureReason.UNSTABLE:
                break
        enough = int((directions == 1).sum()) >= protocol.needed
        reason, stage = (FailureReason.NONE, '') if enough or first is None else first
        return replace(trial, directions=directions, reason=reason, stage=stage)

    def _hold(self) -> FailureReason:
        """Let a push act; NONE when the object stays."""
        protocol, engine = self.protocol, self.engine
        limits = np.array([protocol.max_shift, protocol.max_turn])
        before = np.full(2, np.inf)
        looks = protocol.looks * (2 if protocol.extrapolates else 1)
        for look in range(looks):
            if not engine.advance(protocol.hold_s / looks):
                return FailureReason.UNSTABLE
            motion = np.array(_motion(engine.object_pose()))
            if not protocol.keeps_pose:
                if motion[0] > _GONE:
                    return FailureReason.DROPPED
                continue
            if (motion > limits).any():
                if not len(engine.contacts().bodies_at(OBJECT, _TOUCH)):
                    return FailureReason.DROPPED
                slipped = motion[0] > limits[0]
                return FailureReason.SLIPPED if slipped else FailureReason.ROTATED
            left = looks - 1 - look
            drift = _HASTE * left * np.abs(motion - before)
            if protocol.extrapolates and (motion + drift < limits).all():
                return FailureReason.NONE
            before = motion
        if not protocol.keeps_pose and not len(engine.contacts().bodies_at(OBJECT, _TOUCH)):
            return FailureReason.DROPPED
        return FailureReason.NONE


_GONE = 1.0  # [m] what is so far away does not come back


def _motion(world_T_object: Array) -> tuple[float, float]:
    """How far the object is from the origin [m] and turned [rad]."""
    moved = float(np.linalg.norm(world_T_object[:3, 3]))
    cosine = (np.trace(world_T_object[:3, :3]) - 1.0) / 2.0
    return moved, float(np.arccos(np.clip(cosine, -1.0, 1.0)))
