"""Reads an articulated object from an MJCF file: what one joint moves, and all the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NoReturn

import mujoco
import numpy as np

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.articulation.urdf_writer import HANDLE
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform, transform_points
from dex1b_core.geometry.convex import ConvexPart, convex_part, convex_parts
from dex1b_core.geometry.convex_points import box, cylinder, ellipsoid
from dex1b_core.geometry.mesh_repair import repair
from dex1b_core.geometry.solids import Solid
from dex1b_core.simulation.object_joint import ObjectJoint

_KINDS: dict[int, Literal['revolute', 'prismatic']] = {
    int(mujoco.mjtJoint.mjJNT_HINGE): 'revolute',
    int(mujoco.mjtJoint.mjJNT_SLIDE): 'prismatic',
}
_CONVEX = 0.999  # part of its hull that a mesh fills to count as convex


def read_articulated_mjcf(path: Path, joint_name: str = '') -> ArticulatedObject:
    """Read an object in the frame of the file's world; other joints than the one named stay put.

    Geometry whose name begins with 'handle' is where to grasp. A joint whose range lies below 0
    is turned around, so that positive motion opens. Textures are left out.

    Args:
        path: The file.
        joint_name: Which joint moves; '' where there is only one.

    Raises:
        Dex1bError: UNKNOWN_OBJECT when there is no such file; INVALID_CONFIGURATION when it is no
            MJCF with such a joint, or the joint has no limits; SHAPE_INVALID for a mesh that is
            no body.
    """
    return _Reader(path, joint_name).read()


class _Reader:
    def __init__(self, path: Path, joint_name: str) -> None:
        self._path = path
        self._model = self._compiled()
        self._data: Any = mujoco.MjData(self._model)
        mujoco.mj_kinematics(self._model, self._data)
        self._joint = self._find(joint_name)

    def read(self) -> ArticulatedObject:
        model, name = self._model, self._model.joint(self._joint).name
        moves = self._moving_bodies()
        parts: dict[bool, list[ConvexPart]] = {True: [], False: []}
        handle: list[int] = []
        for number in range(model.ngeom):
            moving = bool(moves[model.geom_bodyid[number]])
            own = self._convex(number)
            if moving and model.geom(number).name.startswith(HANDLE):
                handle += range(len(parts[True]), len(parts[True]) + len(own))
            parts[moving] += own
        if not parts[True]:
            self._fail(f"joint '{name}' moves no geometry")
        made, start = self._object_joint()
        return ArticulatedObject(
            f'{self._path.stem}-{name}' if model.njnt > 1 else self._path.stem,
            '',
            tuple(parts[True]),
            tuple(parts[False]),
            made,
            start,
            float(model.body_mass[moves].sum()),
            tuple(handle),
        )

    def _fail(self, words: str, code: ErrorCode = ErrorCode.INVALID_CONFIGURATION) -> NoReturn:
        raise Dex1bError(code, f'{self._path}: {words}')

    def _compiled(self) -> Any:
        if not self._path.is_file():
            self._fail('no such file; expected an MJCF', ErrorCode.UNKNOWN_OBJECT)
        try:
            spec = mujoco.MjSpec.from_file(str(self._path))
            for geom in spec.geoms:
                geom.material = ''
            for picture in (*spec.materials, *spec.textures):
                spec.delete(picture)
            return spec.compile()
        except (ValueError, mujoco.FatalError) as error:
            self._fail(f'not a readable MJCF: {" ".join(str(error).split())}')

    def _find(self, name: str) -> int:
        model = self._model
        names = [model.joint(number).name for number in range(model.njnt)]
        if name:
            if name not in names:
                self._fail(f"no joint '{name}'; there are: {', '.join(names) or 'none'}")
            number = names.index(name)
        elif len(names) == 1:
            number = 0
        else:
            self._fail(
                f'{len(names)} joints{f": {chr(44).join(names)}" if names else ""}; expected one, '
                f'or its name as in {self._path.name}#NAME'
            )
        if int(model.jnt_type[number]) not in _KINDS:
            self._fail(f"joint '{names[number]}' is neither a hinge nor a slide")
        if not model.jnt_limited[number]:
            self._fail(f"joint '{names[number]}' has no limits; expected a range")
        return number

    def _moving_bodies(self) -> Array:
        """(bodies,) whether each hangs on the joint."""
        model = self._model
        moves = np.zeros(model.nbody, dtype=bool)
        for body in range(1, model.nbody):
            moves[body] = body == model.jnt_bodyid[self._joint] or moves[model.body_parentid[body]]
        return moves

    def _object_joint(self) -> tuple[ObjectJoint, float]:
        """The joint in the world frame, and where it stands."""
        model, number = self._model, self._joint
        lower, upper = (model.jnt_range[number] - model.qpos0[model.jnt_qposadr[number]]).tolist()
        sign = -1.0 if -lower > upper else 1.0
        if sign < 0.0:
            lower, upper = -upper, -lower
        spring = float(model.jnt_stiffness[number])
        rest = model.qpos_spring[model.jnt_qposadr[number]]
        if spring > 0.0 and rest != model.qpos0[model.jnt_qposadr[number]]:
            self._fail(f'a spring that rests at {rest:g}; expected one that rests where it starts')
        freedom = model.jnt_dofadr[number]
        made = ObjectJoint(
            _KINDS[int(model.jnt_type[number])],
            sign * self._data.xaxis[number].copy(),
            self._data.xanchor[number].copy(),
            lower,
            upper,
            float(model.dof_frictionloss[freedom]),
            float(model.dof_damping[freedom]),
            spring,
        )
        return made, min(max(0.0, lower), upper)

    def _convex(self, number: int) -> list[ConvexPart]:
        """Convex parts of one geometry, in the world frame."""
        data = self._data
        pose = make_transform(data.geom_xmat[number].reshape(3, 3), data.geom_xpos[number])
        return [convex_part(transform_points(pose, corners)) for corners in self._corners(number)]

    def _corners(self, number: int) -> list[Array]:
        model, size = self._model, self._model.geom_size[number]
        kind = mujoco.mjtGeom(model.geom_type[number])
        match kind:
            case mujoco.mjtGeom.mjGEOM_BOX:
                return [box(2.0 * size)]
            case mujoco.mjtGeom.mjGEOM_SPHERE:
                return [ellipsoid([size[0]] * 3)]
            case mujoco.mjtGeom.mjGEOM_ELLIPSOID:
                return [ellipsoid(size)]
            case mujoco.mjtGeom.mjGEOM_CYLINDER:
                return [cylinder(size[0], 2.0 * size[1])]
            case mujoco.mjtGeom.mjGEOM_CAPSULE:
                ball, end = ellipsoid([size[0]] * 3), np.array([0.0, 0.0, size[1]])
                return [np.vstack([ball - end, ball + end])]
            case mujoco.mjtGeom.mjGEOM_MESH:
                return self._mesh(number)
        self._fail(
            f"geometry '{model.geom(number).name}' is a {kind.name.removeprefix('mjGEOM_').lower()}"
            '; expected box, sphere, ellipsoid, cylinder, capsule or mesh'
        )

    def _mesh(self, number: int) -> list[Array]:
        model, mesh = self._model, self._model.geom_dataid[number]
        first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
        vertices = model.mesh_vert[first : first + count].astype(float)
        first, count = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
        solid = Solid(vertices, model.mesh_face[first : first + count].astype(int))
        hull = convex_part(vertices)
        if abs(solid.volume) >= _CONVEX * hull.volume:
            return [vertices]
        closed = repair(solid, name=f'{self._path}: {model.mesh(mesh).name}').solid
        return [part.vertices for part in convex_parts(closed)]
