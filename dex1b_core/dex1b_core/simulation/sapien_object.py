"""The object in SAPIEN: a free body, or one on a joint."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.engine import BASE, OBJECT
from dex1b_core.simulation.sapien_model import StandingBase, free_body, jointed_body, pose
from dex1b_core.simulation.scene_description import ObjectDescription

Array = NDArray[np.float64]


class SapienObject(Protocol):
    """What the engine needs of either.

    Attributes:
        entity: Of the object, or its moving part.
        body: Its component.
        owners: Codes in `Contacts.other` by the entities' ids.
    """

    entity: Any
    body: Any
    owners: dict[int, int]

    def place(self, world_T_object: Array, position: float) -> None:
        """At rest; with a joint at a position [rad or m] of its base's pose (4, 4)."""

    def position(self) -> float:
        """Of the joint [rad or m]; 0 without one."""

    def save(self) -> Any:
        """Pose and velocity, for `restore`."""

    def restore(self, state: Any) -> None:
        """Go back."""


class FreeObject:
    """See `SapienObject`."""

    def __init__(
        self, target: ObjectDescription, mass: float, material: Any, sapien_scene: Any
    ) -> None:
        inertia = (mass, target.unit.centre, target.unit.inertia)  # axes: whatever the mass
        self.entity, self.body = free_body(target.shapes, inertia, material)
        sapien_scene.add_entity(self.entity)
        self.owners = {self.entity.global_id: OBJECT}

    def place(self, world_T_object: Array, position: float) -> None:
        """See `SapienObject`."""
        self.entity.set_pose(pose(world_T_object))
        self.body.set_linear_velocity(np.zeros(3))
        self.body.set_angular_velocity(np.zeros(3))

    def position(self) -> float:
        """See `SapienObject`."""
        return 0.0

    def save(self) -> tuple[Any, Array, Array]:
        """See `SapienObject`."""
        return (
            self.entity.pose,
            np.array(self.body.get_linear_velocity()),
            np.array(self.body.get_angular_velocity(), dtype=float),
        )

    def restore(self, state: tuple[Any, Array, Array]) -> None:
        """See `SapienObject`."""
        placed, linear, angular = state
        self.entity.set_pose(placed)
        self.body.set_linear_velocity(linear)
        self.body.set_angular_velocity(angular)


class JointedObject:
    """See `SapienObject`; an articulation of its own, whose root is the base.

    Args:
        target: With a joint.
        mass: Of its moving part [kg].
        material: Of all shapes.
        sapien_scene: Where it is put.
        standing: The base, if it is not fixed to the world.
    """

    def __init__(
        self,
        target: ObjectDescription,
        mass: float,
        material: Any,
        sapien_scene: Any,
        standing: StandingBase | None = None,
    ) -> None:
        inertia = (mass, target.unit.centre, target.unit.inertia)
        step = sapien_scene.get_timestep()
        base, self.entity, self.body = jointed_body(target, inertia, material, step, standing)
        self._articulation = self.body.articulation
        sapien_scene.add_entity(base)
        sapien_scene.add_entity(self.entity)
        self.owners = {base.global_id: BASE, self.entity.global_id: OBJECT}

    def place(self, world_T_object: Array, position: float) -> None:
        """See `SapienObject`."""
        self._articulation.set_root_pose(pose(world_T_object))
        self.restore((position, 0.0))

    def position(self) -> float:
        """See `SapienObject`."""
        return float(self._articulation.qpos[0])

    def base_pose(self) -> Array:
        """`world_T_object` (4, 4) of the base."""
        return np.asarray(self._articulation.root_pose.to_transformation_matrix(), dtype=float)

    def save(self) -> tuple[float, float]:
        """See `SapienObject`."""
        return self.position(), float(self._articulation.qvel[0])

    def restore(self, state: tuple[float, float]) -> None:
        """See `SapienObject`."""
        position, velocity = state
        self._articulation.set_qpos(np.array([position]))
        self._articulation.set_qvel(np.array([velocity]))
