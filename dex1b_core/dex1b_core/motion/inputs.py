"""What a motion is planned from, refused where it makes no sense."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode


def require_scaling(velocity_scaling: float) -> None:
    """Refuse what is no fraction of the arm's limits; raises INVALID_REQUEST."""
    if not 0 < velocity_scaling <= 1:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'velocity_scaling is {velocity_scaling}; expected more than 0, at most 1',
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
