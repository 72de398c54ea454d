"""SAPIEN (PhysX on the CPU) behind the `Engine` protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.engine import SUPPORT, Contacts
from dex1b_core.simulation.object_joint import check_position
from dex1b_core.simulation.sapien_model import add_robot, fixed_body, pose
from dex1b_core.simulation.sapien_object import FreeObject, JointedObject, SapienObject
from dex1b_core.simulation.scene_description import SceneDescription
from dex1b_core.simulation.settings import PhysicsSettings
from dex1b_core.simulation.support import SUPPORT_SHAPE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _State:
    positions: Array
    velocities: Array
    targets: Array
    push: Array
    target: Any


# a larger offset makes contacts of fingers side by side, at twice the time and for nothing
SETTINGS = PhysicsSettings(gravity=0.0, contact_offset=0.002)


class SapienEngine:
    """See `Engine`; there is no torsional friction but from several points of contact."""

    def __init__(self, scene: SceneDescription, settings: PhysicsSettings | None = None) -> None:
        self.scene = scene
        self.settings = settings or SETTINGS
        self.timestep = self.settings.dt
        self._conditions = scene.friction, scene.target.mass
        self._moments, _ = scene.target.unit.principal()
        self._build()

    def _build(self) -> None:
        import sapien

        scene, (friction, mass) = self.scene, self._conditions
        self._scene = self.settings.new_scene()
        self._material = sapien.physx.PhysxMaterial(friction, friction, 0.0)
        self._articulation, self._links = add_robot(scene, self._scene, self._material)
        self._owner = {link.entity.global_id: i for i, link in enumerate(self._links)}
        joints = list(self._articulation.active_joints)
        self._order = [joint.name for joint in joints]
        self._driven = np.array([self._order.index(name) for name in scene.robot.joint_names])
        self._drives = [joints[i] for i in self._driven]
        if scene.has_support:
            support = fixed_body(SUPPORT_SHAPE, self._material)
            self._scene.add_entity(support)
            self._owner[support.global_id] = SUPPORT
        kind = FreeObject if scene.target.joint is None else JointedObject
        self._object: SapienObject = kind(scene.target, mass, self._material, self._scene)
        self._owner |= self._object.owners
        self._push = np.zeros(3, dtype=np.float32)
        self._placed_contacts: Contacts | None = None
        self._targets = np.zeros(len(self._driven))
        self._is_new = True
        self.set_conditions(friction=friction, mass=mass)

    def reset(self) -> None:
        """See `Engine`; the solver's order of work depends on its past, so the scene is built anew.

        That takes some 10 ms.
        """
        if not self._is_new:
            self._build()

    def set_conditions(self, *, friction: float, mass: float) -> None:
        """See `Engine`."""
        self._conditions = friction, mass
        self._material.set_static_friction(friction)
        self._material.set_dynamic_friction(friction)
        self._object.body.set_mass(mass)
        self._object.body.set_inertia((mass * self._moments).astype(np.float32))

    def place(
        self,
        world_T_root: Array,
        joints: Array,
        world_T_object: Array,
        object_joint: float = 0.0,
    ) -> None:
        """See `Engine`."""
        check_position(self.scene.target.joint, object_joint)
        self._is_new = False
        self._settle_at(world_T_root, joints, world_T_object, object_joint)
        self._scene.step()  # contacts are found while stepping
        self._placed_contacts = None
        self._placed_contacts = self.contacts()
        self._settle_at(world_T_root, joints, world_T_object, object_joint)

    def command(self, joints: Array) -> None:
        """See `Engine`."""
        for drive, old, new in zip(self._drives, self._targets, joints, strict=True):
            if old != new:
                drive.set_drive_target(float(new))
        self._targets = np.array(joints, dtype=float)

    def push(self, force: Array) -> None:
        """See `Engine`."""
        self._push = np.asarray(force, dtype=np.float32)

    def advance(self, duration: float) -> bool:
        """See `Engine`."""
        self._placed_contacts = None
        nothing = np.zeros(3, dtype=np.float32)
        pushed = bool(self._push.any())
        for _ in range(max(1, round(duration / self.timestep))):
            if pushed:
                self._object.body.add_force_torque(self._push, nothing)
            self._scene.step()
        place = self._object.entity.pose.p
        return bool(np.isfinite(self._articulation.qpos).all() and np.isfinite(place).all())

    def object_pose(self) -> Array:
        """See `Engine`."""
        return np.asarray(self._object.entity.pose.to_transformation_matrix(), dtype=float)

    def object_joint(self) -> float:
        """See `Engine`."""
        return self._object.position()

    def object_speed(self) -> float:
        """See `Engine`."""
        return float(np.linalg.norm(self._object.body.get_linear_velocity()))

    def joint_positions(self) -> Array:
        """See `Engine`."""
        positions: Array = np.asarray(self._articulation.qpos, dtype=float)[self._driven]
        return positions

    def joint_efforts(self) -> Array:
        """See `Engine`; as the drives' law has it, since PhysX does not tell."""
        drives = [self.scene.drives[name] for name in self.scene.robot.joint_names]
        stiffness, damping, limit = np.array(
            [(drive.stiffness, drive.damping, drive.effort_limit) for drive in drives]
        ).T
        velocities = np.asarray(self._articulation.qvel, dtype=float)[self._driven]
        efforts = stiffness * (self._targets - self.joint_positions()) - damping * velocities
        clipped: Array = np.clip(efforts, -limit, limit)
        return clipped

    def body_poses(self) -> Array:
        """See `Engine`."""
        return np.array(
            [link.entity_pose.to_transformation_matrix() for link in self._links], dtype=float
        )

    def contacts(self) -> Contacts:
        """See `Engine`."""
        if self._placed_contacts is not None:
            return self._placed_contacts
        rows: list[tuple[int, int, float, float]] = []
        points = []
        for contact in self._scene.get_contacts():
            owners = [self._owner.get(body.entity.global_id, SUPPORT) for body in contact.bodies]
            if max(owners) < 0:
                continue
            for point in contact.points:
                force = float(np.linalg.norm(point.impulse @ point.normal)) / self.timestep
                rows.append((max(owners), min(owners), -float(point.separation), force))
                points.append(point.position)
        table = np.array(rows, dtype=float).reshape(-1, 4)
        return Contacts(
            table[:, 0].astype(np.int64),
            table[:, 1].astype(np.int64),
            table[:, 2],
            table[:, 3],
            np.array(points, dtype=float).reshape(-1, 3),
        )

    def save(self) -> _State:
        """See `Engine`."""
        return _State(
            np.array(self._articulation.qpos, dtype=float),
            np.array(self._articulation.qvel, dtype=float),
            self._targets,
            self._push.astype(float),
            self._object.save(),
        )

    def restore(self, state: _State) -> None:
        """See `Engine`."""
        self._articulation.set_qpos(state.positions)
        self._articulation.set_qvel(state.velocities)
        self.command(state.targets)
        self.push(state.push)
        self._object.restore(state.target)

    def _settle_at(
        self, world_T_root: Array, joints: Array, world_T_object: Array, object_joint: float
    ) -> None:
        """Everything in place and at rest."""
        self._push = np.zeros(3, dtype=np.float32)
        positions = self.scene.robot.complete(joints)
        self._articulation.set_root_pose(pose(world_T_root))
        self._articulation.set_qpos(np.array([positions[name] for name in self._order]))
        self._articulation.set_qvel(np.zeros(len(self._order)))
        for drive, target in zip(self._drives, joints, strict=True):
            drive.set_drive_target(float(target))
        self._targets = np.array(joints, dtype=float)
        self._object.place(world_T_object, object_joint)
