"""How many links touch and how evenly the fingers do, as DexGraspBench measures it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.simulation import collision_shape
from dex1b_core.simulation.mujoco_model import MujocoSettings, add_shape, quaternion, robot_model

Array = NDArray[np.float64]

MARGIN = 0.01  # [m] farther is as good as this far
TOUCH = 0.002  # [m]

_OBJECT = 'dex1b_target'


@dataclass(frozen=True)
class ContactMetrics:
    """Of N grasps (DexGraspBench, src/task/eval_func/base.py).

    Attributes:
        number: (N,) bodies of the hand with |distance to the object| < 2 mm.
        distance: (N,) mean over fingers of their distance to the object, between 0 and 10 mm [m].
        consistency: (N,) difference of the farthest finger's distance, at most 10 mm, and the
            nearest's, negative where it is in the object [m].
    """

    number: NDArray[np.int64]
    distance: Array
    consistency: Array


def contact_metrics(placed: PlacedGrasps) -> ContactMetrics:
    """Measure N grasps.

    A finger is all that hangs on the palm together, `BodyTree.fingers`; links that fixed joints
    hold together count as one. The published code looks at each contact alone; here a body
    touches by its smallest distance, so that one deep in the object does not.
    """
    gaps = body_gaps(placed)
    fingers = placed.tree.fingers()
    if fingers.max() < 0:
        fingers[:] = 0  # a hand that does not branch
    each = [gaps[:, fingers == finger].min(axis=1) for finger in range(fingers.max() + 1)]
    by_finger = np.stack(each, axis=1)
    return ContactMetrics(
        number=(np.abs(gaps) < TOUCH).sum(axis=1),
        distance=np.maximum(by_finger, 0.0).mean(axis=1),
        consistency=by_finger.max(axis=1) - by_finger.min(axis=1),
    )


def body_gaps(placed: PlacedGrasps) -> Array:
    """(N, bodies) signed distance [m] of the hand's bodies to the object, at most `MARGIN`.

    MuJoCo's `mj_geomDistance` between all convex shapes: exact to about 1e-6 m for polyhedra and
    round shapes. Negative where they overlap: the shortest way out of one part of the object.
    """
    scene = _Scene(placed)
    grasps = placed.grasps
    rows = zip(grasps.object_T_hand, grasps.grasp, strict=True)
    found = [scene.gaps(pose, posture) for pose, posture in rows]
    return np.array(found).reshape(len(placed), len(placed.tree.bodies))


class _Scene:
    """The hand around the object, which is fixed at the origin."""

    def __init__(self, placed: PlacedGrasps) -> None:
        settings = MujocoSettings()
        self._tree = placed.tree
        spec = robot_model(placed.tree, settings)
        body = spec.worldbody.add_body(name=_OBJECT)
        for number, part in enumerate(placed.grasps.object_parts):
            shape = collision_shape.hull(part)
            add_shape(spec, body, f'{_OBJECT}/{number}', shape, settings.object_contact)
        self._model: Any = spec.compile()
        self._data: Any = mujoco.MjData(self._model)
        bodies = {body.name: index for index, body in enumerate(placed.tree.bodies)}
        names = [self._model.body(int(i)).name for i in self._model.geom_bodyid]
        self._owner = np.array([bodies.get(name, -1) for name in names])
        self._hand, self._target = (np.flatnonzero(m) for m in (self._owner >= 0, self._owner < 0))
        self._qpos = {name: int(self._model.joint(name).qposadr[0]) for name in placed.tree.joints}

    def gaps(self, object_T_hand: Array, posture: Array) -> Array:
        """(bodies,) of one grasp."""
        model, data = self._model, self._data
        data.mocap_pos[0], data.mocap_quat[0] = object_T_hand[:3, 3], quaternion(object_T_hand)
        for name, position in self._tree.complete(posture).items():
            data.qpos[self._qpos[name]] = position
        mujoco.mj_kinematics(model, data)
        gaps = np.full(len(self._tree.bodies), MARGIN)
        for one, other in self._near():
            gap = mujoco.mj_geomDistance(model, data, one, other, MARGIN, None)
            owner = self._owner[one]
            gaps[owner] = min(gaps[owner], gap)
        return gaps

    def _near(self) -> list[tuple[int, int]]:
        """Pairs of shapes of hand and object whose bounding spheres are within `MARGIN`."""
        centres, radii = self._data.geom_xpos, self._model.geom_rbound
        apart = centres[self._hand][:, None] - centres[self._target]
        reach = radii[self._hand][:, None] + radii[self._target] + MARGIN
        first, second = np.nonzero(np.linalg.norm(apart, axis=-1) <= reach)
        return list(zip(self._hand[first].tolist(), self._target[second].tolist(), strict=True))
