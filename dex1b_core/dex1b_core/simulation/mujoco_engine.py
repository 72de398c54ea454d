"""MuJoCo behind the `Engine` protocol."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.engine import BASE, OBJECT, SUPPORT, Contacts
from dex1b_core.simulation.mujoco_model import (
    MujocoSettings,
    add_object_joint,
    add_shape,
    quaternion,
    robot_model,
    set_inertia,
)
from dex1b_core.simulation.object_joint import check_position
from dex1b_core.simulation.scene_description import SceneDescription
from dex1b_core.simulation.support import SUPPORT_SHAPE

Array = NDArray[np.float64]

_OBJECT, _SUPPORT, _BASE = 'object', 'support', 'object/base'
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION

mujoco.set_mju_user_warning(lambda _: None)  # counted by `advance`, and not written to a file


class MujocoEngine:
    """See `Engine`.

    Attributes:
        model, data: MuJoCo's.
    """

    def __init__(self, scene: SceneDescription, settings: MujocoSettings | None = None) -> None:
        self.scene = scene
        self.settings = settings or MujocoSettings()
        self.timestep = self.settings.timestep
        self.model: Any = _specification(scene, self.settings).compile()
        self.data: Any = mujoco.MjData(self.model)
        bodies = {body.name: i for i, body in enumerate(scene.robot.bodies)}
        bodies |= {_OBJECT: OBJECT, _SUPPORT: SUPPORT, _BASE: BASE}
        ids = [bodies.get(self.model.body(i).name, SUPPORT) for i in range(self.model.nbody)]
        self._owner = np.array(ids)  # of MuJoCo's bodies
        self._bodies = np.array([ids.index(i) for i in range(len(scene.robot.bodies))])
        self._object = ids.index(OBJECT)
        self._base = int(self.model.body(_BASE).mocapid[0]) if scene.target.joint else -1
        self._object_qpos = int(self.model.joint(_OBJECT).qposadr[0])
        self._object_qvel = int(self.model.joint(_OBJECT).dofadr[0])
        self._qpos = {name: int(self.model.joint(name).qposadr[0]) for name in scene.robot.joints}
        self._driven = np.array([self._qpos[name] for name in scene.robot.joint_names])
        self._unit_inertia = self.model.body_inertia[self._object] / scene.target.mass
        self.set_conditions(friction=scene.friction, mass=scene.target.mass)

    def set_conditions(self, *, friction: float, mass: float) -> None:
        """See `Engine`."""
        self.model.geom_friction[:] = [friction, self.scene.torsion, 1e-4]
        self.model.body_mass[self._object] = mass
        self.model.body_inertia[self._object] = mass * self._unit_inertia
        mujoco.mj_setConst(self.model, self.data)

    def reset(self) -> None:
        """See `Engine`; `place` does all of it."""

    def place(
        self,
        world_T_root: Array,
        joints: Array,
        world_T_object: Array,
        object_joint: float = 0.0,
    ) -> None:
        """See `Engine`."""
        check_position(self.scene.target.joint, object_joint)
        data = self.data
        mujoco.mj_resetData(self.model, data)
        data.mocap_pos[0], data.mocap_quat[0] = world_T_root[:3, 3], quaternion(world_T_root)
        for name, position in self.scene.robot.complete(joints).items():
            data.qpos[self._qpos[name]] = position
        start = self._object_qpos
        if self.scene.target.joint is None:
            data.qpos[start : start + 3] = world_T_object[:3, 3]
            data.qpos[start + 3 : start + 7] = quaternion(world_T_object)
        else:
            data.mocap_pos[self._base] = world_T_object[:3, 3]
            data.mocap_quat[self._base] = quaternion(world_T_object)
            data.qpos[start] = object_joint
        data.ctrl[:] = joints
        mujoco.mj_forward(self.model, data)

    def command(self, joints: Array) -> None:
        """See `Engine`."""
        self.data.ctrl[:] = joints

    def push(self, force: Array) -> None:
        """See `Engine`."""
        self.data.xfrc_applied[self._object, :3] = force

    def advance(self, duration: float) -> bool:
        """See `Engine`; MuJoCo warns, resets and goes on when its solution breaks down."""
        mujoco.mj_step(self.model, self.data, max(1, round(duration / self.timestep)))
        return not self.data.warning.number.any()

    def object_pose(self) -> Array:
        """See `Engine`."""
        data, joint, start = self.data, self.scene.target.joint, self._object_qpos
        if joint is None:
            return _transform(data.qpos[start : start + 3], data.qpos[start + 3 : start + 7])
        base = _transform(data.mocap_pos[self._base], data.mocap_quat[self._base])
        pose: Array = base @ joint.motion(self.object_joint())
        return pose

    def object_joint(self) -> float:
        """See `Engine`."""
        return float(self.data.qpos[self._object_qpos]) if self.scene.target.joint else 0.0

    def object_speed(self) -> float:
        """See `Engine`."""
        target = self.scene.target
        if target.joint is not None:
            rate = float(self.data.qvel[self._object_qvel])
            return abs(rate) * target.joint.reach(target.unit.centre)
        linear, angular = np.split(self.data.qvel[self._object_qvel : self._object_qvel + 6], 2)
        arm = np.cross(angular, target.unit.centre)  # object frame
        return float(np.linalg.norm(linear + self.object_pose()[:3, :3] @ arm))

    def joint_positions(self) -> Array:
        """See `Engine`."""
        positions: Array = self.data.qpos[self._driven].copy()
        return positions

    def joint_efforts(self) -> Array:
        """See `Engine`."""
        efforts: Array = self.data.actuator_force.copy()
        return efforts

    def body_poses(self) -> Array:
        """See `Engine`."""
        mujoco.mj_kinematics(self.model, self.data)  # a step leaves those at its beginning
        poses = np.tile(np.eye(4), (len(self._bodies), 1, 1))
        poses[:, :3, :3] = self.data.xmat[self._bodies].reshape(-1, 3, 3)
        poses[:, :3, 3] = self.data.xpos[self._bodies]
        return poses

    def contacts(self) -> Contacts:
        """See `Engine`."""
        contact = self.data.contact
        owners = self._owner[self.model.geom_bodyid[contact.geom]].reshape(-1, 2)
        rows = np.flatnonzero((owners >= 0).any(axis=1))
        body, other = owners[rows].max(axis=1), owners[rows].min(axis=1)
        force = np.zeros(6)
        normal = np.zeros(len(rows))
        for number, row in enumerate(rows):
            mujoco.mj_contactForce(self.model, self.data, int(row), force)
            normal[number] = force[0]
        return Contacts(body, other, -contact.dist[rows], normal, contact.pos[rows].copy())

    def save(self) -> Array:
        """See `Engine`."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def restore(self, state: Array) -> None:
        """See `Engine`."""
        mujoco.mj_setState(self.model, self.data, state, _STATE)


def _specification(scene: SceneDescription, settings: MujocoSettings) -> Any:
    spec = robot_model(scene.robot, settings)
    names = [body.name for body in scene.robot.bodies]
    for one, other in sorted(scene.no_contact):
        spec.add_exclude(bodyname1=names[one], bodyname2=names[other])
    for name in scene.robot.joints:
        spec.joint(name).armature = scene.drives[scene.robot.driver(name)].armature
    for name in scene.robot.joint_names:
        drive = scene.drives[name]
        actuator = spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            forcelimited=True,
            forcerange=[-drive.effort_limit, drive.effort_limit],
        )
        # damping inside the actuator, so that the limit bounds both
        actuator.set_to_position(kp=drive.stiffness, kv=drive.damping)
    target = scene.target
    if target.joint is None:
        body = spec.worldbody.add_body(name=_OBJECT)
        body.add_freejoint(name=_OBJECT)
    else:
        base = spec.worldbody.add_body(name=_BASE, mocap=True)
        for number, shape in enumerate(target.fixed):
            add_shape(spec, base, f'{_BASE}/{number}', shape, settings.object_contact)
        body = base.add_body(name=_OBJECT)
        add_object_joint(body, _OBJECT, target.joint)
    set_inertia(body, target.mass, target.unit.centre, target.unit.inertia * target.mass)
    for number, shape in enumerate(target.shapes):
        add_shape(spec, body, f'{_OBJECT}/{number}', shape, settings.object_contact)
    if scene.has_support:
        fixed = spec.worldbody.add_body(name=_SUPPORT)
        add_shape(spec, fixed, _SUPPORT, SUPPORT_SHAPE, settings.object_contact)
    return spec


def _transform(translation: Array, turn: Array) -> Array:
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, turn)
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = matrix.reshape(3, 3), translation
    return transform
