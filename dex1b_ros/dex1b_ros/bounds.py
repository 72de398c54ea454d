"""How large requests may be: what is larger is refused before anything is done with it."""

from __future__ import annotations

from dex1b_core.errors import Dex1bError, ErrorCode

MAX_POINTS = 2_500_000
"""Of a cloud: an organised one of a camera with 1920 x 1080 pixels has 2 million."""
MAX_PIXELS = 25_000_000
MAX_OBJECT_POINTS = 200_000
MAX_SHAPES = 32
MAX_MESH_PARTS = 500_000
"""Vertices, and triangles, of a shape hypothesis."""
MAX_JOINTS = 128
MAX_CANDIDATES = 4096
"""In one message, or asked of the generator."""
MAX_EXECUTED = 256
"""Candidates to execute, of which one is."""
MAX_LIFT_M = 0.5
MAX_HOLD_S = 600.0
MAX_RETURNED = 64
MAX_FRAMES = 30
MAX_TIME_BUDGET_S = 600.0


def require_at_most(value: float, most: float, what: str) -> None:
    """Refuse a request that is too large.

    Args:
        value: A number or a size; NaN and negative ones are refused too.
        most: That are taken.
        what: In words, plural: 'candidates in the goal'.

    Raises:
        Dex1bError: INVALID_REQUEST.
    """
    if not 0 <= value <= most:
        raise Dex1bError(ErrorCode.INVALID_REQUEST, f'{value:g} {what}; at most {most:g} are taken')
