"""Bodies as SAPIEN takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import make_transform
from dex1b_core.simulation.body_tree import BodyTree, Joint
from dex1b_core.simulation.collision_shape import CollisionShape
from dex1b_core.simulation.mass_properties import principal_axes, union_mass_properties
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.scene_description import ObjectDescription, SceneDescription

Array = NDArray[np.float64]

_MIMIC_STIFFNESS = 1e5
_TURNS = 2 * np.pi  # PhysX bounds plain revolute joints to one turn each way
_MASK_BITS = 32
_LOCKING = 1e7  # damping [N m s/rad or N s/m], under which only a limited brake lets things move
_COOKING_SCALE = 100.0  # PhysX leaves out vertices closer than 0.7 mm to the hull of the others


def pose(transform: Array) -> Any:
    """A `sapien.Pose` of a (4, 4) transform."""
    import sapien

    return sapien.Pose(np.asarray(transform, dtype=np.float32))


def add_robot(scene: SceneDescription, sapien_scene: Any, material: Any) -> tuple[Any, list[Any]]:
    """Build the robot, root fixed at the origin; its articulation, and a link for each body."""
    import sapien

    links: list[Any] = []
    for body in scene.robot.bodies:
        parent = links[body.parent] if body.parent >= 0 else None
        link = sapien.physx.PhysxArticulationLinkComponent(parent)
        link.name = body.name
        for shape in body.shapes:
            link.attach(_collision(shape, material))
        _set_inertia(link, *body.inertia)
        link.set_linear_damping(0.0)
        link.set_angular_damping(0.0)
        link.set_disable_gravity(True)
        if body.joint is not None:
            _set_joint(link.joint, body.joint, body.parent_T_body)
        else:
            link.joint.type = 'fixed'
        links.append(link)
    masks = exclusion_masks(scene.robot, scene.no_contact)
    for link, mask in zip(links, masks, strict=True):
        for shape in link.collision_shapes:
            # the third word: shapes that share a bit never collide
            shape.set_collision_groups([1, 1, mask, 0])
    articulation = links[0].articulation
    for joint in scene.robot.joints.values():
        if joint.mimic is not None:
            _couple(articulation, scene.robot, links, joint)
    for link in links:
        entity = sapien.Entity()
        entity.name = link.name
        entity.add_component(link)
        sapien_scene.add_entity(entity)
    for name in scene.robot.joints:
        drive = scene.drives[scene.robot.driver(name)]
        joint = articulation.find_joint_by_name(name)
        joint.set_armature([drive.armature])
        joint.set_friction(0.0)
        if name in scene.robot.joint_names:
            joint.set_drive_properties(drive.stiffness, drive.damping, drive.effort_limit)
        else:
            joint.set_drive_properties(0.0, 0.0)
    return articulation, links


def convex_collision(points: Array, material: Any) -> Any:
    """Collision shape of the convex hull of (V, 3) points [m]; of more than 255, part is kept."""
    import sapien

    vertices = (_COOKING_SCALE * points).astype(np.float32)
    scale = [1.0 / _COOKING_SCALE] * 3
    return sapien.physx.PhysxCollisionShapeConvexMesh(vertices, scale, material)


def free_body(
    shapes: tuple[CollisionShape, ...],
    inertia: tuple[float, Array, Array],
    material: Any,
) -> tuple[Any, Any]:
    """Entity and component of a free body, not yet in a scene.

    Args:
        shapes: Body frame.
        inertia: Mass [kg], centre (3,) [m], inertia about it (3, 3) [kg m^2].
        material: Of all shapes.
    """
    import sapien

    component = sapien.physx.PhysxRigidDynamicComponent()
    for shape in shapes:
        component.attach(_collision(shape, material))
    _set_inertia(component, *inertia)
    component.set_linear_damping(0.0)
    component.set_angular_damping(0.0)
    component.set_disable_gravity(True)
    entity = sapien.Entity()
    entity.add_component(component)
    return entity, component


@dataclass(frozen=True)
class StandingBase:
    """The base of an object with a joint, free to slide and tip.

    Attributes:
        mass: [kg], its parts as dense as one another.
        material: Of its surface.
    """

    mass: float
    material: Any


def jointed_body(
    target: ObjectDescription,
    inertia: tuple[float, Array, Array],
    material: Any,
    step: float,
    standing: StandingBase | None = None,
) -> tuple[Any, Any, Any]:
    """Entities of an object's base and moving part, not yet in a scene, and the latter's component.

    Args:
        target: With a joint.
        inertia: As for `free_body`, of the moving part.
        material: Of all shapes.
        step: Of the scene [s].
        standing: The base, if it is not fixed to the world.
    """
    import sapien

    joint = target.joint
    assert joint is not None
    base = sapien.physx.PhysxArticulationLinkComponent(None)
    part = sapien.physx.PhysxArticulationLinkComponent(base)
    base_inertia, base_material = inertia, material  # the mass of a fixed one is never asked for
    if standing is not None:
        unit = union_mass_properties(target.fixed)
        base_inertia = standing.mass, unit.centre, standing.mass * unit.inertia
        base_material = standing.material
    for link, shapes, own, surface in (
        (base, target.fixed, base_inertia, base_material),
        (part, target.shapes, inertia, material),
    ):
        for shape in shapes:
            link.attach(_collision(shape, surface))
        _set_inertia(link, *own)
        link.set_linear_damping(0.0)
        link.set_angular_damping(0.0)
        link.set_disable_gravity(True)
    base.joint.type = 'fixed' if standing is None else 'undefined'
    base.set_disable_gravity(standing is None)
    made = part.joint
    frame = make_transform(np.eye(3), joint.origin) @ _along(joint.axis)
    made.name = 'object'
    made.type = _joint_type(joint.slides, (joint.lower, joint.upper))
    made.pose_in_parent = made.pose_in_child = pose(frame)
    made.limit = np.array([[joint.lower, joint.upper]], dtype=np.float32)
    made.set_armature([0.0])
    made.set_friction(0.0)  # PhysX's own depends on what the joint carries
    made.set_drive_properties(joint.stiffness, joint.damping)  # towards 0
    entities = []
    for link in (base, part):
        entity = sapien.Entity()
        entity.add_component(link)
        entities.append(entity)
    if joint.friction > 0.0:
        entities[1].add_component(_friction(joint, base, part, frame, step))
    return entities[0], entities[1], part


def fixed_body(shape: CollisionShape, material: Any) -> Any:
    """Entity of a body that never moves, not yet in a scene."""
    import sapien

    component = sapien.physx.PhysxRigidStaticComponent()
    component.attach(_collision(shape, material))
    entity = sapien.Entity()
    entity.add_component(component)
    return entity


def exclusion_masks(tree: BodyTree, pairs: frozenset[tuple[int, int]]) -> list[int]:
    """(bodies,) bits such that two bodies share one when, and only when, they never collide.

    Greedy cover of the pairs by groups whose members are all excluded from each other.

    Raises:
        ConfigurationError: PhysX's 32 bits do not suffice.
    """
    count = len(tree.bodies)
    excluded = np.zeros((count, count), dtype=bool)
    for one, other in pairs:
        excluded[one, other] = excluded[other, one] = True
    # the engine leaves parents and children alone itself
    engines_own = {tuple(sorted((i, b.parent))) for i, b in enumerate(tree.bodies) if b.parent >= 0}
    masks = [0] * count
    bit = 0
    left = {pair for pair in pairs if pair not in engines_own}
    while left:
        if bit == _MASK_BITS:
            raise ConfigurationError(
                f'{len(pairs)} pairs of links never collide; SAPIEN can express 32 groups of them. '
                'Merge collision shapes of the robot, or use the engine mujoco'
            )
        group = list(min(left))
        for body in range(count):
            if body not in group and excluded[body, group].all():
                group.append(body)
        for body in group:
            masks[body] |= 1 << bit
        left = {pair for pair in left if not (pair[0] in group and pair[1] in group)}
        bit += 1
    return masks


def _collision(shape: CollisionShape, material: Any) -> Any:
    import sapien

    physx = sapien.physx
    primitive = shape.primitive
    if primitive is None or primitive.kind == 'cylinder':  # the engine's cylinder has poor contacts
        return convex_collision(shape.points, material)
    placed = primitive.body_T_shape
    if primitive.kind == 'box':
        made = physx.PhysxCollisionShapeBox(list(primitive.size), material)
    elif primitive.kind == 'sphere':
        made = physx.PhysxCollisionShapeSphere(primitive.size[0], material)
    else:
        made = physx.PhysxCollisionShapeCapsule(*primitive.size, material)
        placed = placed @ _along(np.array([0.0, 0.0, 1.0]))  # the engine's lie along x
    made.set_local_pose(pose(placed))
    return made


def _set_inertia(component: Any, mass: float, centre: Array, inertia: Array) -> None:
    moments, axes = principal_axes(inertia)
    component.set_mass(mass)
    component.set_cmass_local_pose(pose(make_transform(axes, centre)))
    component.set_inertia(moments.astype(np.float32))


def _set_joint(made: Any, joint: Joint, parent_T_body: Array) -> None:
    """The engine turns and slides along x of the joint's frame."""
    axis = _along(joint.axis)
    made.name = joint.name
    made.type = _joint_type(joint.slides, joint.limits)
    made.pose_in_parent = pose(parent_T_body @ axis)
    made.pose_in_child = pose(axis)
    made.limit = np.array([joint.limits], dtype=np.float32)


def _joint_type(slides: bool, limits: tuple[float, float]) -> str:
    if slides:
        return 'prismatic'
    lower, upper = limits
    return 'revolute_unwrapped' if lower < -_TURNS or upper > _TURNS else 'revolute'


def _friction(joint: ObjectJoint, base: Any, part: Any, frame: Array, step: float) -> Any:
    """Component that brakes a link with no more than the joint's friction.

    A second joint beside the articulation's own, whose only drive is in use for the damping.
    """
    import sapien

    brake = sapien.physx.PhysxDriveComponent(part)
    brake.parent = base
    brake.pose_in_parent = brake.pose_in_child = pose(frame)
    limit = joint.friction * step  # PhysX takes limits of these drives as impulses of a step
    if joint.slides:
        brake.set_drive_property_x(0.0, _LOCKING, limit)
    else:
        brake.set_drive_property_twist(0.0, _LOCKING, limit)
    return brake


def _along(axis: Array) -> Array:
    """A frame (4, 4) whose x axis is the unit vector (3,)."""
    turn, _ = Rotation.align_vectors([axis], [[1.0, 0.0, 0.0]])
    return make_transform(turn.as_matrix(), np.zeros(3))


def _couple(articulation: Any, tree: BodyTree, links: list[Any], joint: Joint) -> None:
    """Make a joint follow another by a stiff tendon: follower - multiplier * leader = offset."""
    leader, multiplier, offset = joint.mimic or ('', 0.0, 0.0)
    index = {body.joint.name: i for i, body in enumerate(tree.bodies) if body.joint is not None}
    first, last = index[leader], index[joint.name]
    parents = {tree.bodies[first].parent, tree.bodies[last].parent}
    root = tree.bodies[first].parent
    if tree.bodies[last].parent == first or len(parents) == 1:
        articulation.create_fixed_tendon(
            [links[root], links[first], links[last]],
            [0.0, -multiplier, 1.0],
            [0.0, -1.0 / multiplier, 1.0],
            rest_length=offset,
            stiffness=_MIMIC_STIFFNESS,
        )
        return
    raise ConfigurationError(
        f"joint '{joint.name}' mimics '{leader}', which moves neither its parent nor a sibling; "
        'the engine sapien cannot couple them: use mujoco'
    )
