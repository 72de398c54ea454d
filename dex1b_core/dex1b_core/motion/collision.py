"""Collisions of the robot with itself, the support plane, the object and the obstacles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

import coal
import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.robot_model import RobotModel, hull
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.perception.observation import ObjectObservation

Array = NDArray[np.float64]

TABLE, OBJECT, OBSTACLES = 'support plane', 'object', 'obstacles'


class Allow(Flag):
    """Contacts that are not collisions in a phase of the motion."""

    NOTHING = 0
    HAND_OBJECT = auto()
    ARM_OBJECT = auto()
    OBJECT = HAND_OBJECT | ARM_OBJECT


@dataclass(frozen=True)
class Collision:
    """Two bodies that touch."""

    code: ErrorCode
    body_a: str
    body_b: str

    def error(self, where: str) -> Dex1bError:
        """As an exception that says where it happens."""
        return Dex1bError(self.code, f"'{self.body_a}' touches '{self.body_b}' {where}")


class CollisionChecker:
    """Tests configurations against themselves and the bodies of one scene.

    Pairs inside the hand are never tested: the generator and the physics check own them.

    Attributes:
        bodies: Shapes of the scene that nothing of the robot may touch.
        margins: What all of the robot keeps from each of them [m].
        fixed_links: Links that no joint moves; they may touch what is not the object.
    """

    def __init__(
        self,
        robot: RobotModel,
        bodies: Mapping[str, Any],
        *,
        settings: MotionSettings,
        allow: Allow = Allow.NOTHING,
    ) -> None:
        self._robot = robot
        self.bodies = {name: s for name, s in bodies.items() if not (name == OBJECT and allow)}
        self._geometry: Any = robot.geometry.copy()
        self._robot_count = len(self._geometry.geometryObjects)
        pose = pin.SE3(robot.base_pose())
        for name, shape in bodies.items():
            self._geometry.addGeometryObject(pin.GeometryObject(name, 0, pose, shape))
        self._names = [str(item.name) for item in self._geometry.geometryObjects]
        self._geometry.setCollisionPairs(self._pair_table(allow), True)
        self._pairs = [(pair.first, pair.second) for pair in self._geometry.collisionPairs]
        self._model = robot.model
        self._data = robot.model.createData()
        self._geometry_data = self._geometry.createData()
        self._set_margins(settings)
        self.fixed_links = tuple(
            self._names[number] for number in range(self._robot_count) if not self._parent(number)
        )
        # Boxes first: 8 times faster than testing every pair of hulls. Other broad phases either
        # are slower for so few bodies or ignore the margins.
        self._manager = pin.BroadPhaseManager_NaiveCollisionManager(
            robot.model, self._geometry, self._geometry_data
        )
        self._root_joint = robot.model.frames[robot.root_frame].parentJoint
        self._joint_T_root = robot.model.frames[robot.root_frame].placement
        self._base_T_universe = pin.SE3(robot.base_pose()).inverse()

    def _pair_table(self, allow: Allow) -> NDArray[np.bool_]:
        count = len(self._names)
        table = np.zeros((count, count), dtype=bool)
        for a in range(self._robot_count):
            for b in range(a + 1, count):
                table[a, b] = self._tested(a, b, allow)
        return table

    def _tested(self, a: int, b: int, allow: Allow) -> bool:
        link, other = self._names[a], self._names[b]
        is_hand = link in self._robot.hand_links
        if b >= self._robot_count:
            if other == TABLE:
                return self._parent(a) != 0  # what is bolted down may touch the plane
            if other == OBJECT:
                return not (allow & (Allow.HAND_OBJECT if is_hand else Allow.ARM_OBJECT))
            return self._parent(a) != 0
        if is_hand and other in self._robot.hand_links:
            return False
        joint_a, joint_b = self._parent(a), self._parent(b)
        parents = self._robot.model.parents
        neighbours = (
            joint_a == joint_b or parents[joint_a] == joint_b or (parents[joint_b] == joint_a)
        )
        return not neighbours and not self._robot.description.collision.disabled(link, other)

    def _parent(self, number: int) -> int:
        return int(self._geometry.geometryObjects[number].parentJoint)

    def _set_margins(self, settings: MotionSettings) -> None:
        hand = {
            TABLE: settings.hand_table_margin,
            OBJECT: settings.object_margin,
            OBSTACLES: settings.obstacle_margin,
        }
        arm = hand | {TABLE: settings.arm_table_margin}
        self.margins = {name: min(hand.get(name, 0.0), arm.get(name, 0.0)) for name in self.bodies}
        for number, (a, b) in enumerate(self._pairs):
            margins = hand if self._names[a] in self._robot.hand_links else arm
            margin = margins.get(self._names[b], 0.0)
            self._geometry_data.collisionRequests[number].security_margin = margin

    @property
    def pair_count(self) -> int:
        """Pairs tested in each check."""
        return len(self._pairs)

    def first_collision(self, q: Array) -> Collision | None:
        """First pair found to touch in a full configuration, or the workspace left."""
        if self.is_free(q):
            return None
        outside = self._outside_workspace()
        if outside is not None:
            return outside
        pin.computeCollisions(self._model, self._data, self._geometry, self._geometry_data, q, True)
        results = self._geometry_data.collisionResults
        number = next(i for i, result in enumerate(results) if result.isCollision())
        return self._collision(*self._pairs[number])

    def touching(self, q: Array) -> list[tuple[str, str]]:
        """All pairs of bodies that touch in a full configuration."""
        pin.computeCollisions(
            self._model, self._data, self._geometry, self._geometry_data, q, False
        )
        results = self._geometry_data.collisionResults
        return [
            (self._names[a], self._names[b])
            for (a, b), result in zip(self._pairs, results, strict=True)
            if result.isCollision()
        ]

    def is_free(self, q: Array) -> bool:
        """Whether a full configuration touches nothing and keeps to the workspace."""
        if pin.computeCollisions(self._model, self._data, self._manager, q, True):
            return False
        return self._outside_workspace() is None

    def first_on_path(self, configurations: Iterable[Array]) -> tuple[int, Collision] | None:
        """Index and kind of the first collision along full configurations."""
        for index, q in enumerate(configurations):
            collision = self.first_collision(q)
            if collision is not None:
                return index, collision
        return None

    def _outside_workspace(self) -> Collision | None:
        root = self._data.oMi[self._root_joint].act(self._joint_T_root.translation)
        x, y, z = self._base_T_universe.act(root)
        box = self._robot.description.workspace
        (x0, y0, z0), (x1, y1, z1) = box.lower, box.upper
        if x0 <= x <= x1 and y0 <= y <= y1 and z0 <= z <= z1:
            return None
        return Collision(
            ErrorCode.OUT_OF_WORKSPACE,
            f'{self._robot.description.hand.root_link} at ({x:.3f}, {y:.3f}, {z:.3f}) m',
            f'wall of the workspace {list(box.lower)} to {list(box.upper)} m',
        )

    def _collision(self, a: int, b: int) -> Collision:
        code = {
            TABLE: ErrorCode.TABLE_COLLISION,
            OBJECT: ErrorCode.SCENE_COLLISION,
            OBSTACLES: ErrorCode.SCENE_COLLISION,
        }.get(self._names[b], ErrorCode.SELF_COLLISION)
        return Collision(code, self._names[a], self._names[b])


def environment(observation: ObjectObservation, settings: MotionSettings) -> dict[str, Any]:
    """Collision shapes of a scene by name, in the planning frame."""
    # coal: the half-space is n . x <= d
    plane = observation.support_plane
    bodies = {
        TABLE: coal.Halfspace(plane.normal, -plane.offset),
        OBJECT: _object_hull(observation),
    }
    if len(observation.obstacles):
        voxels = np.unique(np.floor(observation.obstacles / settings.voxel_size), axis=0)
        centres = (voxels + 0.5) * settings.voxel_size
        bodies[OBSTACLES] = coal.makeOctree(centres, settings.voxel_size)
    return bodies


def _object_hull(observation: ObjectObservation) -> Any:
    shapes = observation.shapes
    points = shapes[0].vertices if shapes else observation.points
    if len(points) < 4:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'the object has {len(points)} points; a hull needs at least 4: observe it again',
        )
    centred = points - points.mean(axis=0)
    if np.linalg.svd(centred, compute_uv=False)[-1] < 1e-6 * np.sqrt(len(points)):
        raise Dex1bError(ErrorCode.SHAPE_INVALID, 'the object is flat: its points span no volume')
    return hull(points)
