"""The joint by which a door, drawer, knob or lid hangs on what does not move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform

Array = NDArray[np.float64]

_UNIT_TOLERANCE = 1e-6
_OVERSHOOT = 1e-2  # [rad or m] by which limits yield in engines


@dataclass(frozen=True, eq=False)
class ObjectJoint:
    """One degree of freedom of an object's moving part against its fixed base.

    Attributes:
        kind: Turns about the axis or slides along it.
        axis: (3,) unit vector, object frame.
        origin: (3,) a point of the axis [m], object frame.
        lower, upper: Limits [rad or m]; at 0 the parts lie as the object's shapes have them.
        friction: Constant effort against motion (Coulomb), at rest as well [N m or N].
        damping: Viscous [N m s/rad or N s/m].
        stiffness: Of a spring towards 0 [N m/rad or N/m].

    Raises:
        Dex1bError: INVALID_CONFIGURATION, naming what is wrong.
    """

    kind: Literal['revolute', 'prismatic']
    axis: Array
    origin: Array
    lower: float
    upper: float
    friction: float = 0.0
    damping: float = 0.0
    stiffness: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ('revolute', 'prismatic'):
            raise ConfigurationError(
                f"a joint of kind '{self.kind}'; expected revolute or prismatic"
            )
        if np.shape(self.axis) != (3,) or not abs(np.linalg.norm(self.axis) - 1) < _UNIT_TOLERANCE:
            raise ConfigurationError(f'joint axis {self.axis}; expected a unit vector (3,)')
        if np.shape(self.origin) != (3,) or not np.isfinite(self.origin).all():
            raise ConfigurationError(f'joint origin {self.origin}; expected a point (3,) [m]')
        if not -np.inf < self.lower < self.upper < np.inf:
            raise ConfigurationError(
                f'joint limits {self.lower} and {self.upper}; expected finite ones, lower < upper'
            )
        for name in ('friction', 'damping', 'stiffness'):
            value = getattr(self, name)
            if not 0.0 <= value < np.inf:
                raise ConfigurationError(f'joint {name} {value}; expected 0 or more, finite')

    @property
    def slides(self) -> bool:
        """Prismatic rather than revolute."""
        return self.kind == 'prismatic'

    def motion(self, position: float) -> Array:
        """`base_T_part` (4, 4) at a position [rad or m]; the identity at 0."""
        if self.slides:
            return make_transform(np.eye(3), position * self.axis)
        turn = Rotation.from_rotvec(position * self.axis).as_matrix()
        return make_transform(turn, self.origin - turn @ self.origin)

    def reach(self, point: Array) -> float:
        """Speed [m/s] of a point (3,) of the moving part when the joint moves at 1 rad/s or m/s."""
        if self.slides:
            return 1.0
        return float(np.linalg.norm(np.cross(self.axis, point - self.origin)))


def check_position(joint: ObjectJoint | None, position: float) -> None:
    """Refuse positions [rad or m] at which no object can be placed.

    Raises:
        Dex1bError: INVALID_REQUEST for one beyond the limits, or other than 0 without a joint.
    """
    if joint is None:
        if position != 0.0:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'a free object has no joint to be put at {position}; expected 0',
            )
    elif not joint.lower - _OVERSHOOT <= position <= joint.upper + _OVERSHOOT:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"the object's joint at {position}; expected {joint.lower} to {joint.upper}",
        )
