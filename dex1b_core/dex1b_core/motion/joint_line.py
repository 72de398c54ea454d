"""The way of a hand that moves as an object's part does: about a hinge, along a slide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.cartesian import follow
from dex1b_core.motion.ik import ArmIk
from dex1b_core.simulation.object_joint import ObjectJoint

Array = NDArray[np.float64]

TURN_STEP = 0.04  # [rad] between path points


def joint_line(
    ik: ArmIk,
    start: Array,
    base_T_start: Array,
    joint: ObjectJoint,
    displacement: float,
    *,
    step: float,
    joint_jump: float,
) -> Array:
    """Arm path (K, A) that leads the hand along a joint, from 0, with the hold that it has.

    Args:
        ik: Inverse kinematics.
        start: (A,) arm positions at `base_T_start`.
        base_T_start: (4, 4) first pose of the hand's root link.
        joint: Planning frame.
        displacement: [rad or m].
        step: Longest distance between path points [m].
        joint_jump: Largest change of a joint between path points [rad].

    Raises:
        Dex1bError: NO_PATH when the arm cannot follow; the message says how far it got.
    """
    unit = 'm' if joint.slides else 'rad'
    positions = joint_positions(joint, base_T_start, displacement, step)
    targets = np.array([joint.motion(position) @ base_T_start for position in positions[1:]])

    def told(index: int, reason: str) -> str:
        return (
            f"along the part's joint the arm {reason} after {positions[index]:.3f} of "
            f'{displacement:.3f} {unit}; ask for less, or move the object'
        )

    return follow(ik, start, targets, joint_jump=joint_jump, told=told)


def joint_positions(
    joint: ObjectJoint, base_T_start: Array, displacement: float, step: float
) -> Array:
    """(K,) from 0 to the displacement, close enough together for a path [rad or m]."""
    way = abs(displacement) * joint.reach(base_T_start[:3, 3])
    turn = 0.0 if joint.slides else abs(displacement)
    count = max(2, int(np.ceil(max(way / step, turn / TURN_STEP))) + 1)
    return np.linspace(0.0, displacement, count)
