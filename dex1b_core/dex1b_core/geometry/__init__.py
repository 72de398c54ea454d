"""Transforms, planes, boxes, distances."""

from dex1b_core.geometry.box import OrientedBox
from dex1b_core.geometry.plane import Plane
from dex1b_core.geometry.transforms import (
    from_rpy,
    from_xyzw,
    invert,
    look_at,
    make_transform,
    to_xyzw,
    transform_points,
)

__all__ = [
    'OrientedBox',
    'Plane',
    'from_rpy',
    'from_xyzw',
    'invert',
    'look_at',
    'make_transform',
    'to_xyzw',
    'transform_points',
]
