"""A hand and an object as a MuJoCo model: no gravity, the object free, the hand's root welded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchmarks.referee import shapes
from benchmarks.referee.hand import Body, Hand, HandSpec, read_hand
from benchmarks.referee.settings import Settings
from benchmarks.referee.union import HAND, Union, surface

Array = NDArray[np.float64]

# as DexGraspBench has it: the hand's own contacts are stiff, objects keep MuJoCo's defaults
STIFF = {'solref': [0.005, 1.0], 'solimp': [0.5, 0.99, 0.0001, 0.5, 2.0]}
RIGID = {'solref': [0.008, 1.0], 'solimp': [0.99, 0.999, 0.0001, 0.5, 2.0]}  # mimic joints
OBJECT = 'object'
GRID = 40  # cells along the longest side when the object's volume is counted

POSTURES = 60  # in which it is seen which bodies overlap by design
BY_DESIGN = 0.6  # part of the postures in which they do

mujoco.set_mju_user_warning(lambda _: None)  # counted by `is_broken`, and not written to a file


class World:
    """A compiled model; its state is set by `place` and advanced by the caller.

    Attributes:
        hand: What was read from the URDF.
        model, data: MuJoCo's.
        fingers: (geoms,) finger of each geom, -1 for the palm, -2 for the object.
    """

    def __init__(self, spec: HandSpec, object_parts: tuple[Array, ...], settings: Settings) -> None:
        self.hand = read_hand(spec)
        built = _hand_spec(self.hand, settings)
        for one, other in sorted(overlapping_by_design(spec)):
            names = self.hand.bodies[one].name, self.hand.bodies[other].name
            built.add_exclude(bodyname1=names[0], bodyname2=names[1])
        solids = [shapes.hull(part) for part in object_parts]
        _add_object(built, solids, settings)
        self._union = Union(solids) if len(solids) > 1 else None
        self._points = [_surface_points(body) for body in self.hand.bodies]
        self.model: Any = built.compile()
        self.data: Any = mujoco.MjData(self.model)
        owner = self.hand.fingers()
        names = [self.model.body(i).name for i in range(self.model.nbody)]
        index = {body.name: i for i, body in enumerate(self.hand.bodies)}
        self._hand_body = np.array([index.get(name, -1) for name in names])
        self._object = names.index(OBJECT)
        self.fingers = np.array(
            [owner[self._hand_body[b]] if b != self._object else -2 for b in self.model.geom_bodyid]
        )
        self._object_qpos = self.model.joint(OBJECT).qposadr[0]

    def place(self, object_T_hand: Array, posture: Array) -> None:
        """Reset: the object at the origin, the hand around it, at rest (J,) [rad]."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.mocap_pos[0] = object_T_hand[:3, 3]
        self.data.mocap_quat[0] = Rotation.from_matrix(object_T_hand[:3, :3]).as_quat(
            scalar_first=True
        )
        for name, position in self.hand.complete(posture).items():
            self.data.qpos[self.model.joint(name).qposadr[0]] = position
        self.data.ctrl[:] = posture
        mujoco.mj_forward(self.model, self.data)

    def push(self, force: Array) -> None:
        """Act on the object's centre of mass with a force (3,) [N] until told otherwise."""
        self.data.xfrc_applied[self._object, :3] = force

    def object_motion(self) -> tuple[float, float]:
        """How far the object has moved [m] and turned [rad] since `place`."""
        start = self._object_qpos
        moved = float(np.linalg.norm(self.data.qpos[start : start + 3]))
        turned = 2.0 * float(np.arccos(min(1.0, abs(self.data.qpos[start + 3]))))
        return moved, turned

    def is_broken(self) -> bool:
        """Whether the solver gave a warning since `place`; MuJoCo goes on as if nothing was."""
        return any(warning.number > 0 for warning in self.data.warning)

    def overlap(self) -> tuple[float, float]:
        """Deepest overlap [m] of hand and object, and of the hand with itself, right after `place`.

        Between two hulls it is the way by which they come apart. Into an object of several parts
        it is at least the depth of the hand's deepest point in their union.
        """
        contact = self.data.contact
        fingers = self.fingers[contact.geom]
        with_object = (fingers == -2).any(axis=1)
        depth = np.maximum(0.0, -contact.dist)
        with_object_depth = float(depth[with_object].max(initial=0.0))
        if self._union is not None and with_object_depth > 0.0:
            with_object_depth = max(with_object_depth, self._union.depth(self._hand_points()))
        return with_object_depth, float(depth[~with_object].max(initial=0.0))

    def _hand_points(self) -> Array:
        """(N, 3) points on the hand's surface [m], world frame: the object's at the start."""
        return np.concatenate(
            [
                self._points[index] @ self.data.xmat[body].reshape(3, 3).T + self.data.xpos[body]
                for body, index in enumerate(self._hand_body)
                if index >= 0
            ]
        )

    def touching(self) -> tuple[int, int]:
        """Contacts between hand and object, and how many fingers have one."""
        fingers = self.fingers[self.data.contact.geom]
        with_object = fingers[(fingers == -2).any(axis=1)]
        others = with_object.max(axis=1, initial=-2)
        return len(others), len(set(others[others >= 0].tolist()))

    def lowest(self, normal: Array, offset: float) -> float:
        """Smallest normal.x + offset [m] over all hand geometry, as it is now."""
        heights = []
        for body, index in enumerate(self._hand_body):
            if index < 0:
                continue
            turn, shift = self.data.xmat[body].reshape(3, 3), self.data.xpos[body]
            local, height = turn.T @ normal, float(normal @ shift) + offset
            heights += [s.lowest(local, height) for s in self.hand.bodies[index].shapes]
        return min(heights)


@lru_cache(maxsize=8)
def overlapping_by_design(spec: HandSpec) -> frozenset[tuple[int, int]]:
    """Pairs of bodies whose overlap says nothing about a grasp.

    Those with nothing but a joint between them, and those that overlap with all joints at 0 (or
    as close as they can get) or in most of `POSTURES` random postures: the hulls then are fatter
    than the links, because the maker's hand does not collide with itself at rest.
    """
    hand = read_hand(spec)
    pairs = hand.neighbours()
    built = _hand_spec(hand, Settings())
    for one, other in sorted(pairs):
        built.add_exclude(bodyname1=hand.bodies[one].name, bodyname2=hand.bodies[other].name)
    model = built.compile()
    data = mujoco.MjData(model)
    index = {body.name: i for i, body in enumerate(hand.bodies)}
    owner = [index.get(model.body(i).name, -1) for i in range(model.nbody)]
    joints = {body.joint.name: body.joint for body in hand.bodies if body.joint is not None}
    lower, upper = np.clip(
        np.array([joints[name].limits for name in hand.joint_names]).T, -np.pi, np.pi
    )
    rng = np.random.default_rng(0)
    postures = [np.clip(0.0, lower, upper), *rng.uniform(lower, upper, (POSTURES, len(lower)))]
    counts: dict[tuple[int, int], int] = {}
    for number, posture in enumerate(postures):
        for name, position in hand.complete(posture).items():
            data.qpos[model.joint(name).qposadr[0]] = position
        mujoco.mj_fwdPosition(model, data)
        bodies = model.geom_bodyid[data.contact.geom[data.contact.dist < 0.0]]
        for pair in {tuple(sorted((owner[a], owner[b]))) for a, b in bodies}:
            counts[pair] = counts.get(pair, 0) + (POSTURES if number == 0 else 1)
    pairs |= {pair for pair, count in counts.items() if count >= BY_DESIGN * POSTURES}
    return frozenset(pairs)


def _surface_points(body: Body) -> Array:
    solids = [shape.solid() for shape in body.shapes]
    points = [(solid.vertices, surface(solid, HAND)[0]) for solid in solids]
    return np.concatenate([np.zeros((0, 3)), *(both for pair in points for both in pair)])


def _hand_spec(hand: Hand, settings: Settings) -> Any:
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    option = spec.option
    option.timestep = settings.timestep
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10.0
    option.noslip_iterations = 2
    option.gravity = [0.0, 0.0, 0.0]
    if not settings.multi_contact:
        option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MULTICCD
    made: list[Any] = []
    for body in hand.bodies:
        made.append(_add_body(spec, made, body, settings))
    for body in hand.bodies:
        if body.joint is not None and body.joint.mimic is not None:
            leader, multiplier, offset = body.joint.mimic
            spec.add_equality(
                type=mujoco.mjtEq.mjEQ_JOINT,
                objtype=mujoco.mjtObj.mjOBJ_JOINT,
                name1=body.joint.name,
                name2=leader,
                data=[offset, multiplier, *[0.0] * 10],
                **RIGID,
            )
    for name in hand.joint_names:
        limit = settings.limits.get(name, settings.limit)
        actuator = spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            forcelimited=True,
            forcerange=[-limit, limit],
        )
        actuator.set_to_position(kp=settings.kp, kv=settings.kv)
    return spec


def _add_body(spec: Any, made: list[Any], body: Body, settings: Settings) -> Any:
    parent = spec.worldbody if body.parent < 0 else made[body.parent]
    added = parent.add_body(name=body.name, mocap=body.parent < 0)
    if body.parent >= 0:
        added.pos = body.parent_T_body[:3, 3]
        added.quat = Rotation.from_matrix(body.parent_T_body[:3, :3]).as_quat(scalar_first=True)
        mass, centre, inertia = body.inertia
        _set_inertia(added, mass, centre, inertia)
    if body.joint is not None:
        joint = body.joint
        limited = bool(np.isfinite(joint.limits).all())
        kind = mujoco.mjtJoint.mjJNT_SLIDE if joint.slides else mujoco.mjtJoint.mjJNT_HINGE
        added.add_joint(
            name=joint.name,
            type=kind,
            axis=joint.axis,
            armature=settings.armature,
            limited=limited,
            range=joint.limits if limited else [0.0, 0.0],
        )
    for number, shape in enumerate(body.shapes):
        shape.add_to(spec, added, f'{body.name}/{number}', **_contact(settings), **STIFF)
    return added


def _add_object(spec: Any, solids: list[shapes.Shape], settings: Settings) -> None:
    body = spec.worldbody.add_body(name=OBJECT)
    body.add_freejoint(name=OBJECT)
    volume, centre, inertia = volume_inertia(solids)
    _set_inertia(body, settings.mass, centre, inertia * settings.mass / volume)
    for number, solid in enumerate(solids):
        solid.add_to(spec, body, f'{OBJECT}/{number}', **_contact(settings))


def _contact(settings: Settings) -> dict[str, Any]:
    return {'friction': [settings.friction, settings.torsion, 0.0001], 'condim': 4}


def _set_inertia(body: Any, mass: float, centre: Array, inertia: Array) -> None:
    moments, axes = np.linalg.eigh(inertia)
    axes[:, 2] *= np.linalg.det(axes)
    body.explicitinertial = True
    body.mass = mass
    body.ipos = centre
    body.inertia = moments
    body.iquat = Rotation.from_matrix(axes).as_quat(scalar_first=True)


def volume_inertia(solids: list[shapes.Shape]) -> tuple[float, Array, Array]:
    """Volume [m^3], its centre (3,) [m] and inertia at density 1 (3, 3) of a union of hulls.

    Counted in cells, so that where parts overlap nothing counts twice.
    """
    corners = np.concatenate([solid.points for solid in solids])
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    cell = float((upper - lower).max()) / GRID
    axes = [lo + cell * (np.arange(max(1, np.ceil((hi - lo) / cell))) + 0.5)
            for lo, hi in zip(lower, upper, strict=True)]  # fmt: skip
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    inside = np.zeros(len(grid), dtype=bool)
    for solid in solids:
        mesh = solid.solid()
        normals = mesh.face_normals
        offsets = (normals * mesh.triangles[:, 0]).sum(axis=1)
        near = ((grid >= solid.points.min(axis=0)) & (grid <= solid.points.max(axis=0))).all(axis=1)
        near &= ~inside
        inside[near] = (grid[near] @ normals.T <= offsets).all(axis=1)
    points = grid[inside]
    if len(points) == 0:  # thinner than a cell
        points = corners
    centre = points.mean(axis=0)
    arms = points - centre
    volume = len(points) * cell**3
    spread = arms.T @ arms / len(points) + np.eye(3) * cell**2 / 12.0
    return volume, centre, volume * (np.trace(spread) * np.eye(3) - spread)
