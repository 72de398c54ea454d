"""Straight lines of the hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.ik import ArmIk

Array = NDArray[np.float64]


def straight_line(
    ik: ArmIk,
    start: Array,
    base_T_start: Array,
    shift: ArrayLike,
    *,
    step: float,
    joint_jump: float,
) -> Array:
    """Arm path (K, A) that moves the hand by `shift` (3,) [m] without turning it.

    Args:
        ik: Inverse kinematics.
        start: (A,) arm positions at `base_T_start`.
        base_T_start: (4, 4) first pose of the hand's root link.
        shift: (3,) translation in the planning frame [m].
        step: Longest distance between path points [m].
        joint_jump: Largest change of a joint between path points [rad].

    Raises:
        Dex1bError: NO_PATH when the arm cannot follow; the message says how far it got.
    """
    offset = np.asarray(shift, dtype=float)
    length = float(np.linalg.norm(offset))
    count = max(2, int(np.ceil(length / step)) + 1)
    fractions = np.linspace(0.0, 1.0, count)
    targets = np.tile(base_T_start, (count - 1, 1, 1))
    targets[:, :3, 3] += fractions[1:, None] * offset

    def told(index: int, reason: str) -> str:
        return (
            f'on the straight line by {offset.round(3).tolist()} m the arm {reason} after '
            f'{1e3 * length * fractions[index]:.0f} of {1e3 * length:.0f} mm'
        )

    return follow(ik, start, targets, joint_jump=joint_jump, told=told)


def follow(
    ik: ArmIk,
    start: Array,
    targets: Array,
    *,
    joint_jump: float,
    told: Callable[[int, str], str],
) -> Array:
    """Arm path (1 + K, A) from `start` through poses of the hand, each near the one before.

    Args:
        ik: Inverse kinematics.
        start: (A,) arm positions.
        targets: (K, 4, 4) poses of the hand's root link, robot base frame.
        joint_jump: Largest change of a joint between path points [rad].
        told: The message, of the index of the pose that fails and why it does.

    Raises:
        Dex1bError: NO_PATH when the arm cannot follow.
    """
    path = [np.asarray(start, dtype=float)]
    for index, target in enumerate(targets):
        positions = ik.solve(target, path[-1])
        jump = np.inf if positions is None else np.abs(positions - path[-1]).max()
        if positions is None or jump > joint_jump:
            reason = 'has no solution' if positions is None else f'jumps by {jump:.2f} rad'
            raise Dex1bError(ErrorCode.NO_PATH, told(index, reason))
        path.append(positions)
    return np.array(path)
