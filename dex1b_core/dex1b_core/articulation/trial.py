"""One grasp of a moving part in one world: approach, close, squeeze, lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.articulation.finger_track import FingerTrack
from dex1b_core.articulation.floating import carrier_joints
from dex1b_core.articulation.protocol import ArticulationProtocol, Reason
from dex1b_core.geometry import invert
from dex1b_core.geometry.transforms import make_transform
from dex1b_core.simulation.engine import BASE, OBJECT, SUPPORT, Engine

GRAVITY = 9.81  # [m/s^2]
STRIDE_S = 0.02  # [s] between points of the hand's way
WATCH_S = 0.04  # [s] between looks at fingers and load


@dataclass(frozen=True, eq=False)
class TrialGrasp:
    """A grasp in the object frame, postures (J,) in the order of the scene's hand [rad].

    Attributes:
        object_T_hand: (4, 4).
        pregrasp, grasp, squeeze: Postures.
        retreat: (3,) unit direction away.
        object_T_mount: (4, 4) of the floating hand's mount.
    """

    object_T_hand: Array
    pregrasp: Array
    grasp: Array
    squeeze: Array
    retreat: Array
    object_T_mount: Array


@dataclass(frozen=True)
class ArticulationTrial:
    """What one grasp came to in one world.

    Attributes:
        dex1b, strict: Why each criterion is not met.
        dexart: The same of DexArt's; None where it has no such task, or was not asked for.
        goal: Displacement that Dex1B's criterion asks for [rad or m].
        at_goal: Displacement where it is judged [rad or m].
        moved: Displacement in the end [rad or m].
        share: The same as a part of the travel.
        fingers: That touch the part in the end.
        slip: Farthest that one of them moved along it [m].
        load: Largest force on the hand while leading, or all along, in the mean over
            `WATCH_S` [N].
        overlap: Deepest overlap where it begins and in the grasp [m].
    """

    dex1b: Reason
    strict: Reason
    goal: float
    at_goal: float = 0.0
    moved: float = 0.0
    share: float = 0.0
    fingers: int = 0
    slip: float = 0.0
    load: float = 0.0
    overlap: float = 0.0
    dexart: Reason | None = None


class _FailedError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Trial:
    """See `ArticulationChecker`; the object stands on the support, at the origin.

    `on_stage` is told when the hand is in place, closed, half way and in the end; `dexart` leads
    on to the limit where DexArt has such a task.
    """

    def __init__(
        self,
        engine: Engine,
        target: ArticulatedObject,
        protocol: ArticulationProtocol,
        grasp: TrialGrasp,
        on_stage: Callable[[str], None] = lambda name: None,
        *,
        dexart: bool = False,
    ) -> None:
        self._on_stage = on_stage
        self._dexart_goal = protocol.dexart_goal(target) if dexart else None
        self.engine, self.target, self.protocol, self.grasp = engine, target, protocol, grasp
        self._world_T_object = make_transform(np.eye(3), [0.0, 0.0, -target.height])
        self._world_T_mount = self._world_T_object @ grasp.object_T_mount
        self._track = FingerTrack(engine)
        self._weight = np.array([0.0, 0.0, -target.mass * GRAVITY])
        self._carried = self._joints(grasp.object_T_hand, np.zeros(3))
        self._next = self._carried
        self._posture = grasp.pregrasp
        self._load = 0.0
        self._pulls: list[Array] = []  # (3,) of the slides [N], since the last look
        self._judged = self._ended = False  # by Dex1B's criterion; by the strict one
        self._result = ArticulationTrial(Reason.NONE, Reason.NONE, protocol.goal(target))

    def run(self) -> ArticulationTrial:
        """Go through the stages."""
        try:
            self._approach()
            self._close()
            self._lead()
        except _FailedError as failed:
            first = self._result.dex1b
            dex1b = first if self._judged else failed.reason
            self._result = replace(self._result, dex1b=dex1b, strict=failed.reason)
        if self._dexart_goal is not None:
            self._lead_to_limit(self._dexart_goal)
        return self._result

    # -- stages --------------------------------------------------------------------------------

    def _approach(self) -> None:
        protocol, grasp = self.protocol, self.grasp
        overlap = self._placed(grasp.object_T_hand, grasp.grasp)
        start = grasp.object_T_hand.copy()
        start[:3, 3] += protocol.approach * grasp.retreat
        overlap = max(overlap, self._placed(start, grasp.pregrasp))
        self._result = replace(self._result, overlap=overlap)
        if not overlap <= protocol.max_overlap:
            raise _FailedError(Reason.START_OVERLAP)
        self.engine.push(self._weight)
        self._on_stage('before')
        self._carried = self._joints(start, self._carried[3:])

        def act(part: float) -> None:
            pose = grasp.object_T_hand.copy()
            pose[:3, 3] += (1.0 - _smooth(part)) * protocol.approach * grasp.retreat
            self._command(pose)

        self._steps(protocol.approach / protocol.speed, act, self._weigh)
        if self._load > protocol.max_load and protocol.load_all_along:
            raise _FailedError(Reason.OVERLOADED)

    def _placed(self, object_T_hand: Array, posture: Array) -> float:
        """Put hand and object there, and say how deep the hand is in anything [m]."""
        self.engine.reset()
        joints = np.r_[self._joints(object_T_hand, self._carried[3:]), posture]
        self.engine.place(self._world_T_mount, joints, self._world_T_object, self.target.start)
        contacts = self.engine.contacts()
        return max(contacts.deepest(other) for other in (OBJECT, BASE, SUPPORT))

    def _close(self) -> None:
        protocol, grasp = self.protocol, self.grasp
        ways = (
            (protocol.close_s, grasp.pregrasp, grasp.grasp),
            (protocol.squeeze_s, grasp.grasp, grasp.squeeze),
        )
        for duration, start, end in ways:

            def act(part: float, start: Array = start, end: Array = end) -> None:
                self._posture = start + part * (end - start)
                self._command(grasp.object_T_hand)

            self._steps(duration, act, self._weigh)
        self._steps(protocol.settle_s, lambda part: None, self._weigh)
        if not protocol.load_all_along:
            self._load = 0.0
        self._on_stage('closed')
        if not self._track.hold():
            raise _FailedError(Reason.MISSED)

    def _lead(self) -> None:
        """Lead to where Dex1B's criterion is judged, and on to the end."""
        protocol, travel = self.protocol, self.target.travel
        first = min(protocol.beyond * self._result.goal, protocol.lead * travel)
        self._lead_to(0.0, first)
        self._on_stage('on the way')
        self._judge_dex1b()
        self._lead_to(first, protocol.lead * travel)
        self._on_stage('in the end')
        self._judge_strict()

    def _lead_to_limit(self, goal: float) -> None:
        """Beyond what `strict` asks for, unless the grasp has failed before its end."""
        reason = self._result.strict
        if self._ended:
            try:
                self._lead_to(self.protocol.lead * self.target.travel, self.target.travel)
                reason = self._outcome(goal)
            except _FailedError as failed:
                reason = failed.reason
        self._result = replace(self._result, dexart=reason)

    def _lead_to(self, begin: float, end: float) -> None:
        target, centre = self.target, self.grasp.object_T_hand[:3, 3]
        way = abs(end - begin)
        duration = way * target.joint.reach(centre) / self.protocol.speed
        if not target.joint.slides:
            duration = max(duration, way / self.protocol.turn_speed)

        def act(part: float) -> None:
            position = target.start + begin + _smooth(part) * (end - begin)
            self._command(target.motion(position) @ self.grasp.object_T_hand)

        if way > 0.0:
            self._steps(max(duration, self.protocol.least_s), act, self._watch)
        self._steps(self.protocol.settle_s, lambda part: None, self._watch)

    # -- judgement -----------------------------------------------------------------------------

    def _watch(self) -> None:
        self._track.look()
        self._weigh()

    def _weigh(self) -> None:
        self._load = max(self._load, float(np.linalg.norm(np.mean(self._pulls, axis=0))))
        self._pulls.clear()

    def _outcome(self, wanted: float) -> Reason:
        """Of a displacement and enough fingers."""
        moved, touching = self._moved(), self._track.touching()
        if moved < wanted:
            return Reason.NOT_OPENED if touching else Reason.LOST
        enough = len(touching) >= self.protocol.fingers
        return Reason.NONE if enough else Reason.TOO_FEW_FINGERS

    def _moved(self) -> float:
        return self.engine.object_joint() - self.target.start

    def _judge_dex1b(self) -> None:
        reason = self._outcome(self._result.goal)
        self._result = replace(self._result, dex1b=reason, at_goal=self._moved())
        self._judged = True

    def _judge_strict(self) -> None:
        protocol, moved, slip = self.protocol, self._moved(), self._track.slip()
        self._ended = True
        reason = self._outcome(protocol.strict_share * self.target.travel)
        if reason is Reason.NONE and slip > protocol.max_slip:
            reason = Reason.SLIPPED
        if reason is Reason.NONE and self._load > protocol.max_load:
            reason = Reason.OVERLOADED
        self._result = replace(
            self._result,
            strict=reason,
            moved=moved,
            share=moved / self.target.travel,
            fingers=len(self._track.touching()),
            slip=slip,
            load=self._load,
        )

    # -- motion --------------------------------------------------------------------------------

    def _joints(self, object_T_hand: Array, before: Array) -> Array:
        return carrier_joints(invert(self.grasp.object_T_mount) @ object_T_hand, before)

    def _command(self, object_T_hand: Array) -> None:
        self._next = self._joints(object_T_hand, self._carried[3:])

    def _steps(
        self,
        duration: float,
        act: Callable[[float], None],
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        """Act now and then, go there evenly, and watch more rarely."""
        inner = max(1, round(STRIDE_S / self.engine.timestep))
        count = max(1, round(duration / (inner * self.engine.timestep)))
        every = max(1, round(WATCH_S / STRIDE_S))
        for step in range(count):
            act((step + 1) / count)
            change = (self._next - self._carried) / inner
            for part in range(1, inner + 1):
                joints = np.concatenate([self._carried + part * change, self._posture])
                self.engine.command(joints)
                if not self.engine.advance(self.engine.timestep):
                    raise _FailedError(Reason.UNSTABLE)
                self._pulls.append(self.engine.joint_efforts()[:3])
            self._carried = self._next
            if step % every == every - 1 or step == count - 1:
                watch()


def _smooth(fraction: float) -> float:
    """0 to 1 with zero speed and acceleration at both ends."""
    return fraction**3 * (10 - 15 * fraction + 6 * fraction**2)
