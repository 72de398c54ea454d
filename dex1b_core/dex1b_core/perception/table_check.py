"""Whether a calibrated camera sees the table where it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception.frames import DepthFrame
from dex1b_core.perception.settings import PerceptionSettings
from dex1b_core.perception.support import find_support_plane, plane_noise

EVERY = 4  # rows and columns that show the table


@dataclass(frozen=True)
class TableCheck:
    """The table as the camera sees it, in the robot's base.

    Attributes:
        tilt_rad: Of its normal from the base's z axis.
        height_m: Of its middle above the base's z = 0.
        noise_m: Of single points from the plane, robust standard deviation.
    """

    tilt_rad: float
    height_m: float
    noise_m: float


def check_table(frame: DepthFrame, *, max_tilt: float = 0.35) -> TableCheck:
    """Find the table in a depth image whose pose follows from the calibration.

    Args:
        frame: With planning_T_camera = base_T_camera; the table fills most of it.
        max_tilt: A plane that is tilted by more is not taken for the table [rad].

    Raises:
        Dex1bError: NO_PLANE.
    """
    points = frame.points()[::EVERY, ::EVERY].reshape(-1, 3)
    points = points[np.isfinite(points[:, 2])]
    settings = PerceptionSettings(plane_max_tilt=max_tilt)
    plane = find_support_plane(points, settings=settings, stands_for=EVERY**2)
    on_plane = np.abs(plane.signed_distance(points)) < settings.plane_tolerance
    middle: NDArray[np.floating] = np.median(points[on_plane], axis=0)
    return TableCheck(
        tilt_rad=float(np.arccos(np.clip(plane.normal[2], -1, 1))),
        height_m=float(middle[2]),
        noise_m=plane_noise(points, plane, settings.plane_tolerance),
    )
