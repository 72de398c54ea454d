"""An object of two rigid parts: a base that stays, and a part that moves on one joint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.geometry.convex import ConvexPart
from dex1b_core.geometry.solids import Solid, fuse
from dex1b_core.geometry.transforms import transform_points
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.scene_description import ObjectDescription

Array = NDArray[np.float64]

PREFIX = 'articulated'


@dataclass(frozen=True, eq=False)
class ArticulatedObject:
    """Object frame: that of the base; z up, and what is generated faces +x.

    Attributes:
        name: Short, fit for a file name.
        category: One of `generator.CATEGORIES`, or '' of a file.
        moving: Convex parts of what moves, where the joint is at 0 [m].
        fixed: Convex parts of the base [m].
        joint: Between them; positive motion opens.
        start: Where the joint stands at first [rad or m].
        mass: Of what moves [kg].
        handle: Indices of the moving parts that are meant to be grasped; () when none are.

    Raises:
        Dex1bError: INVALID_CONFIGURATION for a start that leaves no room to open, or a mass that
            is not positive.
    """

    name: str
    category: str
    moving: tuple[ConvexPart, ...]
    fixed: tuple[ConvexPart, ...]
    joint: ObjectJoint
    start: float
    mass: float
    handle: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.joint.lower <= self.start < self.joint.upper:
            raise ConfigurationError(
                f"'{self.name}': the joint starts at {self.start:g}; expected "
                f'{self.joint.lower:g} or more, below its upper limit {self.joint.upper:g}'
            )
        if not 0.0 < self.mass < np.inf:
            raise ConfigurationError(f"'{self.name}': moving part of {self.mass} kg; expected > 0")

    @property
    def travel(self) -> float:
        """From the start to the upper limit [rad or m]."""
        return self.joint.upper - self.start

    @cached_property
    def height(self) -> float:
        """Of the plane on which it stands: its lowest point [m], object frame."""
        lowest = [part.vertices[:, 2].min() for part in self.fixed]
        lowest += [part[:, 2].min() for part in self.moved_corners(self.start)]
        return float(min(lowest))

    def motion(self, position: float) -> Array:
        """`start_T_position` (4, 4) of the moving part, object frame."""
        inverse = np.linalg.inv(self.joint.motion(self.start))
        motion: Array = self.joint.motion(position) @ inverse
        return motion

    def moved_corners(self, position: float) -> list[Array]:
        """Corners (V, 3) of each moving part [m] with the joint at a position."""
        pose = self.joint.motion(position)
        return [transform_points(pose, part.vertices) for part in self.moving]

    def moving_solid(self, position: float) -> Solid:
        """Surface of the moving part with the joint at a position, object frame."""
        solid = fuse(self.moving)
        return Solid(transform_points(self.joint.motion(position), solid.vertices), solid.faces)

    @cached_property
    def fixed_solid(self) -> Solid:
        """Surface of the base, object frame."""
        return fuse(self.fixed)

    def description(self) -> ObjectDescription:
        """For physics."""
        return ObjectDescription.of_parts(
            [part.vertices for part in self.moving],
            self.mass,
            self.joint,
            [part.vertices for part in self.fixed],
        )


def load_articulated(spec: str) -> ArticulatedObject:
    """Load an articulated object by what a command line says.

    Args:
        spec: `articulated:CATEGORY-N`, generated from seed N; `robosuite:door` or
            `robosuite:door-lock`; or the path of a URDF or MJCF file, with `#JOINT` behind it where
            several joints move.

    Raises:
        Dex1bError: UNKNOWN_OBJECT for an unknown name or missing file; ASSET_MISSING for a package
            that is not fetched; for a file see `read_articulated` and `read_articulated_mjcf`.
    """
    kind, _, name = spec.partition(':')
    if kind == PREFIX:
        from dex1b_core.articulation.generator import generated

        return generated(name)
    if kind == 'robosuite':
        from dex1b_core.articulation.published import published

        return published(name)
    file, _, joint = spec.partition('#')
    path = Path(file)
    if path.suffix.lower() == '.urdf':
        from dex1b_core.articulation.urdf_reader import read_articulated

        return read_articulated(path, joint)
    if path.suffix.lower() == '.xml':
        from dex1b_core.articulation.mjcf_reader import read_articulated_mjcf

        return read_articulated_mjcf(path, joint)
    raise Dex1bError(
        ErrorCode.UNKNOWN_OBJECT,
        f"'{spec}' is no articulated object; expected {PREFIX}:CATEGORY-N, robosuite:door, "
        'robosuite:door-lock, or a .urdf or .xml file',
    )
