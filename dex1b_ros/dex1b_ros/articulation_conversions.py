"""Between ArticulationModel and a joint of the library, in one frame."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_msgs.msg import ArticulationModel
from dex1b_ros import conversions

Array = NDArray[np.float64]

KINDS = {ArticulationModel.REVOLUTE: 'revolute', ArticulationModel.PRISMATIC: 'prismatic'}
_NAMES = 'UNKNOWN=0, REVOLUTE=1, PRISMATIC=2'
_UNIT = 1e-3  # by which the length of an axis may differ from 1


def joint(message: ArticulationModel, planning_T_frame: Array) -> ObjectJoint:
    """The joint in the planning frame, its position 0 where the part is now.

    Args:
        message: Limits and position count as its owner likes.
        planning_T_frame: (4, 4) of the frame in the message's header.

    Raises:
        Dex1bError: INVALID_REQUEST for an unknown type, an axis that is no unit vector, limits
            that are none, or a position beyond them.
    """
    axis, origin = conversions.vector(message.axis), conversions.vector(message.origin)
    lower, upper, position = message.lower, message.upper, message.position
    if message.type not in KINDS:
        raise _invalid(f'type is {message.type}; expected one of {_NAMES}')
    length = float(np.linalg.norm(axis))
    if not abs(length - 1.0) < _UNIT:
        raise _invalid(f'axis {axis.tolist()} has length {length:.3f}; expected a unit vector')
    if not np.isfinite(origin).all():
        raise _invalid(f'origin {origin.tolist()}; expected a finite point [m]')
    if not (np.isfinite([lower, upper, position]).all() and lower < upper):
        raise _invalid(
            f'limits {lower} to {upper}, position {position}; expected finite ones, lower < upper'
        )
    slack = 0.01 * (upper - lower)
    if not lower - slack <= position <= upper + slack:
        raise _invalid(f'position {position:.4f} lies outside the limits {lower} to {upper}')
    turn = planning_T_frame[:3, :3]
    return ObjectJoint(
        'revolute' if message.type == ArticulationModel.REVOLUTE else 'prismatic',
        turn @ axis / length,
        turn @ origin + planning_T_frame[:3, 3],
        min(lower - position, 0.0),
        max(upper - position, 0.0),
    )


def model_msg(joint: ObjectJoint, header: Header) -> ArticulationModel:
    """A joint whose position is 0 now, as a message."""
    kind = ArticulationModel.PRISMATIC if joint.slides else ArticulationModel.REVOLUTE
    x, y, z = joint.origin.tolist()
    return ArticulationModel(
        header=header,
        type=kind,
        origin=Point(x=x, y=y, z=z),
        axis=conversions.vector_msg(joint.axis),
        lower=float(joint.lower),
        upper=float(joint.upper),
        position=0.0,
    )


def _invalid(what: str) -> Dex1bError:
    return Dex1bError(ErrorCode.INVALID_REQUEST, f'articulation model: {what}')
