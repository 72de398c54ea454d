"""Physics settings under which grasps hold, and the scene that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

GRAVITY = 9.81  # [m/s^2]
TABLE_CENTRE = (0.4, 0.0)  # [m] x and y, planning frame
TABLE_HALF_SIZE = (0.8, 0.8)  # [m]


@dataclass(frozen=True)
class PhysicsSettings:
    """How a scene is simulated.

    Fewer solver iterations or a larger step lose objects that a real hand holds.

    Attributes:
        dt: Step [s].
        position_iterations: Solver iterations a step (temporal Gauss-Seidel).
        velocity_iterations: Solver iterations a step.
        contact_offset: Distance at which contacts are made [m].
        rest_offset: Distance at which touching bodies rest [m].
        sleep_threshold: Kinetic energy by mass below which a body sleeps [m^2/s^2]; 0 is never.
        friction: Coefficient of every surface, static and dynamic; the engine averages pairs.
        restitution: 0 for no bounce.
        gravity: Along -z [m/s^2].
    """

    dt: float = 1.0 / 240.0
    position_iterations: int = 16
    velocity_iterations: int = 1
    contact_offset: float = 0.01
    rest_offset: float = 0.0
    sleep_threshold: float = 0.0
    friction: float = 1.0
    restitution: float = 0.0
    gravity: float = GRAVITY

    def new_scene(self) -> Any:
        """An empty `sapien.Scene` that needs no render device.

        SAPIEN keeps shape and body settings per process: add all bodies to one scene before
        making another with different settings.
        """
        import sapien

        physx = sapien.physx
        physx.set_scene_config(gravity=np.array([0.0, 0.0, -self.gravity]), enable_tgs=True)
        physx.set_body_config(
            self.position_iterations, self.velocity_iterations, self.sleep_threshold
        )
        physx.set_shape_config(self.contact_offset, self.rest_offset)
        physx.set_default_material(self.friction, self.friction, self.restitution)
        scene = sapien.Scene([physx.PhysxCpuSystem()])
        scene.set_timestep(self.dt)
        return scene

    def material(self) -> Any:
        """A `PhysxMaterial` with this friction."""
        import sapien

        return sapien.physx.PhysxMaterial(self.friction, self.friction, self.restitution)


def add_table(scene: Any, settings: PhysicsSettings) -> Any:
    """A static board whose top is the plane z = 0; returns its entity."""
    import sapien

    builder = scene.create_actor_builder()
    thickness = 0.1
    builder.add_box_collision(
        sapien.Pose([*TABLE_CENTRE, -thickness]),
        [*TABLE_HALF_SIZE, thickness],
        material=settings.material(),
    )
    builder.set_initial_pose(sapien.Pose())
    return builder.build_static(name='table')
