"""Articulated objects by category and seed: the same seed gives the same object."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from dex1b_core.articulation import fixtures, furniture, lids
from dex1b_core.articulation.articulated_object import PREFIX, Array, ArticulatedObject
from dex1b_core.articulation.draft import Draft, Random
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.solids import fuse
from dex1b_core.geometry.transforms import transform_points
from dex1b_core.simulation.object_joint import ObjectJoint

CATEGORIES: dict[str, Callable[[Random], Draft]] = {
    'laptop': lids.laptop,
    'box': lids.hinged_box,
    'door-left': furniture.door_left,
    'door-right': furniture.door_right,
    'drawer': furniture.drawer,
    'microwave': furniture.microwave,
    'faucet': fixtures.faucet,
    'lever': fixtures.lever,
    'toilet': lids.toilet,
}

GRAVITY = 9.81  # [m/s^2]
DENSITY = (250.0, 600.0)  # [kg/m^3] of what moves: hollow to solid wood
LIGHTEST = 0.02  # [kg]
# Coulomb friction and damping of joints: [N m], [N m s/rad]; of drawers [N], [N s/m]
TURNING = ((0.02, 0.25), (0.02, 0.30))
SLIDING = ((0.3, 3.0), (1.0, 12.0))
HOLDING = (1.2, 1.6)  # friction of what must stay open by itself, as a part of its weight's torque


def generated(name: str) -> ArticulatedObject:
    """The object CATEGORY-N.

    Raises:
        Dex1bError: UNKNOWN_OBJECT for another name.
    """
    category, _, seed = name.rpartition('-')
    if category not in CATEGORIES or not seed.isdigit():
        raise Dex1bError(
            ErrorCode.UNKNOWN_OBJECT,
            f"'{PREFIX}:{name}' is not known; expected {PREFIX}:CATEGORY-N with a whole number N "
            f'and one of the categories {", ".join(CATEGORIES)}',
        )
    return random_articulated(category, int(seed))


def random_articulated(category: str, seed: int) -> ArticulatedObject:
    """The object of a category with this seed."""
    random = np.random.default_rng([zlib.crc32(category.encode()), seed])
    draft = CATEGORIES[category](random)
    moving = tuple(convex_part(points) for points in (*draft.moving, *draft.handle))
    solid = fuse(moving)
    mass = max(LIGHTEST, random.uniform(*DENSITY) * solid.volume)
    weight = _closing_effort(draft, solid.centre, mass)
    friction, damping = SLIDING if draft.kind == 'prismatic' else TURNING
    joint = ObjectJoint(
        draft.kind,
        np.array(draft.axis),
        np.array(draft.origin),
        0.0,
        draft.upper,
        max(random.uniform(*friction), random.uniform(*HOLDING) * weight),
        random.uniform(*damping),
    )
    return ArticulatedObject(
        f'{category}-{seed}',
        category,
        moving,
        tuple(convex_part(points) for points in draft.fixed),
        joint,
        draft.start,
        mass,
        tuple(range(len(draft.moving), len(moving))),
    )


def _closing_effort(draft: Draft, centre: Array, mass: float) -> float:
    """By which weight pulls away from the start [N m]: to close what stands open, or to fall open.

    0 where a stop holds it: closed, and pulled further.
    """
    if draft.kind == 'prismatic':
        return 0.0
    joint = ObjectJoint('revolute', np.array(draft.axis), np.array(draft.origin), 0.0, draft.upper)
    placed = transform_points(joint.motion(draft.start), centre[None])[0]
    weight = np.array([0.0, 0.0, -mass * GRAVITY])
    effort = float(joint.axis @ np.cross(placed - joint.origin, weight))
    return 0.0 if draft.start == 0.0 and effort < 0.0 else abs(effort)
