"""Batched differentiable kinematics of a hand, mimic joints included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry.batch_last import cross
from dex1b_core.geometry.device import moved
from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.robots.link_tree import LinkTree, TreeJoint

Array = NDArray[np.float64]


class HandKinematics:
    """Kinematics below a hand's root link.

    A frame moves with each joint, frame 0 with the root link; what hangs on fixed joints is part
    of the frame that carries it. Tensors of the inner interface have the batch last: operations
    then run along contiguous memory, which is several times faster on a CPU.

    Attributes:
        joint_names: Driven joints; J of them.
        lower: (J,) lower limits [rad], such that mimic joints stay within theirs.
        upper: (J,) upper limits [rad].
        link_names: Links; L of them, the root link first.
        all_joint_names: Every moving joint, mimic joints included; M of them.
        link_frames: (L,) frame that carries each link.
        frame_T_link: (L, 4, 4) pose of each link in that frame.
    """

    def __init__(self, hand: HandDescription) -> None:
        joints = _below(LinkTree.from_urdf(hand.urdf_path), hand)
        moving = _by_depth([joint for joint in joints if joint.kind != 'fixed'], joints)
        self.joint_names: tuple[str, ...] = hand.joints
        self.all_joint_names = tuple(joint.name for joint in moving)
        self._matrix, self._offset = _mimic_map(moving, list(hand.joints), hand)
        self.lower, self.upper = _driven_limits(moving, self._matrix, self._offset)
        carriers = _carriers(hand.root_link, joints, self.all_joint_names)
        self.link_names: tuple[str, ...] = tuple(carriers)
        self.link_frames = torch.tensor([frame for frame, _ in carriers.values()])
        self.frame_T_link = _tensor([pose for _, pose in carriers.values()])
        self._chain = _Chain.build(moving, carriers)

    def to(self, device: torch.device | str) -> HandKinematics:
        """The same on another device."""
        return moved(self, device)

    def all_joints(self, driven: torch.Tensor) -> torch.Tensor:
        """Positions [rad] (B, M) of every moving joint from (B, J) of the driven ones."""
        return driven @ self._matrix.T + self._offset

    def frame_columns(
        self, driven: torch.Tensor, rotation: torch.Tensor, translation: torch.Tensor
    ) -> torch.Tensor:
        """Poses of the frames where the root link's pose is given; differentiable.

        Args:
            driven: (J, B) driven joints [rad].
            rotation: (3, 3, B) of the root link. Its derivative is that along rotations: what
                would deform the matrix is left out.
            translation: (3, B) of the root link [m].

        Returns:
            (M + 1, 4, 3, B): of each frame the three columns of its rotation and its origin [m].
        """
        positions = torch.addmm(self._offset[:, None], self._matrix, driven)
        root = torch.cat([rotation.transpose(0, 1), translation[None]])
        return _Forward.apply(positions, root, self._chain)  # type: ignore[no-untyped-call, no-any-return]

    def jacobian(
        self, columns: torch.Tensor, frames: torch.Tensor, points: torch.Tensor
    ) -> torch.Tensor:
        """Motion of points with the driven joints.

        Args:
            columns: (M + 1, 4, 3, B) from `frame_columns`.
            frames: (n, B) frame that carries each point.
            points: (n, 3, B) in the same frame as `columns` [m].

        Returns:
            (n, 3, J, B) [m/rad].
        """
        chain = self._chain
        axes, slides = chain.directions(columns)
        arms = points[:, None] - columns[None, 1:, 3]
        motion = cross(axes.expand_as(arms), arms) + slides
        carried = chain.carries[1:][:, frames].transpose(0, 1)
        return torch.einsum('nmib,mj->nijb', motion * carried[:, :, None], self._matrix)

    def forward(self, driven: torch.Tensor) -> torch.Tensor:
        """Link poses.

        Args:
            driven: (B, J) driven joints [rad].

        Returns:
            (B, L, 4, 4) `root_T_link`, in the order of `link_names`.
        """
        batch = len(driven)
        identity = torch.eye(3, device=driven.device)[..., None].expand(3, 3, batch)
        columns = self.frame_columns(driven.T, identity, torch.zeros_like(identity[0]))
        bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], device=driven.device).view(1, 4, 1, 1)
        matrices = torch.cat([columns, bottom.expand(len(columns), 4, 1, batch)], dim=2)
        return matrices.permute(3, 0, 2, 1)[:, self.link_frames] @ self.frame_T_link


@dataclass(frozen=True)
class _Chain:
    """Moving joints, parents first; frame i + 1 belongs to joint i.

    Attributes:
        levels: Slices of joints of equal depth, with their parents' frames.
        local: (M, 12, 4) the joint's motion in its parent frame: rows are a 3x4 pose, columns
            the factors of 1, sin q, cos q and q.
        axis: (M, 1, 3) of rotation in the joint's frame; zero for prismatic joints.
        slide: (M, 1, 3) of translation in the joint's frame; zero for revolute joints.
        carries: (M + 1, M + 1), 1 where a frame carries another or is it.
    """

    levels: tuple[tuple[slice, torch.Tensor], ...]
    local: torch.Tensor
    axis: torch.Tensor
    slide: torch.Tensor
    carries: torch.Tensor

    @classmethod
    def build(cls, moving: list[TreeJoint], carriers: dict[str, tuple[int, Array]]) -> _Chain:
        parents, depths, local = [], [0], []
        carries = torch.eye(len(moving) + 1)
        for row, joint in enumerate(moving):
            frame, pose = carriers[joint.parent]
            parents.append(frame)
            depths.append(depths[frame] + 1)
            carries[:, row + 1] += carries[:, frame]
            local.append(_local_motion(joint, pose @ joint.parent_T_joint))
        levels = []
        for depth in range(1, max(depths) + 1):
            rows = [row for row, value in enumerate(depths[1:]) if value == depth]
            of_level = slice(rows[0], rows[-1] + 1)
            levels.append((of_level, torch.tensor(parents[of_level])))
        slides = [joint.kind == 'prismatic' for joint in moving]
        axes = np.array([joint.axis for joint in moving])[:, None]
        along = np.array(slides)[:, None, None]
        return cls(tuple(levels), _tensor(local), _tensor(axes * ~along), _tensor(axes * along),
                   carries)  # fmt: skip

    def directions(self, columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(M, 3, B) axes of revolute joints and directions of prismatic ones; others are zero."""
        turns = columns[1:, :3].flatten(2)
        axes, slides = torch.bmm(self.axis, turns), torch.bmm(self.slide, turns)
        return axes.view(columns[1:, 3].shape), slides.view(columns[1:, 3].shape)


def _local_motion(joint: TreeJoint, origin: Array) -> Array:
    """(12, 4) factors of 1, sin q, cos q and q in the joint's pose (3, 4) in its parent frame."""
    turn, axis = origin[:3, :3], joint.axis
    factors = np.zeros((3, 4, 4))
    factors[:, 3, 0] = origin[:3, 3]
    if joint.kind == 'prismatic':
        factors[:, :3, 0] = turn
        factors[:, 3, 3] = turn @ axis
    else:
        along = np.outer(axis, axis)
        factors[:, :3, 0] = turn @ along
        factors[:, :3, 1] = turn @ np.cross(np.eye(3), axis)
        factors[:, :3, 2] = turn @ (np.eye(3) - along)
    return factors.reshape(12, 4)


class _Forward(torch.autograd.Function):
    """Frames of a chain; the derivative applies the geometric Jacobian's transpose."""

    @staticmethod
    def forward(
        ctx: Any, positions: torch.Tensor, root: torch.Tensor, chain: _Chain
    ) -> torch.Tensor:
        ones = torch.ones_like(positions)
        factors = torch.stack([ones, positions.sin(), positions.cos(), positions], dim=1)
        local = torch.bmm(chain.local, factors).view(len(positions), 3, 4, positions.shape[1])
        columns = positions.new_empty(len(positions) + 1, 4, 3, positions.shape[1])
        columns[0] = root
        for rows, parents in chain.levels:
            parent, own = columns[parents], local[rows]
            moved = parent[:, 0, None] * own[:, 0, :, None]
            moved.addcmul_(parent[:, 1, None], own[:, 1, :, None])
            moved.addcmul_(parent[:, 2, None], own[:, 2, :, None])
            moved[:, 3] += parent[:, 3]
            columns[rows.start + 1 : rows.stop + 1] = moved
        ctx.save_for_backward(columns)
        ctx.chain = chain
        return columns

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        (columns,), (on_columns,), chain = ctx.saved_tensors, gradients, ctx.chain
        frames, _, _, batch = columns.shape
        force, torque = on_columns[:, 3], cross(columns, on_columns).sum(dim=1)
        carried = chain.carries @ torch.stack([force, torque], dim=1).view(frames, 6 * batch)
        force, torque = carried.view(frames, 2, 3, batch).unbind(dim=1)
        torque = torque - cross(columns[:, 3], force)
        axes, slides = chain.directions(columns)
        on_positions = (axes * torque[1:]).addcmul_(slides, force[1:]).sum(dim=1)
        on_rotation = 0.5 * cross(torque[0].expand(3, 3, batch), columns[0, :3])
        return on_positions, torch.cat([on_rotation, force[:1]]), None


def _below(tree: LinkTree, hand: HandDescription) -> list[TreeJoint]:
    """Joints below the hand's root link, parents first.

    Raises:
        ConfigurationError: the description names links or joints that are not there.
    """
    links = {hand.root_link}
    joints = []
    for joint in tree.joints:
        if joint.parent in links:
            joints.append(joint)
            links.add(joint.child)
    every_link = {tree.root, *(joint.child for joint in tree.joints)}
    _require([hand.root_link], every_link, 'link', hand)
    named = [hand.palm.link]
    named += [link for finger in hand.fingers.values() for link in (*finger.links, finger.tip)]
    _require(named, links, 'link', hand)
    _require(list(hand.joints), {joint.name for joint in joints}, 'joint', hand)
    return joints


def _require(names: list[str], known: set[str], kind: str, hand: HandDescription) -> None:
    missing = sorted(set(names) - known)
    if missing:
        raise ConfigurationError(
            f"hand '{hand.key}': {kind}s {missing} are not below '{hand.root_link}' in "
            f'{hand.urdf}; known are: {", ".join(sorted(known))}'
        )


def _by_depth(moving: list[TreeJoint], joints: list[TreeJoint]) -> list[TreeJoint]:
    """Moving joints sorted by the number of moving joints above them."""
    depths: dict[str, int] = {}
    for joint in joints:
        depths[joint.child] = depths.get(joint.parent, 0) + (joint.kind != 'fixed')
    return sorted(moving, key=lambda joint: depths[joint.child])


def _carriers(
    root: str, joints: list[TreeJoint], moving: tuple[str, ...]
) -> dict[str, tuple[int, Array]]:
    """For each link the frame that carries it and its pose there."""
    carriers = {root: (0, np.eye(4))}
    for joint in joints:
        frame, pose = carriers[joint.parent]
        carriers[joint.child] = (
            (frame, pose @ joint.parent_T_joint)
            if joint.kind == 'fixed'
            else (moving.index(joint.name) + 1, np.eye(4))
        )
    return carriers


def _mimic_map(
    moving: list[TreeJoint], driven: list[str], hand: HandDescription
) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrix (M, J) and offset (M,) with all = matrix @ driven + offset."""
    joints = {joint.name: joint for joint in moving}
    matrix, offset = torch.zeros(len(moving), len(driven)), torch.zeros(len(moving))
    for row, joint in enumerate(moving):
        factor, shift, leader, passed = 1.0, 0.0, joint, {joint.name}
        while leader.name not in driven:
            name, multiplier, constant = leader.mimic or ('', 0.0, 0.0)
            if name not in joints or name in passed:
                raise ConfigurationError(
                    f"hand '{hand.key}': joint '{joint.name}' is neither driven nor mimics a "
                    f'driven joint; driven are: {", ".join(driven)}'
                )
            shift += factor * constant
            factor *= multiplier
            leader = joints[name]
            passed.add(name)
        matrix[row, driven.index(leader.name)] = factor
        offset[row] = shift
    return matrix, offset


def _driven_limits(
    moving: list[TreeJoint], matrix: torch.Tensor, offset: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    lower = torch.full((matrix.shape[1],), -torch.inf)
    upper = torch.full((matrix.shape[1],), torch.inf)
    for row, joint in enumerate(moving):
        column = int(matrix[row].abs().argmax())
        factor = float(matrix[row, column])
        ends = [(limit - float(offset[row])) / factor for limit in joint.limits]
        lower[column] = max(float(lower[column]), min(ends))
        upper[column] = min(float(upper[column]), max(ends))
    return lower, upper


def _tensor(values: Any) -> torch.Tensor:
    return torch.as_tensor(np.array(values), dtype=torch.float32)
