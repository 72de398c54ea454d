"""How a hand's fingers move, sampled over random postures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.robots.hand_structure import HandStructure
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_tree import TreeJoint

Array = NDArray[np.float64]

SAMPLES = 2000  # postures from which motion is judged


class HandMotion:
    """A hand that can be moved, and what random postures show of it; frame of the root link.

    Attributes:
        draft: The hand, J driven joints and F fingers.
        structure: Its links and joints.
        fingers: Descriptions of the fingers in the order of the structure.
        lower, upper: (J,) limits [rad].
        tips, bases: (N, F, 3) where fingers end and begin at N random postures [m].
        axes: (N, F, 3) unit axes of the fingers' last joints at these postures.
        reach: (F,) farthest that a tip gets from its base [m].
    """

    def __init__(self, draft: HandDescription, structure: HandStructure) -> None:
        self.draft, self.structure = draft, structure
        self.fingers = tuple(draft.fingers.values())
        self._kinematics = HandKinematics(draft)
        self.lower: Array = self._kinematics.lower.double().numpy()
        self.upper: Array = self._kinematics.upper.double().numpy()
        random = np.random.default_rng(0)
        self._postures = random.uniform(self.lower, self.upper, (SAMPLES, len(self.lower)))
        self.tips, self.bases, self.axes = self.measure(self._postures)
        self.reach: Array = np.linalg.norm(self.tips - self.bases, axis=-1).max(axis=0)

    def column(self, joint: str) -> int:
        """Where a driven joint stands in postures."""
        return self.draft.joints.index(joint)

    def measure(self, postures: Array) -> tuple[Array, Array, Array]:
        """(N, F, 3) tips [m], bases [m] and axes of the last joints at (N, J) postures."""
        names = self._kinematics.link_names
        poses = self._poses(postures)
        tips = poses[:, [names.index(f.tip) for f in self.fingers]][..., :3, 3]
        firsts = [chain.joints[0].child for chain in self.structure.fingers]
        bases = poses[:, [names.index(link) for link in firsts]][..., :3, 3]
        lasts = [chain.joints[-1] for chain in self.structure.fingers]
        axes = [self._axis(joint, poses) for joint in lasts]
        return tips, bases, np.stack(axes, axis=1)

    def parallelism(self) -> list[dict[str, float]]:
        """For each finger, the mean |cosine| between each of its joints' axes and the last one."""
        poses = self._poses(self._postures)
        found = []
        for chain in self.structure.fingers:
            reference = self._axis(chain.joints[-1], poses)
            found.append({
                joint.name: float(
                    np.abs((self._axis(joint, poses) * reference).sum(axis=1)).mean()
                )
                for joint in chain.joints
            })  # fmt: skip
        return found

    def _poses(self, postures: Array) -> Array:
        """(N, L, 4, 4) link poses at (N, J) postures."""
        poses = self._kinematics.forward(torch.tensor(postures, dtype=torch.float32))
        result: Array = poses.double().numpy()
        return result

    def _axis(self, joint: TreeJoint, poses: Array) -> Array:
        """(N, 3) axis of a joint at (N, L, 4, 4) link poses."""
        link = self._kinematics.link_names.index(joint.child)
        axis: Array = poses[:, link, :3, :3] @ joint.axis
        return axis


def unit(vectors: Array) -> Array:
    """(..., 3) of length 1; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Array = vectors / np.maximum(lengths, 1e-12)
    return result
