"""Bodies as MuJoCo takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.simulation.body_tree import Body, BodyTree
from dex1b_core.simulation.collision_shape import CollisionShape
from dex1b_core.simulation.mass_properties import principal_axes
from dex1b_core.simulation.object_joint import ObjectJoint

Array = NDArray[np.float64]

_KINDS = {
    'box': mujoco.mjtGeom.mjGEOM_BOX,
    'sphere': mujoco.mjtGeom.mjGEOM_SPHERE,
    'capsule': mujoco.mjtGeom.mjGEOM_CAPSULE,
    'cylinder': mujoco.mjtGeom.mjGEOM_CYLINDER,
}


@dataclass(frozen=True)
class Softness:
    """How a constraint yields: MuJoCo's solref and solimp."""

    solref: tuple[float, float] = (0.02, 1.0)
    solimp: tuple[float, float, float, float, float] = (0.9, 0.95, 0.001, 0.5, 2.0)

    def attributes(self) -> dict[str, list[float]]:
        """As MuJoCo's specification takes them."""
        return {'solref': list(self.solref), 'solimp': list(self.solimp)}


# as DexGraspBench has it: the hand's own contacts are stiff, objects keep MuJoCo's defaults
STIFF = Softness((0.005, 1.0), (0.5, 0.99, 0.0001, 0.5, 2.0))
HARD = Softness((0.004, 1.0), (0.95, 0.99, 0.0001, 0.5, 2.0))
RIGID = Softness((0.008, 1.0), (0.99, 0.999, 0.0001, 0.5, 2.0))  # mimic and object joints


@dataclass(frozen=True)
class MujocoSettings:
    """How MuJoCo solves.

    Attributes:
        timestep: [s].
        impratio: Stiffness of friction relative to that of normal forces.
        noslip_iterations: Against creep of what friction holds.
        multi_contact: Several contacts where two hulls meet face to face (MuJoCo 4); one is what
            version 3.3.2 made, for which DexGraspBench was published.
        robot_contact: Of the robot's shapes.
        object_contact: Of the object's and the support's.
        mimic: Of mimic joints.
    """

    timestep: float = 0.004
    impratio: float = 10.0
    noslip_iterations: int = 2
    multi_contact: bool = True
    robot_contact: Softness = STIFF
    object_contact: Softness = Softness()
    mimic: Softness = RIGID


PUBLISHED = MujocoSettings()
"""DexGraspBench's, in a later MuJoCo."""
MATCHED = MujocoSettings(timestep=0.002, robot_contact=HARD, object_contact=HARD)
"""Contacts as hard as PhysX has them: benchmarks/engine_agreement.py."""


def robot_model(tree: BodyTree, settings: MujocoSettings) -> Any:
    """A `mujoco.MjSpec` of the robot alone, without gravity: joints by name, no actuators.

    The root is a mocap body, which is placed by `data.mocap_pos` and `mocap_quat`.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    option = spec.option
    option.timestep = settings.timestep
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = settings.impratio
    option.noslip_iterations = settings.noslip_iterations
    option.gravity = [0.0, 0.0, 0.0]
    if not settings.multi_contact:
        option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MULTICCD
    made: list[Any] = []
    for body in tree.bodies:
        made.append(_add_body(spec, made, body, settings))
    for joint in tree.joints.values():
        if joint.mimic is not None:
            leader, multiplier, offset = joint.mimic
            spec.add_equality(
                type=mujoco.mjtEq.mjEQ_JOINT,
                objtype=mujoco.mjtObj.mjOBJ_JOINT,
                name1=joint.name,
                name2=leader,
                data=[offset, multiplier, *[0.0] * 10],
                **settings.mimic.attributes(),
            )
    return spec


def add_shape(spec: Any, body: Any, name: str, shape: CollisionShape, softness: Softness) -> None:
    """Add a geom, and a mesh where it takes one, to a body."""
    contact = {'condim': 4, **softness.attributes()}
    if shape.primitive is None:
        spec.add_mesh(
            name=name,
            uservert=shape.points.ravel().tolist(),
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX,
        )
        body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, **contact)
        return
    placed = shape.primitive.body_T_shape
    size = [*shape.primitive.size, 0.0, 0.0][:3]
    kind = _KINDS[shape.primitive.kind]
    body.add_geom(
        name=name, type=kind, size=size, pos=placed[:3, 3], quat=quaternion(placed), **contact
    )


def set_inertia(body: Any, mass: float, centre: Array, inertia: Array) -> None:
    """Mass [kg], centre (3,) [m] and inertia about it (3, 3) [kg m^2] of a body."""
    moments, axes = principal_axes(inertia)
    body.explicitinertial = True
    body.mass = mass
    body.ipos = centre
    body.inertia = moments
    body.iquat = Rotation.from_matrix(axes).as_quat(scalar_first=True)


def add_object_joint(body: Any, name: str, joint: ObjectJoint) -> None:
    """Let a body move against its parent; friction and limits are as hard as they can be."""
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_SLIDE if joint.slides else mujoco.mjtJoint.mjJNT_HINGE,
        axis=joint.axis,
        pos=joint.origin,
        limited=True,
        range=[joint.lower, joint.upper],
        frictionloss=joint.friction,
        damping=[joint.damping, 0.0, 0.0],
        stiffness=[joint.stiffness, 0.0, 0.0],
        solref_limit=list(RIGID.solref),
        solimp_limit=list(RIGID.solimp),
        solref_friction=list(RIGID.solref),
        solimp_friction=list(RIGID.solimp),
    )


def quaternion(transform: Array) -> Array:
    """(4,) scalar first, of the rotation of a (4, 4) transform."""
    turn: Array = Rotation.from_matrix(transform[:3, :3]).as_quat(scalar_first=True)
    return turn


def _add_body(spec: Any, made: list[Any], body: Body, settings: MujocoSettings) -> Any:
    parent = spec.worldbody if body.parent < 0 else made[body.parent]
    added = parent.add_body(name=body.name, mocap=body.parent < 0)
    if body.parent >= 0:
        added.pos = body.parent_T_body[:3, 3]
        added.quat = quaternion(body.parent_T_body)
        set_inertia(added, *body.inertia)
    if body.joint is not None:
        joint = body.joint
        limited = bool(np.isfinite(joint.limits).all())
        added.add_joint(
            name=joint.name,
            type=mujoco.mjtJoint.mjJNT_SLIDE if joint.slides else mujoco.mjtJoint.mjJNT_HINGE,
            axis=joint.axis,
            limited=limited,
            range=joint.limits if limited else [0.0, 0.0],
        )
    for number, shape in enumerate(body.shapes):
        add_shape(spec, added, f'{body.name}/{number}', shape, settings.robot_contact)
    return added
