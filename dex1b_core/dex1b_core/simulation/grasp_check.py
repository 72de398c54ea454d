"""Physics on one candidate: approach, close, squeeze, lift and shake a reconstructed shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.geometry import Plane, invert, make_transform, transform_points
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.planning import FailureReason, GraspCandidate
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial, TrialResult
from dex1b_core.simulation.cuts import cut_into_convex_parts
from dex1b_core.simulation.objects import (
    add_object,
    body_of,
    mass_of,
    object_pose,
    set_object_pose,
)
from dex1b_core.simulation.physics_urdf import SLIDES
from dex1b_core.simulation.robot import LinkContact, SimulatedRobot
from dex1b_core.simulation.settings import PhysicsSettings, add_table

Array = NDArray[np.float64]

BASE_FLAT = 0.0015  # [m] lowest part of a shape that is made flat: noise would make it rock
WATCH_EVERY = 8  # physics steps between looks for a sure failure
TOUCH = 5e-4  # [m] separation below which a link touches


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


class GraspChecker:
    """One warm physics world with the hand alone over a support.

    Trials do not depend on those before them.
    """

    def __init__(
        self,
        robot: RobotDescription,
        settings: CheckSettings | None = None,
        physics: PhysicsSettings | None = None,
    ) -> None:
        self.description = robot
        self.settings = settings or CheckSettings()
        self.physics = physics or PhysicsSettings()
        self.scene = self.physics.new_scene()
        self.table = add_table(self.scene, self.physics)
        self.hand = SimulatedRobot.load(self.scene, robot, hand_only=True, settings=self.physics)

    def run(
        self, candidate: GraspCandidate, target: CheckObject, plane: Plane, trial: Trial
    ) -> TrialResult:
        """Simulate one candidate on one object."""
        turn = make_transform(Rotation.from_euler('z', trial.yaw).as_matrix(), np.zeros(3))
        start = target.support_T_object @ turn
        self._set_friction(trial.friction)
        entity = add_object(
            self.scene,
            target.parts,
            mass=mass_of(target.parts) * trial.mass_scale,
            world_T_object=start,
            friction=trial.friction,
            settings=self.physics,
        )
        grasp = support_frame(plane) @ candidate.planning_T_wrist
        grasp[:3, 3] -= trial.shift
        approach = support_frame(plane)[:3, :3] @ candidate.approach
        try:
            return _TrialRun(self, candidate, entity, grasp, approach).result()
        except _FailedError as failed:
            return failed.result
        finally:
            self.scene.remove_actor(entity)

    def _set_friction(self, friction: float) -> None:
        """Of the hand; the engine takes the average of two bodies."""
        for link in self.hand.articulation.links:
            for shape in link.collision_shapes:
                material = shape.physical_material
                material.set_static_friction(friction)
                material.set_dynamic_friction(friction)


class _FailedError(Exception):
    """The trial is over, and lost."""

    def __init__(self, result: TrialResult) -> None:
        super().__init__(result.reason.name)
        self.result = result


class _TrialRun:
    """One trial; each stage raises `_FailedError` at the first sure failure. Support frame."""

    def __init__(
        self,
        checker: GraspChecker,
        candidate: GraspCandidate,
        entity: Any,
        support_T_grasp: Array,
        approach: Array,
    ) -> None:
        self.scene, self.hand, self.table = checker.scene, checker.hand, checker.table
        self.settings = checker.settings
        self.fingers = checker.description.hand.fingers
        self.candidate = candidate
        self.entity, self.body = entity, body_of(entity)
        self.start = object_pose(entity)
        self.support_T_grasp = support_T_grasp
        self.travel = approach * candidate.approach_distance
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
        table, overlap = self._overlap(self.candidate.pregrasp)
        if table > settings.max_table_overlap:
            self._fail(FailureReason.TABLE_HIT)
        _, closed = self._overlap(self.candidate.grasp)
        self.numbers = replace(self.numbers, max_penetration=closed)
        if overlap > settings.max_overlap_open or closed > settings.max_overlap_closed:
            self._fail(FailureReason.INITIAL_PENETRATION)

    def _overlap(self, posture: Array) -> tuple[float, float]:
        """Depth of the hand in the table and in the object [m]."""
        self.hand.set_mount_pose(self.support_T_grasp)
        self.hand.set_positions(self.candidate.joint_names, posture)
        set_object_pose(self.entity, self.start)
        self.scene.step()
        depths = [_depth(self.hand.contacts(self.scene, e)) for e in (self.table, self.entity)]
        return depths[0], depths[1]

    def _approach(self) -> None:
        start = self.support_T_grasp.copy()
        start[:3, 3] -= self.travel
        self.hand.set_mount_pose(start)
        self.hand.set_positions(self.candidate.joint_names, self.candidate.pregrasp)
        set_object_pose(self.entity, self.start)
        distance = float(np.linalg.norm(self.travel))

        def move(fraction: float) -> None:
            self.hand.set_mount_offset(self.travel * _smooth(fraction))

        self._steps(distance / self.settings.approach_speed, move, self._watch_push)

    def _close(self) -> None:
        candidate, settings = self.candidate, self.settings
        names = candidate.joint_names

        def blend(start: Array, end: Array) -> Callable[[float], None]:
            return lambda fraction: self.hand.set_targets(names, start + fraction * (end - start))

        # no watch for pushing from here on: the solver lets a squeezed body load the wrist with
        # a force that nothing outside the hand balances
        close = blend(candidate.pregrasp, candidate.grasp)
        self._steps(settings.close_s, close, self._watch_speed)
        squeeze = blend(candidate.grasp, candidate.squeeze)
        self._steps(settings.squeeze_s, squeeze, self._watch_speed)
        self._steps(settings.settle_s, None, self._watch_speed)
        self._require_fingers()
        self.reference = self._object_in_wrist()

    def _lift(self, start: float, end: float, duration: float) -> None:
        def move(fraction: float) -> None:
            height = start + (end - start) * _smooth(fraction)
            self.hand.set_mount_offset(self.travel + np.array([0.0, 0.0, height]))

        self._steps(duration, move, self._watch_slip)

    def _shake(self) -> None:
        push = self.body.get_mass() * self.settings.shake
        for direction in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)):
            force = push * np.array(direction, dtype=np.float32)

            def apply(_: float, force: Array = force) -> None:
                self.body.add_force_torque(force, np.zeros(3, dtype=np.float32))

            self._steps(self.settings.shake_s, apply, self._watch_slip)

    def _steps(
        self, duration: float, act: Callable[[float], None] | None, watch: Callable[[], None]
    ) -> None:
        count = max(1, round(duration / self.scene.timestep))
        for step in range(count):
            if act is not None:
                act((step + 1) / count)
            self.scene.step()
            if step % WATCH_EVERY == WATCH_EVERY - 1:
                self._watch_speed()
                watch()

    # -- judgement -----------------------------------------------------------------------------

    def _watch_speed(self) -> None:
        speed = float(np.linalg.norm(self.body.get_linear_velocity()))
        if not speed <= self.settings.max_speed:  # also when it is not a number
            self._fail(FailureReason.UNSTABLE)

    def _watch_push(self) -> None:
        efforts = self.hand.efforts()
        if np.linalg.norm([efforts[name] for name in SLIDES]) > self.settings.max_push:
            on_table = self.hand.contacts(self.scene, self.table)
            self._fail(FailureReason.TABLE_HIT if on_table else FailureReason.INITIAL_PENETRATION)

    def _watch_slip(self) -> None:
        motion = self._motion()
        settings = self.settings
        if motion[0] > settings.max_slip:
            touched = self.hand.contacts(self.scene, self.entity)
            self._fail(FailureReason.SLIPPED if touched else FailureReason.DROPPED)
        if motion[1] > settings.max_rotation:
            self._fail(FailureReason.ROTATED)

    def _judge(self, lift: float) -> None:
        rise = float(object_pose(self.entity)[2, 3] - self.start[2, 3])
        slip, rotation = self._motion()
        self.numbers = replace(self.numbers, lift_height=rise, slip=slip, rotation=rotation)
        self._watch_slip()
        if rise < 0.5 * lift:
            self._fail(FailureReason.SLIPPED)

    def _require_fingers(self) -> None:
        """The thumb and one more finger touch the object."""
        contacts = self.hand.contacts(self.scene, self.entity)
        touching = {
            name
            for name, finger in self.fingers.items()
            if any(link in contacts and contacts[link].separation < TOUCH for link in finger.links)
        }
        self.numbers = replace(self.numbers, fingers_in_contact=len(touching))
        if not touching:
            self._fail(FailureReason.MISSED)
        if len(touching) < 2 or next(iter(self.fingers)) not in touching:
            self._fail(FailureReason.TOO_FEW_FINGERS)

    def _object_in_wrist(self) -> Array:
        root = self.hand.link_pose(self.hand.description.hand.root_link)
        return invert(root) @ object_pose(self.entity)

    def _motion(self) -> tuple[float, float]:
        """Of the object in the hand since closing [m, rad]."""
        pose = self._object_in_wrist()
        slip = float(np.linalg.norm(pose[:3, 3] - self.reference[:3, 3]))
        cosine = (np.trace(pose[:3, :3].T @ self.reference[:3, :3]) - 1) / 2
        return slip, float(np.arccos(np.clip(cosine, -1, 1)))

    def _fail(self, reason: FailureReason) -> None:
        raise _FailedError(replace(self.numbers, reason=reason))


def _depth(contacts: Mapping[str, LinkContact]) -> float:
    return max([0.0, *(-contact.separation for contact in contacts.values())])


def _smooth(fraction: float) -> float:
    """0 to 1 with zero speed and acceleration at both ends."""
    return fraction**3 * (10 - 15 * fraction + 6 * fraction**2)
