"""Physics on one candidate: approach, close, squeeze, lift and shake a reconstructed shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.geometry import Plane, make_transform, transform_points
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.planning import FailureReason, GraspCandidate
from dex1b_core.robots.description import DriveSettings, RobotDescription
from dex1b_core.simulation.arm_scene import ArmScene
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial, TrialResult
from dex1b_core.simulation.cuts import cut_into_convex_parts
from dex1b_core.simulation.engine import Engine, EngineName, make_engine
from dex1b_core.simulation.lift_trial import LiftTrial
from dex1b_core.simulation.objects import mass_of
from dex1b_core.simulation.scene_description import Drive, ObjectDescription, SceneDescription
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree
from dex1b_core.simulation.wrist_carrier import (
    ArmCarrier,
    SlideCarrier,
    UnreachableError,
    WristCarrier,
    WristWay,
)

Array = NDArray[np.float64]

ARM_TIMESTEP = 0.001  # [s] in MuJoCo; at more, the damping of an arm's drives weakens friction
BASE_FLAT = 0.0015  # [m] lowest part of a shape that is made flat: noise would make it rock


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
        self.settings = settings = settings or CheckSettings()
        self.target = target
        self.carrier: WristCarrier = arm or SlideCarrier()
        self._mass = settings.mass or mass_of(target.parts)
        tree, friction, torsion = read_body_tree(source), settings.friction, settings.torsion
        body = ObjectDescription.of_parts([part.vertices for part in target.parts], self._mass)
        if arm is None:
            plain = SceneDescription(tree, drives, body, friction, torsion, has_support=True)
            scene = plain.on_slides()
        else:
            scene = ArmScene(
                tree, drives, body, friction, torsion, has_support=True, passing=arm.passing(tree)
            )
        self.engine = _engine(scene, settings.engine)
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
        drives = joint_drives(hand.joints, robot.simulation.hand)
        if settings.body == 'hand':
            source = TreeSource(robot.urdf_path, hand.root_link, hand.joints)
            return cls(source, fingers, drives, target, settings)
        return cls(
            TreeSource(robot.urdf_path, robot.base_link, (*robot.arm.joints, *hand.joints)),
            fingers,
            drives | joint_drives(robot.arm.joints, robot.simulation.arm),
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
        base = support_frame(plane)
        base[:3, 3] -= aside + trial.shift
        way = WristWay(
            base,
            grasp,
            approach * candidate.approach_distance,
            max(self.settings.small_lift, self.settings.lift),
            candidate.reachability.positions,
        )
        mass = self._mass * trial.mass_scale
        try:
            lift = LiftTrial(self, candidate, start, way, mass)
        except UnreachableError:
            return TrialResult(FailureReason.UNREACHABLE)
        self.engine.set_conditions(friction=trial.friction, mass=mass)
        self.engine.reset()
        return lift.result()


def _engine(scene: SceneDescription, name: EngineName) -> Engine:
    if name == 'mujoco' and isinstance(scene, ArmScene):
        from dex1b_core.simulation.mujoco_engine import MujocoEngine
        from dex1b_core.simulation.mujoco_model import MATCHED

        return MujocoEngine(scene, replace(MATCHED, timestep=ARM_TIMESTEP))
    return make_engine(name, scene)


def joint_drives(joints: tuple[str, ...], settings: DriveSettings) -> dict[str, Drive]:
    """Of a group of joints, as a robot's description has them."""
    limits = zip(joints, settings.effort_limits, strict=True)
    return {
        name: Drive(settings.stiffness, settings.damping, limit, settings.armature)
        for name, limit in limits
    }
