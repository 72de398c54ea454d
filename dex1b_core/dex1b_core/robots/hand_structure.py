"""Palm, fingers and their joints, read off the tree of a hand's links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.link_tree import LinkTree, TreeJoint

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FingerChain:
    """Joints and links of one finger.

    Attributes:
        joints: Moving joints from the palm outwards, mimic joints included.
        links: Links that these joints carry on the way to the tip, from the palm outwards.
        distal: The last of them: what moves with the last joint.
    """

    joints: tuple[TreeJoint, ...]
    links: tuple[str, ...]
    distal: tuple[str, ...]

    @property
    def name(self) -> str:
        """What names its links and joints have in common with other hands' fingers."""
        return ' '.join((*self.links, *(joint.name for joint in self.joints))).lower()


@dataclass(frozen=True)
class HandStructure:
    """A palm with fingers.

    Attributes:
        tree: All links.
        palm: The last link before the fingers branch.
        fingers: In the order of the file.
    """

    tree: LinkTree
    palm: str
    fingers: tuple[FingerChain, ...]

    def poses(self, positions: Mapping[str, float]) -> dict[str, Array]:
        """palm_T_link (4, 4) of every link at positions of the driven joints [rad or m]."""
        poses = self.tree.link_poses(self.tree.complete(positions))
        inverse = np.linalg.inv(poses[self.palm])
        return {link: inverse @ pose for link, pose in poses.items()}


def find_structure(tree: LinkTree, root: str | None, with_geometry: set[str]) -> HandStructure:
    """Find the palm and the fingers.

    Rigidly connected links count as one body. Below `root`, the first body from which more than
    one chain of moving joints leads to collision geometry is the palm; each chain to a body
    without further joints is a finger.

    Args:
        tree: All links of the file.
        root: Where the hand begins; None for the whole file.
        with_geometry: Links that have collision geometry.

    Raises:
        ConfigurationError: no moving joints, no fingers, or an unknown root.
    """
    links = tree.links
    if root is not None and root not in links:
        raise ConfigurationError(
            f"root link '{root}' is not in the file; links are: {', '.join(sorted(links))}"
        )
    bodies = _Bodies(tree, with_geometry)
    top = tree.root if root is None else root
    body = bodies.of[top]
    if not bodies.branches(body):
        where = 'it' if root is None else f"what is below '{root}'"
        raise ConfigurationError(
            f'{where} has no movable joints that carry collision geometry: not a hand; movable '
            f'joints are: {", ".join(tree.movable) or "none"}'
        )
    while len(branches := bodies.branches(body)) == 1:
        if not bodies.branches(bodies.of[branches[0].child]):
            break  # a single finger
        body = bodies.of[branches[0].child]
    fingers = [chain for joint in bodies.branches(body) for chain in bodies.chains(joint, ())]
    used: set[str] = set()
    shared: list[FingerChain] = []
    for chain in fingers:  # joints before a fork belong to the first finger behind them
        keep = [joint for joint in chain.joints if joint.name not in used]
        used |= {joint.name for joint in keep}
        shared.append(FingerChain(tuple(keep), chain.links, chain.distal))
    palm = bodies.deepest_common([joint.parent for joint in bodies.branches(body)], body)
    return HandStructure(tree, palm, tuple(shared))


class _Bodies:
    """Rigidly connected links, each body named after its first link."""

    def __init__(self, tree: LinkTree, with_geometry: set[str]) -> None:
        self.tree = tree
        self.with_geometry = with_geometry
        self.of = {tree.root: tree.root}
        self.links: dict[str, list[str]] = {tree.root: [tree.root]}
        self._parent = {joint.child: joint for joint in tree.joints}
        for joint in tree.joints:
            body = self.of[joint.parent] if joint.kind == 'fixed' else joint.child
            self.of[joint.child] = body
            self.links.setdefault(body, []).append(joint.child)

    def branches(self, body: str) -> list[TreeJoint]:
        """Moving joints on a body behind which there is collision geometry."""
        return [
            joint
            for joint in self.tree.joints
            if joint.kind != 'fixed'
            and self.of[joint.parent] == body
            and self._carries_geometry(joint.child)
        ]

    def _carries_geometry(self, body: str) -> bool:
        if self.with_geometry & set(self.links[body]):
            return True
        return any(
            self._carries_geometry(joint.child)
            for joint in self.tree.joints
            if joint.kind != 'fixed' and self.of[joint.parent] == body
        )

    def chains(self, joint: TreeJoint, before: tuple[TreeJoint, ...]) -> list[FingerChain]:
        """Every way from a joint to a last body."""
        joints = (*before, joint)
        further = self.branches(joint.child)
        if further:
            return [chain for child in further for chain in self.chains(child, joints)]
        links = tuple(
            link
            for passed in joints
            for link in self.links[passed.child]
            if link in self.with_geometry or link == passed.child
        )
        return [FingerChain(joints, links, tuple(self.links[joint.child]))]

    def deepest_common(self, links: list[str], body: str) -> str:
        """The link nearest to all of these links of one body on their ways from its first link."""
        ways = []
        for link in links:
            way = [link]
            while way[-1] != body:
                way.append(self._parent[way[-1]].parent)
            ways.append(way[::-1])
        common = body
        for step in zip(*ways, strict=False):
            if len(set(step)) > 1:
                break
            common = step[0]
        return common
