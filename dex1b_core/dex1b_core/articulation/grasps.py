"""Grasps of a moving part, and where they lead the hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject

KEY_FRAMES = 8


@dataclass(frozen=True, eq=False)
class ArticulationGrasps:
    """N grasps of one object where its joint starts, best first; object frame.

    Attributes:
        hand: Its key or file.
        joint_names: J driven joints, in the order of postures.
        object_T_hand: (N, 4, 4) of the hand's root link.
        pregrasp, grasp, squeeze: (N, J) before contact, at it, and the command that presses [rad].
        retreat: (N, 3) unit direction in which the open hand leaves, and against which it comes.
        score: (N,) predicted probability of moving the joint.
        features: (N, K) what the prediction is made of.
    """

    hand: str
    joint_names: tuple[str, ...]
    object_T_hand: Array
    pregrasp: Array
    grasp: Array
    squeeze: Array
    retreat: Array
    score: Array
    features: Array

    def __len__(self) -> int:
        return len(self.score)

    def select(self, rows: NDArray[np.int64]) -> ArticulationGrasps:
        """Those with these indices."""
        names = ('object_T_hand', 'pregrasp', 'grasp', 'squeeze', 'retreat', 'score', 'features')
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def best(self, count: int) -> ArticulationGrasps:
        """The first `count` by score."""
        return self.select(np.argsort(-self.score, kind='stable')[:count])


def key_frames(
    target: ArticulatedObject, object_T_hand: Array, displacement: float, count: int = KEY_FRAMES
) -> Array:
    """(count, 4, 4) poses of a hand that moves with the part, from where it holds it.

    The hand keeps its contacts when it moves as the part does: about the hinge, along the slide.

    Args:
        target: The object.
        object_T_hand: (4, 4) at the start.
        displacement: Of the joint from its start to the last key frame [rad or m].
        count: 2 or more, evenly spaced.
    """
    positions = target.start + displacement * np.linspace(0.0, 1.0, count)
    return np.stack([target.motion(position) @ object_T_hand for position in positions])
