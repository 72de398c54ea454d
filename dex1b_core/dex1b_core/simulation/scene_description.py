"""What a physics scene consists of, for every engine alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.simulation import collision_shape
from dex1b_core.simulation.body_tree import SLIDES, TURNS, BodyTree
from dex1b_core.simulation.collision_shape import CollisionShape
from dex1b_core.simulation.mass_properties import MassProperties, union_mass_properties
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.self_contact import overlapping_by_design

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Drive:
    """Position control of a joint; the limit bounds stiffness and damping together.

    Attributes:
        stiffness: [N m/rad or N/m].
        damping: [N m s/rad or N s/m].
        effort_limit: [N m or N].
        armature: Added inertia of the joint [kg m^2 or kg].
    """

    stiffness: float
    damping: float
    effort_limit: float
    armature: float


SLIDE_DRIVE = Drive(stiffness=1e5, damping=2e3, effort_limit=1e4, armature=0.0)
# of a floating hand: as an arm under impedance control yields, so that what is pressed into a part
# that cannot move aside does not bear on a wrist of steel
FLOAT_SLIDE = Drive(stiffness=5e3, damping=2e2, effort_limit=150.0, armature=0.0)
FLOAT_TURN = Drive(stiffness=100.0, damping=4.0, effort_limit=20.0, armature=0.0)
# and as a position-controlled arm holds it
RIGID_SLIDE = Drive(stiffness=5e4, damping=1e3, effort_limit=500.0, armature=0.0)
RIGID_TURN = Drive(stiffness=1e3, damping=20.0, effort_limit=100.0, armature=0.0)


@dataclass(frozen=True)
class ObjectDescription:
    """A rigid body, free or on a joint that hangs on a fixed base.

    Attributes:
        shapes: Convex parts, object frame; their union is the object, or its moving part.
        mass: [kg], spread evenly over the union.
        unit: Mass properties at 1 kg.
        joint: Of the moving part; None for a free body.
        fixed: Convex parts of the base, object frame; the moving part never collides with them.

    Raises:
        Dex1bError: INVALID_CONFIGURATION for a base without a joint.
    """

    shapes: tuple[CollisionShape, ...]
    mass: float
    unit: MassProperties
    joint: ObjectJoint | None = None
    fixed: tuple[CollisionShape, ...] = ()

    def __post_init__(self) -> None:
        if self.fixed and self.joint is None:
            raise ConfigurationError(
                f'a free object with {len(self.fixed)} fixed parts; expected a joint between them '
                'and the others'
            )

    @classmethod
    def of_parts(
        cls,
        parts: Sequence[Array],
        mass: float,
        joint: ObjectJoint | None = None,
        fixed: Sequence[Array] = (),
    ) -> Self:
        """From the vertices (V, 3) of convex parts [m].

        Raises:
            Dex1bError: SHAPE_INVALID when a part encloses no volume, INVALID_CONFIGURATION as
                above.
        """
        shapes = _hulls('the object', parts)
        base = _hulls("the object's base", fixed) if fixed else ()
        return cls(shapes, mass, union_mass_properties(shapes), joint, base)


@dataclass(frozen=True, eq=False)
class SceneDescription:
    """A robot, an object, perhaps a support; gravity is a force that checks apply to the object.

    The robot weighs nothing, as under gravity compensation.

    Attributes:
        robot: Its bodies.
        drives: Of every driven joint, by name.
        target: What is grasped.
        friction: Sliding coefficient of every contact.
        torsion: Torsional friction [m]; engines without it (PhysX) leave it out.
        has_support: Whether there is a fixed board with its top at z = 0.
    """

    robot: BodyTree
    drives: Mapping[str, Drive]
    target: ObjectDescription
    friction: float
    torsion: float = 0.02
    has_support: bool = False

    def __post_init__(self) -> None:
        missing = sorted(set(self.robot.joint_names) - set(self.drives))
        if missing:
            raise Dex1bError(
                ErrorCode.INVALID_CONFIGURATION,
                f'no drive for joints {missing}; expected one for each driven joint',
            )

    def on_slides(self) -> SceneDescription:
        """The same with a robot that can be moved while it holds: `BodyTree.on_slides`."""
        drives = {**self.drives, **dict.fromkeys(SLIDES, SLIDE_DRIVE)}
        return replace(self, robot=self.robot.on_slides(), drives=drives)

    def floating(self, slide: Drive = FLOAT_SLIDE, turn: Drive = FLOAT_TURN) -> SceneDescription:
        """The same with a robot that can also be turned while it holds: `BodyTree.floating`."""
        slides, turns = dict.fromkeys(SLIDES, slide), dict.fromkeys(TURNS, turn)
        return replace(self, robot=self.robot.floating(), drives={**self.drives, **slides, **turns})

    @cached_property
    def no_contact(self) -> frozenset[tuple[int, int]]:
        """Pairs of the robot's bodies, lower index first, that never collide."""
        return overlapping_by_design(self.robot)


def _hulls(owner: str, parts: Sequence[Array]) -> tuple[CollisionShape, ...]:
    if not parts or any(len(part) < 4 for part in parts):
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{owner} has {len(parts)} convex parts with '
            f'{[len(part) for part in parts]} vertices; expected at least four in each',
        )
    return tuple(collision_shape.hull(part) for part in parts)
