"""What a motion is planned from, refused where it makes no sense."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.object_joint import ObjectJoint

_ROUNDING = 1e-6  # [rad or m]


def require_scaling(velocity_scaling: float) -> None:
    """Refuse what is no fraction of the arm's limits; raises INVALID_REQUEST."""
    if not 0 < velocity_scaling <= 1:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'velocity_scaling is {velocity_scaling}; expected more than 0, at most 1',
        )


def require_displacement(joint: ObjectJoint, displacement: float) -> None:
    """Refuse to lead a part nowhere or beyond its joint's limits; raises INVALID_REQUEST."""
    lower, upper = joint.lower - _ROUNDING, joint.upper + _ROUNDING
    if displacement == 0 or not lower <= displacement <= upper:  # NaN is nowhere between
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'displacement is {displacement} {"m" if joint.slides else "rad"}; expected one other '
            f'than 0 from {joint.lower:.4f} to {joint.upper:.4f}, what the joint has left',
        )


def named_vector(
    positions: Mapping[str, float], names: tuple[str, ...], what: str
) -> NDArray[np.float64]:
    """Named positions in the order of `names`; raises INVALID_REQUEST when one is missing."""
    missing = [name for name in names if name not in positions]
    if missing:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{what} lacks joints {missing}; expected {list(names)}'
        )
    vector = np.array([positions[name] for name in names], dtype=float)
    if not np.isfinite(vector).all():
        raise Dex1bError(ErrorCode.INVALID_REQUEST, f'{what} is not finite: {vector.tolist()}')
    return vector
