"""A physics scene whose robot has an arm."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

from dex1b_core.robots.description import CollisionSettings
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.scene_description import SceneDescription


@dataclass(frozen=True, eq=False)
class ArmScene(SceneDescription):
    """As its base; the hull of an arm's link is fatter than the link, and some have to pass.

    Attributes:
        passing: Pairs of bodies, lower index first, that never collide, beside those that overlap
            by design.
    """

    passing: frozenset[tuple[int, int]] = frozenset()

    @cached_property
    def no_contact(self) -> frozenset[tuple[int, int]]:
        """See `SceneDescription`."""
        return super().no_contact | self.passing


def passing_bodies(
    tree: BodyTree, collision: CollisionSettings, hand_links: Collection[str] = ()
) -> frozenset[tuple[int, int]]:
    """Pairs of bodies, lower index first, with links that never collide.

    Args:
        tree: The robot.
        collision: Its groups of such links.
        hand_links: Links of the hand, if what is inside it shall be left out.
    """
    return frozenset(
        (one, other)
        for one, other in combinations(range(len(tree.bodies)), 2)
        for a, b in product(tree.bodies[one].links, tree.bodies[other].links)
        if collision.disabled(a, b) and not (a in hand_links and b in hand_links)
    )
