"""A set of grasps with the shapes that its metrics look at, in the object's frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.solids import Solid, fuse
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel, HandPoints
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.grasp_judge import source_of
from dex1b_core.simulation.urdf_bodies import read_body_tree

Array = NDArray[np.float64]

_GAP = 1e-4  # [m] that convex decomposition leaves between parts


@dataclass(frozen=True, eq=False)
class PlacedGrasps:
    """N grasps in the posture `GraspSet.grasp`, object frame [m].

    Attributes:
        grasps: The set.
        hand: Its hand.
        tree: The hand's bodies, driven in the order of the set's joints.
        target: The object as one body; parts less than 0.1 mm apart are joined, which moves its
            surface by at most as much.
        object_T_links: (N, L, 4, 4) in the order of `hand.kinematics.link_names`, float32.
    """

    grasps: GraspSet
    hand: HandModel
    tree: BodyTree
    target: Solid
    object_T_links: torch.Tensor

    @classmethod
    def of(cls, grasps: GraspSet) -> Self:
        """Find the hand, join the object's parts, place the links.

        Raises:
            Dex1bError: the hand is unknown or another, or INVALID_REQUEST for grasps that are not
                finite.
        """
        if not (np.isfinite(grasps.object_T_hand).all() and np.isfinite(grasps.grasp).all()):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'grasps of {grasps.object} have poses or postures that are not finite; expected '
                'numbers: leave such grasps out',
            )
        source = source_of(grasps)
        hand = HandModel(load_hand(grasps.hand))
        order = [grasps.joint_names.index(joint) for joint in hand.kinematics.joint_names]
        posture = torch.as_tensor(grasps.grasp[:, order], dtype=torch.float32)
        pose = torch.as_tensor(grasps.object_T_hand, dtype=torch.float32)
        parts = [convex_part(part) for part in grasps.object_parts]
        return cls(
            grasps=grasps,
            hand=hand,
            tree=read_body_tree(source),
            target=fuse(parts, gap=_GAP)
            if len(parts) > 1
            else Solid(parts[0].vertices, parts[0].faces),
            object_T_links=pose[:, None] @ hand.kinematics.forward(posture),
        )

    def __len__(self) -> int:
        return len(self.grasps)

    def body_poses(self) -> Array:
        """(N, bodies, 4, 4) `object_T_body` in the order of `tree.bodies`."""
        names = self.hand.kinematics.link_names
        rows = [names.index(body.name) for body in self.tree.bodies]
        poses: Array = self.object_T_links[:, rows].double().numpy()
        return poses

    def place(self, points: HandPoints) -> Array:
        """(N, K, 3) of K points that are fixed to links [m]."""
        placed: Array = points.place(self.object_T_links).double().numpy()
        return placed
