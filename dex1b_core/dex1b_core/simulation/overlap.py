"""How deep a posture of the robot overlaps an object and itself, whatever engine simulates it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.body_tree import Body
from dex1b_core.simulation.convex_union import ConvexUnion, surface
from dex1b_core.simulation.engine import OBJECT, SUPPORT
from dex1b_core.simulation.mujoco_engine import MujocoEngine
from dex1b_core.simulation.scene_description import SceneDescription

Array = NDArray[np.float64]

_SPACING = 0.003  # [m] about the distance between points of the robot, beside its corners


@dataclass(frozen=True)
class Overlap:
    """Depths [m]; 0 where nothing overlaps.

    Attributes:
        target: Robot in object.
        own: Robot in itself.
        support: Robot in the support, where the scene has one.
    """

    target: float
    own: float
    support: float

    @property
    def deepest(self) -> float:
        """The largest of them."""
        return max(self.target, self.own, self.support)


class OverlapRuler:
    """Measures postures; object and robot are in the object's frame."""

    def __init__(self, scene: SceneDescription) -> None:
        self._engine = MujocoEngine(scene)
        shapes = scene.target.shapes
        self._union = ConvexUnion(shapes) if len(shapes) > 1 else None
        self._bodies = scene.robot.bodies
        self._points = [_surface_points(body) for body in self._bodies]

    def measure(
        self, object_T_root: Array, joints: Array, world_T_object: Array | None = None
    ) -> Overlap:
        """Overlaps of a posture (J,) at a pose (4, 4).

        Between two hulls it is the way by which they come apart. Into an object of several parts
        it is at least the depth of the robot's deepest point in their union.
        """
        placed = np.eye(4) if world_T_object is None else world_T_object
        self._engine.place(placed @ object_T_root, joints, placed)
        contacts = self._engine.contacts()
        depth = contacts.deepest(OBJECT)
        if self._union is not None and depth > 0.0:
            depth = max(depth, self._union.depth(self._in_object(placed)))
        return Overlap(depth, contacts.deepest(), contacts.deepest(SUPPORT))

    def lowest(self, normal: Array, offset: float) -> float:
        """Smallest normal.x + offset [m] over the robot as last measured, world frame."""
        heights = []
        for body, world_T_body in zip(self._bodies, self._engine.body_poses(), strict=True):
            local = world_T_body[:3, :3].T @ normal
            height = float(normal @ world_T_body[:3, 3]) + offset
            heights += [shape.lowest(local, height) for shape in body.shapes]
        return min(heights)

    def _in_object(self, world_T_object: Array) -> Array:
        """(N, 3) points on the robot's surface [m], object frame."""
        poses = np.linalg.inv(world_T_object) @ self._engine.body_poses()
        return np.concatenate(
            [
                points @ object_T_body[:3, :3].T + object_T_body[:3, 3]
                for points, object_T_body in zip(self._points, poses, strict=True)
            ]
        )


def _surface_points(body: Body) -> Array:
    solids = [shape.solid() for shape in body.shapes]
    points = [(solid.vertices, surface(solid, _SPACING)[0]) for solid in solids]
    return np.concatenate([np.zeros((0, 3)), *(both for pair in points for both in pair)])
