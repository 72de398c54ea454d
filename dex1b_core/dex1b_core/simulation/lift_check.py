"""Physics on one candidate: approach, close, squeeze, lift and shake a reconstructed shape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.geometry import Plane, invert, make_transform, transform_points
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.planning import FailureReason, GraspCandidate
from dex1b_core.robots.description import DriveSettings, RobotDescription
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial, TrialResult
from dex1b_core.simulation.cuts import cut_into_convex_parts
from dex1b_core.simulation.engine import OBJECT, SUPPORT, Engine, make_engine
from dex1b_core.simulation.objects import mass_of
from dex1b_core.simulation.scene_description import Drive, ObjectDescription, SceneDescription
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree
from dex1b_core.simulation.wrist_carrier import (
    ArmCarrier,
    SlideCarrier,
    UnreachableError,
    WristCarrier,
)

Array = NDArray[np.float64]

BASE_FLAT = 0.0015  # [m] lowest part of a shape that is made flat: noise would make it rock
WATCH_S = 0.033  # [s] between looks for a sure failure
TOUCH = 5e-4  # [m] gap at which a link touches
GRAVITY = 9.81  # [m/s^2]


@dataclass(frozen=True)
class CheckObject:
    """A shape ready for physics.

    Attributes:
        parts: Convex parts [m], in an upright frame at their centroid.
        support_T_object: (4, 4) its pose on the support; the support plane is z = 0.
        volume: [m^3].
    """

    parts: tuple[ConvexPart, ...]
    support_T_object: Array
    volume: float


def support_frame(plane: Plane) -> Array:
    """`support_T_planning` (4, 4): the plane becomes z = 0, x and y stay as near as they can."""
    turn, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [plane.normal])
    return make_transform(turn.as_matrix(), [0.0, 0.0, plane.offset])


def prepare_object(shape: ShapeHypothesis, plane: Plane) -> CheckObject:
    """Cut a shape into convex parts and stand it on the support plane.

    Raises:
        Dex1bError: SHAPE_INVALID when the mesh encloses no volume.
    """
    support_T_planning = support_frame(plane)
    corners = [
        transform_points(support_T_planning, part.vertices) for part in cut_into_convex_parts(shape)
    ]
    floor = min(part[:, 2].min() for part in corners)
    for part in corners:
        part[:, 2] -= floor
        part[part[:, 2] < BASE_FLAT, 2] = 0.0
    volumes = np.array([convex_part(part).volume for part in corners])
    centre = volumes @ np.array([part.mean(axis=0) for part in corners]) / volumes.sum()
    parts = tuple(convex_part(part - centre) for part in corners)
    return CheckObject(parts, make_transform(np.eye(3), centre), float(volumes.sum()))


def cube(side: float) -> CheckObject:
    """A cube [m] on the support, at its origin."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    pose = make_transform(np.eye(3), [0.0, 0.0, side / 2])
    return CheckObject((convex_part(side / 2 * corners),), pose, side**3)


class LiftChecker:
    """A warm scene of a hand, perhaps with its arm, and one object on a support.

    Trials do not depend on those before them.

    Args:
        source: The hand's bodies, or the whole robot's.
        fingers: Links of each finger by its name, the thumb first.
        drives: Of the driven joints, by name.
        target: What is lifted.
        settings: Engine, motion and thresholds.
        arm: Carries the hand; then `source` is the whole robot, its arm's joints first. Without
            it the hand moves on slides.
        wrist: The hand's root link; `source`'s by default.
    """

    def __init__(
        self,
        source: TreeSource,
        fingers: Mapping[str, Collection[str]],
        drives: Mapping[str, Drive],
        target: CheckObject,
        settings: CheckSettings | None = None,
        *,
        arm: ArmCarrier | None = None,
        wrist: str = '',
    ) -> None:
        self.settings = settings or CheckSettings()
        self.target = target
        self.arm = arm
        self.carrier: WristCarrier = arm or SlideCarrier()
        self._mass = self.settings.mass or mass_of(target.parts)
        scene = SceneDescription(
            read_body_tree(source),
            drives,
            ObjectDescription.of_parts([part.vertices for part in target.parts], self._mass),
            self.settings.friction,
            self.settings.torsion,
            has_support=True,
        )
        if arm is None:
            scene = scene.on_slides()
        self.engine = make_engine(self.settings.engine, scene)
        owner = {link: i for i, body in enumerate(scene.robot.bodies) for link in body.links}
        self.fingers = {
            name: {owner[link] for link in links if link in owner}
            for name, links in fingers.items()
        }
        self.root = owner[wrist or source.root_link]
        in_arm = 0 if arm is None else len(arm.joint_names)
        self.hand_joints = source.joint_names[in_arm:]

    @classmethod
    def of_robot(
        cls, robot: RobotDescription, target: CheckObject, settings: CheckSettings | None = None
    ) -> Self:
        """With the hand of a robot and its simulated drives; and its arm, if the settings say."""
        settings = settings or CheckSettings()
        hand = robot.hand
        fingers = {name: finger.links for name, finger in hand.fingers.items()}
        drives = _drives(hand.joints, robot.simulation.hand)
        if settings.body == 'hand':
            source = TreeSource(robot.urdf_path, hand.root_link, hand.joints)
            return cls(source, fingers, drives, target, settings)
        return cls(
            TreeSource(robot.urdf_path, robot.base_link, (*robot.arm.joints, *hand.joints)),
            fingers,
            drives | _drives(robot.arm.joints, robot.simulation.arm),
            target,
            settings,
            arm=ArmCarrier(robot),
            wrist=hand.root_link,
        )

    def run(self, candidate: GraspCandidate, plane: Plane, trial: Trial) -> TrialResult:
        """Simulate one candidate; `trial.shape` has been chosen by the caller."""
        turn = make_transform(Rotation.from_euler('z', trial.yaw).as_matrix(), np.zeros(3))
        # below the object's centre, so that the support reaches as far on all sides
        aside = np.array([*self.target.support_T_object[:2, 3], 0.0])
        start = self.target.support_T_object @ turn
        grasp = support_frame(plane) @ candidate.planning_T_wrist
        start[:3, 3] -= aside
        grasp[:3, 3] -= aside + trial.shift
        approach = support_frame(plane)[:3, :3] @ candidate.approach
        if self.arm is not None:
            self.arm.world_T_base = support_frame(plane)
            self.arm.world_T_base[:3, 3] -= aside + trial.shift
        mass = self._mass * trial.mass_scale
        self.engine.set_conditions(friction=trial.friction, mass=mass)
        self.engine.reset()
        try:
            return _LiftTrial(self, candidate, start, grasp, approach, mass).result()
        except _FailedError as failed:
            return failed.result
        except UnreachableError:
            return TrialResult(FailureReason.UNREACHABLE)


def _drives(joints: tuple[str, ...], settings: DriveSettings) -> dict[str, Drive]:
    limits = zip(joints, settings.effort_limits, strict=True)
    return {
        name: Drive(settings.stiffness, settings.damping, limit, settings.armature)
        for name, limit in limits
    }


class _FailedError(Exception):
    """The trial is over, and lost."""

    def __init__(self, result: TrialResult) -> None:
        super().__init__(result.reason.name)
        self.result = result


class _LiftTrial:
    """One trial; each stage raises `_FailedError` at the first sure failure.

    The world is the support's frame below the object. Joint vectors begin with the carrier's.
    """

    def __init__(
        self,
        checker: LiftChecker,
        candidate: GraspCandidate,
        world_T_object: Array,
        world_T_grasp: Array,
        approach: Array,
        mass: float,
    ) -> None:
        self.engine: Engine = checker.engine
        self.settings = checker.settings
        self.fingers, self.root = checker.fingers, checker.root
        self.carrier = checker.carrier
        self.start = world_T_object
        self.travel = approach * candidate.approach_distance
        away = world_T_grasp.copy()
        away[:3, 3] -= self.travel
        lift = np.array([0.0, 0.0, self.settings.lift])
        self.root_pose = self.carrier.begin(away, (self.travel, lift))
        order = [candidate.joint_names.index(name) for name in checker.hand_joints]
        self.pregrasp = candidate.pregrasp[order]
        self.grasp, self.squeeze = candidate.grasp[order], candidate.squeeze[order]
        self.weight = np.array([0.0, 0.0, -mass * GRAVITY])
        self.mass = mass
        self.shift = np.zeros(3)
        self.posture = self.pregrasp
        self.numbers = TrialResult(FailureReason.NONE)
        self.reference = np.eye(4)

    def result(self) -> TrialResult:
        """Go through the stages."""
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
        joints = np.r_[self.carrier.joints(self.travel), posture]
        self.engine.place(self.root_pose, joints, self.start)
        contacts = self.engine.contacts()
        return contacts.deepest(SUPPORT), contacts.deepest(OBJECT)

    def _approach(self) -> None:
        joints = np.r_[self.carrier.joints(np.zeros(3)), self.pregrasp]
        self.engine.place(self.root_pose, joints, self.start)
        self.engine.push(self.weight)
        duration = float(np.linalg.norm(self.travel)) / self.settings.approach_speed
        self._move(duration, lambda part: self.travel * _smooth(part), self._watch_push)

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
        def path(part: float) -> Array:
            height = start + (end - start) * _smooth(part)
            offset: Array = self.travel + np.array([0.0, 0.0, height])
            return offset

        self._move(duration, path, self._watch_slip)

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

    def _move(
        self, duration: float, path: Callable[[float], Array], watch: Callable[[], None]
    ) -> None:
        """Move the root along a path of offsets (3,) [m], world frame."""

        def act(part: float) -> None:
            self.shift = path(part)
            self._command()

        self._steps(duration, act, watch)

    def _command(self) -> None:
        self.engine.command(np.r_[self.carrier.joints(self.shift), self.posture])

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
