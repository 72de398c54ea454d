"""A robot as rigid bodies with joints between them, the same for every physics engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.simulation.collision_shape import CollisionShape

Array = NDArray[np.float64]

MARKER_INERTIA = (1e-3, np.zeros(3), np.eye(3) * 1e-7)  # of moving bodies without shapes
SLIDES = ('slide_x', 'slide_y', 'slide_z')
TURNS = ('turn_x', 'turn_y', 'turn_z')
_SLIDE_INERTIA = (1.0, np.zeros(3), np.eye(3) * 1e-2)
_LIGHT_INERTIA = (0.05, np.zeros(3), np.eye(3) * 1e-4)  # a floating hand carries no carrier
_SLIDE_RANGE = (-2.0, 2.0)  # [m]


@dataclass(frozen=True)
class Joint:
    """What moves a body against its parent.

    Attributes:
        name: In the URDF.
        slides: Prismatic rather than revolute.
        axis: (3,) body frame.
        limits: Lowest and highest position [rad or m].
        mimic: Leader, multiplier, offset; None when driven.
    """

    name: str
    slides: bool
    axis: Array
    limits: tuple[float, float]
    mimic: tuple[str, float, float] | None


@dataclass(frozen=True)
class Body:
    """Links that fixed joints hold together, in the frame of the first of them.

    Attributes:
        name: Of the first link.
        parent: Index of another body; -1 for the root.
        parent_T_body: (4, 4) at joint position 0.
        joint: None for the root.
        shapes: Collision shapes.
        inertia: Mass [kg], centre (3,) [m], inertia about it (3, 3) [kg m^2].
        links: Their names.
    """

    name: str
    parent: int
    parent_T_body: Array
    joint: Joint | None
    shapes: tuple[CollisionShape, ...]
    inertia: tuple[float, Array, Array]
    links: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class BodyTree:
    """All bodies of a robot, parents first; the root is fixed.

    Attributes:
        bodies: Parents before children.
        joint_names: Driven joints (J,), in the order of postures.
    """

    bodies: tuple[Body, ...]
    joint_names: tuple[str, ...]

    @property
    def joints(self) -> dict[str, Joint]:
        """All joints by name."""
        return {body.joint.name: body.joint for body in self.bodies if body.joint is not None}

    def driver(self, joint_name: str) -> str:
        """The driven joint that a joint follows, itself when it is driven."""
        mimic = self.joints[joint_name].mimic
        return joint_name if mimic is None else self.driver(mimic[0])

    def on_slides(self) -> BodyTree:
        """The tree on three driven joints, `SLIDES`, along the axes of a fixed body in its place.

        Engines move the fixed body by jumps, without a velocity that friction could see; slides
        carry what they hold.
        """
        return _on_slides(self)

    def floating(self) -> BodyTree:
        """The tree on six driven joints along and about a fixed body's axes: `SLIDES`, `TURNS`.

        Turns are intrinsic: about x, then the new y, then the new z.
        """
        return _floating(self)

    def fingers(self) -> NDArray[np.int64]:
        """(bodies,) index of the finger that each body is part of, -1 for the palm.

        The palm is the first body on the way out from which more than one branch starts.
        """
        children = [[i for i, b in enumerate(self.bodies) if b.parent == p]
                    for p in range(len(self.bodies))]  # fmt: skip
        palm = 0
        while len(children[palm]) == 1:
            palm = children[palm][0]
        owner = np.full(len(self.bodies), -1)
        for finger, first in enumerate(children[palm]):
            owner[first] = finger
        for index in range(palm + 1, len(self.bodies)):
            parent = self.bodies[index].parent
            owner[index] = owner[parent] if owner[parent] >= 0 else owner[index]
        return owner

    def neighbours(self) -> set[tuple[int, int]]:
        """Pairs of bodies with nothing but joints between them."""
        pairs = set()
        for index, body in enumerate(self.bodies):
            parent = body.parent
            while parent >= 0:
                pairs.add((parent, index))
                if self.bodies[parent].shapes:
                    break
                parent = self.bodies[parent].parent
        return pairs

    def complete(self, driven: Array) -> dict[str, float]:
        """All joint positions from those of the driven ones (J,) in the order `joint_names`."""
        known = dict(zip(self.joint_names, driven.tolist(), strict=True))
        waiting = {j.name: j.mimic for j in self.joints.values() if j.mimic is not None}
        while waiting:
            ready = {name: mimic for name, mimic in waiting.items() if mimic[0] in known}
            for name, (leader, multiplier, offset) in ready.items():
                known[name] = multiplier * known[leader] + offset
                del waiting[name]
            if not ready:
                raise ConfigurationError(
                    f'joints {", ".join(waiting)} mimic joints that nobody drives'
                )
        return known


@lru_cache(maxsize=16)
def _on_slides(tree: BodyTree) -> BodyTree:
    slides = tuple((name, True, axis) for axis, name in enumerate(SLIDES))
    return _carried(tree, slides, _SLIDE_INERTIA)


@lru_cache(maxsize=16)
def _floating(tree: BodyTree) -> BodyTree:
    slides = tuple((name, True, axis) for axis, name in enumerate(SLIDES))
    turns = tuple((name, False, axis) for axis, name in enumerate(TURNS))
    return _carried(tree, (*slides, *turns), _LIGHT_INERTIA)


def _carried(
    tree: BodyTree,
    carriers: tuple[tuple[str, bool, int], ...],
    carrier: tuple[float, Array, Array],
) -> BodyTree:
    """The tree on a chain of joints: name, whether it slides, index of its axis."""
    first = Body('mount', -1, np.eye(4), None, (), carrier)
    added, last = [first], len(carriers) - 1
    for number, (name, slides, axis) in enumerate(carriers):
        limits = _SLIDE_RANGE if slides else (-np.inf, np.inf)
        joint = Joint(name, slides, np.eye(3)[axis], limits, None)
        carried = tree.bodies[0] if number == last else replace(first, name=f'{name}_body')
        inertia = tree.bodies[0].inertia if number == last else carrier
        added.append(replace(carried, parent=number, joint=joint, inertia=inertia))
    added += [replace(body, parent=body.parent + len(carriers)) for body in tree.bodies[1:]]
    return BodyTree(tuple(added), (*(name for name, _, _ in carriers), *tree.joint_names))
