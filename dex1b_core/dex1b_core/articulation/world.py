"""The simulated bench with an articulated object on it; the joint's true state is for scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.geometry import invert, make_transform
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.camera import CameraDescription, DepthCamera
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.raycast import Body, RaycastScene
from dex1b_core.simulation.robot import SimulatedRobot
from dex1b_core.simulation.sapien_model import StandingBase
from dex1b_core.simulation.sapien_object import JointedObject
from dex1b_core.simulation.settings import PhysicsSettings, add_table
from dex1b_core.simulation.visuals import robot_bodies
from dex1b_core.simulation.world import OBJECT, table_body

Array = NDArray[np.float64]

BASE = 'object/base'
PART_COLOUR = (0.87, 0.67, 0.16)
BASE_COLOUR = (0.66, 0.70, 0.74)
_STANDS = 0.6  # friction of a free base on the table, as the strict criterion supposes
_LOCKED = 1e-3  # [rad or m] by which a locked joint still gives


@dataclass(frozen=True)
class FurniturePlacement:
    """Where articulated objects are put, at random: their front towards the robot.

    Attributes:
        front: Range of the distance from the robot to the object's front [m].
        y: Range to the robot's left [m].
        yaw: Range of the turn away from facing the robot [rad].
    """

    front: tuple[float, float] = (0.56, 0.62)
    y: tuple[float, float] = (-0.06, 0.06)
    yaw: tuple[float, float] = (-0.15, 0.15)

    def draw(self, target: ArticulatedObject, seed: int) -> Array:
        """`world_T_object` (4, 4), standing on the table; the same for the same seed."""
        random = np.random.default_rng(seed)
        front, y, yaw = (random.uniform(*limits) for limits in (self.front, self.y, self.yaw))
        turn = np.pi + yaw
        rotation = np.array(
            [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
        )
        corners = np.vstack([part.vertices for part in target.fixed])
        foremost = np.array([corners[:, 0].max(), 0.0, target.height])
        return make_transform(rotation, np.array([front, y, 0.0]) - rotation @ foremost)


class ArticulatedWorld:
    """A robot and one articulated object, whose base is screwed to the table or stands free.

    Attributes:
        target: The object.
        start_pose: `world_T_object` (4, 4) where the base was put.
        joint: Of it, world frame.
        mass: Of its moving part [kg].
    """

    def __init__(
        self,
        description: RobotDescription,
        target: ArticulatedObject,
        *,
        seed: int = 0,
        locked: bool = False,
        base_mass: float = 0.0,
        settings: PhysicsSettings | None = None,
        placement: FurniturePlacement | None = None,
    ) -> None:
        """Put everything in place.

        Args:
            description: Robot, fixed at the origin, at home with the hand open.
            target: Object.
            seed: Of the object's place.
            locked: The joint does not move.
            base_mass: Of a base that stands free [kg]; 0 for one that is screwed to the table.
            settings: Physics.
            placement: Where the object may stand.
        """
        self.description, self.target, self.seed = description, target, seed
        self.settings = settings or PhysicsSettings()
        self.mass = target.mass
        self.scene = self.settings.new_scene()
        add_table(self.scene, self.settings)
        self.robot = SimulatedRobot.load(self.scene, description, settings=self.settings)
        body = target.description()
        if locked:
            stuck = replace(target.joint, upper=target.start + _LOCKED)
            body = replace(body, joint=stuck)
        standing = None
        if base_mass > 0.0:
            # the engine averages the frictions of base and table
            slippery = replace(self.settings, friction=2 * _STANDS - self.settings.friction)
            standing = StandingBase(base_mass, slippery.material())
        self._object = JointedObject(
            body, self.mass, self.settings.material(), self.scene, standing
        )
        self._object.body.set_disable_gravity(False)
        self.start_pose = (placement or FurniturePlacement()).draw(target, seed)
        self._object.place(self.start_pose, target.start)
        self.joint = moved_joint(target.joint, self.start_pose)
        self.steps = 0

    @property
    def time(self) -> float:
        """Simulated time [s]."""
        return self.steps * self.settings.dt

    def step(self, count: int = 1) -> None:
        """Let time pass."""
        for _ in range(count):
            self.scene.step()
        self.steps += count

    def joint_position(self) -> float:
        """Of the object's joint, ground truth [rad or m]."""
        return self._object.position()

    def base_motion(self) -> tuple[float, float]:
        """How far the base is from where it was put [m], and how much turned [rad]."""
        moved = invert(self.start_pose) @ self._object.base_pose()
        turn = Rotation.from_matrix(moved[:3, :3]).magnitude()
        return float(np.linalg.norm(moved[:3, 3])), float(turn)

    def part_pose(self) -> Array:
        """`world_T_object` (4, 4) of the moving part; the base's pose where the joint is at 0."""
        return np.asarray(self._object.entity.get_pose().to_transformation_matrix(), dtype=float)

    def poses(self) -> dict[str, Array]:
        """`world_T_body` (4, 4) of all links, the moving part and the base, by name."""
        return self.robot.link_poses() | {
            OBJECT: self.part_pose(),
            BASE: self._object.base_pose(),
        }

    def camera(self, description: CameraDescription) -> DepthCamera:
        """A camera that looks at this world; move its scene's bodies by `poses`."""
        bodies = (table_body(), *robot_bodies(self.description), *articulated_bodies(self.target))
        scene = RaycastScene(bodies)
        scene.set_poses(self.poses())
        return DepthCamera(description, scene)


def articulated_bodies(target: ArticulatedObject) -> tuple[Body, Body]:
    """Moving part and base for ray casting, object frame."""
    moving, fixed = target.moving_solid(0.0), target.fixed_solid
    return (
        Body(OBJECT, moving.vertices, moving.faces, PART_COLOUR),
        Body(BASE, fixed.vertices, fixed.faces, BASE_COLOUR),
    )


def moved_joint(joint: ObjectJoint, world_T_object: Array) -> ObjectJoint:
    """The same joint in another frame."""
    turn = world_T_object[:3, :3]
    axis = turn @ joint.axis
    return replace(
        joint,
        axis=axis / np.linalg.norm(axis),
        origin=turn @ joint.origin + world_T_object[:3, 3],
    )
