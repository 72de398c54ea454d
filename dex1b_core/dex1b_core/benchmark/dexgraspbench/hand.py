"""A hand as DexGraspBench knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.body_tree import BodyTree

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BenchHand:
    """How a posture of ours becomes a `*_qpos` of theirs, and back.

    A `*_qpos` is x, y, z [m] and a quaternion w, x, y, z of the hand's base, then all joints [rad],
    followers of others included, in the order in which the bodies of the hand's MJCF stand.

    Attributes:
        key: Name of the hand here; `GraspSet.hand`.
        config: Name of the hand there; `hand=NAME` selects config/hand/NAME.yaml.
        joint_names: (J,) driven joints.
        slope: (Q, J) joints of theirs per driven joint.
        offset: (Q,) joints of theirs with all driven joints at 0 [rad].
        base_T_root: (4, 4) the root link in the frame that they place.
    """

    key: str
    config: str
    joint_names: tuple[str, ...]
    slope: Array
    offset: Array
    base_T_root: Array

    @classmethod
    def of_tree(cls, key: str, config: str, tree: BodyTree) -> BenchHand:
        """Of an MJCF with the bodies of a tree."""
        order = [body.joint.name for body in tree.bodies if body.joint is not None]
        at_zero = tree.complete(np.zeros(len(tree.joint_names)))
        offset = np.array([at_zero[name] for name in order])
        columns = [tree.complete(unit) for unit in np.eye(len(tree.joint_names))]
        slope = np.array([[column[name] for column in columns] for name in order])
        return cls(key, config, tree.joint_names, slope - offset[:, None], offset, np.eye(4))

    def joints_of(self, driven: Array, joint_names: Sequence[str]) -> Array:
        """(N, Q) of theirs from driven ones (N, J) in the order of `joint_names` [rad].

        Raises:
            Dex1bError: INVALID_REQUEST when they are another hand's.
        """
        if set(joint_names) != set(self.joint_names):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"grasps move {', '.join(joint_names)}; hand '{self.config}' of the benchmark "
                f'has {", ".join(self.joint_names)}',
            )
        order = [list(joint_names).index(name) for name in self.joint_names]
        joints: Array = driven[:, order] @ self.slope.T + self.offset
        return joints

    def driven_of(self, joints: Array) -> Array:
        """(N, J) driven joints from all of theirs (N, Q) [rad]."""
        unit = (np.count_nonzero(self.slope, axis=1) == 1) & (self.offset == 0.0)
        rows = [int(np.argmax(unit & (column == 1.0))) for column in self.slope.T]
        driven: Array = joints[:, rows]
        return driven


def _published(
    key: str, config: str, joint_names: Sequence[str], quaternion: Sequence[float]
) -> BenchHand:
    """A hand whose root body there is our root link, turned by a quaternion w, x, y, z."""
    from scipy.spatial.transform import Rotation

    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
    count = len(joint_names)
    return BenchHand(key, config, tuple(joint_names), np.eye(count), np.zeros(count), pose)


# its assets/hand/allegro/right_hand.xml: ff, mf, rf, th; the palm body is turned in the base
PUBLISHED_HANDS = {
    'allegro_right': _published(
        'allegro_right', 'allegro', [f'joint_{i}.0' for i in range(16)], (0.0, 1.0, 0.0, 1.0)
    ),
}
