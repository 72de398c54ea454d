"""One trial of the physics check: approach, close, squeeze, lift and shake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import invert
from dex1b_core.planning import FailureReason, GraspCandidate
from dex1b_core.simulation.check_trial import TrialResult
from dex1b_core.simulation.engine import OBJECT, SUPPORT, Engine
from dex1b_core.simulation.wrist_carrier import WristWay

if TYPE_CHECKING:
    from dex1b_core.simulation.lift_check import LiftChecker

Array = NDArray[np.float64]

WATCH_S = 0.033  # [s] between looks for a sure failure
TOUCH = 5e-4  # [m] gap at which a link touches
GRAVITY = 9.81  # [m/s^2]


class _FailedError(Exception):
    """The trial is over, and lost."""

    def __init__(self, result: TrialResult) -> None:
        super().__init__(result.reason.name)
        self.result = result


class LiftTrial:
    """One trial; each stage raises `_FailedError` at the first sure failure.

    The world is the support's frame below the object. Joint vectors begin with the carrier's.

    Args:
        checker: With the scene, its conditions set and reset before `result`.
        candidate: The grasp's postures.
        world_T_object: (4, 4) where the object stands.
        way: Of the wrist.
        mass: Of the object [kg].

    Raises:
        UnreachableError: the carrier cannot follow the way.
    """

    def __init__(
        self,
        checker: LiftChecker,
        candidate: GraspCandidate,
        world_T_object: Array,
        way: WristWay,
        mass: float,
    ) -> None:
        self.engine: Engine = checker.engine
        self.settings = checker.settings
        self.fingers, self.root = checker.fingers, checker.root
        self.carrier = checker.carrier
        self.start = world_T_object
        self.distance = float(np.linalg.norm(way.travel))
        self.root_pose = self.carrier.begin(way)
        self.approached, self.lifted = 0.0, 0.0
        self.carried = self.carrier.joints(0.0, 0.0)
        order = [candidate.joint_names.index(name) for name in checker.hand_joints]
        self.pregrasp = candidate.pregrasp[order]
        self.grasp, self.squeeze = candidate.grasp[order], candidate.squeeze[order]
        self.weight = np.array([0.0, 0.0, -mass * GRAVITY])
        self.mass = mass
        self.posture = self.pregrasp
        self.numbers = TrialResult(FailureReason.NONE)
        self.reference = np.eye(4)

    def result(self) -> TrialResult:
        """Go through the stages."""
        try:
            return self._stages()
        except _FailedError as failed:
            return failed.result

    def _stages(self) -> TrialResult:
        self._check_overlaps()
        self._approach()
        self._close()
        self._lift(0.0, self.settings.small_lift, self.settings.small_lift_s)
        self._judge(self.settings.small_lift)
        self._lift(self.settings.small_lift, self.settings.lift, self.settings.lift_s)
        self._judge(self.settings.lift)
        self._shake()
        self._judge(self.settings.lift)
        self._require_fingers()
        return self.numbers

    # -- stages --------------------------------------------------------------------------------

    def _check_overlaps(self) -> None:
        """Put the hand at the grasp pose, open and closed, and look how deep it is in what."""
        settings = self.settings
        support, overlap = self._overlap(self.pregrasp)
        if support > settings.max_table_overlap:
            self._fail(FailureReason.TABLE_HIT)
        _, closed = self._overlap(self.grasp)
        self.numbers = replace(self.numbers, max_penetration=closed)
        if overlap > settings.max_overlap_open or closed > settings.max_overlap_closed:
            self._fail(FailureReason.INITIAL_PENETRATION)

    def _overlap(self, posture: Array) -> tuple[float, float]:
        """Depth of the hand in the support and in the object [m]."""
        joints = np.r_[self.carrier.joints(1.0, 0.0), posture]
        self.engine.place(self.root_pose, joints, self.start)
        contacts = self.engine.contacts()
        return contacts.deepest(SUPPORT), contacts.deepest(OBJECT)

    def _approach(self) -> None:
        joints = np.r_[self.carried, self.pregrasp]
        self.engine.place(self.root_pose, joints, self.start)
        self.engine.push(self.weight)

        def act(part: float) -> None:
            self.approached = _smooth(part)
            self._command()

        self._steps(self.distance / self.settings.approach_speed, act, self._watch_push)

    def _close(self) -> None:
        settings = self.settings
        # no watch for pushing from here on: the solver lets a squeezed body load the wrist with
        # a force that nothing outside the hand balances
        self._bend(settings.close_s, self.pregrasp, self.grasp)
        self._bend(settings.squeeze_s, self.grasp, self.squeeze)
        self._steps(settings.settle_s, lambda part: None, self._watch_speed)
        self._require_fingers()
        self.reference = self._object_in_root()

    def _lift(self, start: float, end: float, duration: float) -> None:
        def act(part: float) -> None:
            self.lifted = start + (end - start) * _smooth(part)
            self._command()

        self._steps(duration, act, self._watch_slip)

    def _shake(self) -> None:
        for axis in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)):
            self.engine.push(self.weight + self.mass * self.settings.shake * np.array(axis))
            self._steps(self.settings.shake_s, lambda part: None, self._watch_slip)
        self.engine.push(self.weight)

    def _bend(self, duration: float, start: Array, end: Array) -> None:
        def act(part: float) -> None:
            self.posture = start + part * (end - start)
            self._command()

        self._steps(duration, act, self._watch_speed)

    def _command(self) -> None:
        """Once before every step."""
        before, self.carried = self.carried, self.carrier.joints(self.approached, self.lifted)
        rate = (self.carried - before) / self.engine.timestep
        self.engine.command(np.r_[self.carrier.targets(self.carried, rate), self.posture])

    def _steps(
        self, duration: float, act: Callable[[float], None], watch: Callable[[], None]
    ) -> None:
        """Act before every step, and watch now and then."""
        count = max(1, round(duration / self.engine.timestep))
        every = max(1, round(WATCH_S / self.engine.timestep))
        for step in range(count):
            act((step + 1) / count)
            if not self.engine.advance(self.engine.timestep):
                self._fail(FailureReason.UNSTABLE)
            if step % every == every - 1:
                self._watch_speed()
                watch()

    # -- judgement -----------------------------------------------------------------------------

    def _watch_speed(self) -> None:
        if not self.engine.object_speed() <= self.settings.max_speed:  # also when not a number
            self._fail(FailureReason.UNSTABLE)

    def _watch_push(self) -> None:
        if self.carrier.load(self.engine) > self.settings.max_push:
            on_support = len(self.engine.contacts().bodies_at(SUPPORT, TOUCH)) > 0
            self._fail(FailureReason.TABLE_HIT if on_support else FailureReason.INITIAL_PENETRATION)

    def _watch_slip(self) -> None:
        slip, rotation = self._motion()
        if slip > self.settings.max_slip:
            touched = len(self.engine.contacts().bodies_at(OBJECT, TOUCH)) > 0
            self._fail(FailureReason.SLIPPED if touched else FailureReason.DROPPED)
        if rotation > self.settings.max_rotation:
            self._fail(FailureReason.ROTATED)

    def _judge(self, lift: float) -> None:
        rise = float(self.engine.object_pose()[2, 3] - self.start[2, 3])
        slip, rotation = self._motion()
        self.numbers = replace(self.numbers, lift_height=rise, slip=slip, rotation=rotation)
        self._watch_slip()
        if rise < self.settings.min_rise * lift:
            self._fail(FailureReason.SLIPPED)

    def _require_fingers(self) -> None:
        """Two fingers touch the object, the thumb among them unless the settings say otherwise."""
        bodies = set(self.engine.contacts().bodies_at(OBJECT, TOUCH).tolist())
        touching = [name for name, own in self.fingers.items() if own & bodies]
        self.numbers = replace(self.numbers, fingers_in_contact=len(touching))
        if not touching:
            self._fail(FailureReason.MISSED)
        thumb = next(iter(self.fingers))
        if len(touching) < 2 or (self.settings.needs_thumb and thumb not in touching):
            self._fail(FailureReason.TOO_FEW_FINGERS)

    def _object_in_root(self) -> Array:
        world_T_root = self.engine.body_poses()[self.root]
        root_T_object: Array = invert(world_T_root) @ self.engine.object_pose()
        return root_T_object

    def _motion(self) -> tuple[float, float]:
        """Of the object in the hand since closing [m, rad]."""
        pose = self._object_in_root()
        slip = float(np.linalg.norm(pose[:3, 3] - self.reference[:3, 3]))
        cosine = (np.trace(pose[:3, :3].T @ self.reference[:3, :3]) - 1) / 2
        return slip, float(np.arccos(np.clip(cosine, -1, 1)))

    def _fail(self, reason: FailureReason) -> None:
        raise _FailedError(replace(self.numbers, reason=reason))


def _smooth(fraction: float) -> float:
    """0 to 1 with zero speed and acceleration at both ends."""
    return fraction**3 * (10 - 15 * fraction + 6 * fraction**2)
