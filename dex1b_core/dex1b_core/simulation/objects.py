"""Objects to grasp as bodies of a physics scene: with a mass and a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry.convex import ConvexPart
from dex1b_core.simulation.sapien_model import convex_collision
from dex1b_core.simulation.settings import PhysicsSettings

Array = NDArray[np.float64]

DENSITY = 400.0  # [kg/m^3], between a full carton and a half-full bottle
MASS_RANGE = (0.03, 0.6)  # [kg]


def mass_of(parts: Sequence[ConvexPart], density: float = DENSITY) -> float:
    """Plausible mass of a body [kg], within `MASS_RANGE`."""
    return float(np.clip(density * sum(part.volume for part in parts), *MASS_RANGE))


def add_object(
    scene: Any,
    parts: Sequence[ConvexPart],
    *,
    mass: float,
    world_T_object: Array,
    friction: float = 1.0,
    settings: PhysicsSettings | None = None,
    name: str = 'object',
) -> Any:
    """Add a free body; returns its entity (see `object_pose`, `body_of`).

    Args:
        scene: Made by `PhysicsSettings.new_scene`.
        parts: Convex parts, object frame [m].
        mass: [kg], spread evenly over the parts.
        world_T_object: (4, 4) start pose.
        friction: Static and dynamic.
        settings: Those of the scene.
        name: Of the entity.
    """
    import sapien

    physx = sapien.physx
    settings = settings or PhysicsSettings()
    material = physx.PhysxMaterial(friction, friction, settings.restitution)
    volume = sum(part.volume for part in parts)
    body = physx.PhysxRigidDynamicComponent()
    for part in parts:
        shape = convex_collision(part.vertices, material)
        shape.set_density(mass / volume)
        shape.set_contact_offset(settings.contact_offset)
        shape.set_rest_offset(settings.rest_offset)
        body.attach(shape)
    # cooked hulls lose some volume
    scale = mass / body.get_mass()
    inertia = body.get_inertia()
    body.set_mass(mass)
    body.set_inertia(inertia * scale)
    # what rolls on a table also comes to rest there
    body.set_angular_damping(0.5)
    entity = sapien.Entity()
    entity.name = name
    entity.add_component(body)
    entity.set_pose(sapien.Pose(np.asarray(world_T_object, dtype=np.float32)))
    scene.add_entity(entity)
    return entity


def body_of(entity: Any) -> Any:
    """Rigid body component of an entity made by `add_object`."""
    import sapien

    return entity.find_component_by_type(sapien.physx.PhysxRigidDynamicComponent)


def object_pose(entity: Any) -> Array:
    """`world_T_object` (4, 4)."""
    return np.asarray(entity.get_pose().to_transformation_matrix(), dtype=float)


def settle(scene: Any, entity: Any, *, limit_s: float = 3.0) -> bool:
    """Let an object come to rest; whether it did within `limit_s` simulated seconds."""
    body = body_of(entity)
    damping = body.get_angular_damping(), body.get_linear_damping()
    body.set_angular_damping(5.0)
    body.set_linear_damping(1.0)
    window = round(0.2 / scene.timestep)
    still = False
    for _ in range(max(1, round(limit_s / scene.timestep / window))):
        before = object_pose(entity)
        for _ in range(window):
            scene.step()
        # a resting body's velocity is solver noise: compare poses
        still = bool(np.abs(object_pose(entity) - before).max() < 2e-4)
        if still:
            break
    body.set_angular_damping(damping[0])
    body.set_linear_damping(damping[1])
    return still
