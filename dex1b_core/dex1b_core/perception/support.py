"""The plane that objects stand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.perception.settings import PerceptionSettings

Array = NDArray[np.float64]
SAMPLE = 1000  # points that judge the trials
TRIALS = 400
MIN_SPREAD = 0.03  # standard deviation across the narrow side of a support [m]
BOARDS = 3  # levels below the plane with most points that are looked for
LEAST_BELOW = 0.04  # from one level to the next [m]
REFINED = 8000  # points that the least squares see


def find_support_plane(
    points: NDArray[np.floating],
    *,
    settings: PerceptionSettings,
    up: tuple[float, float, float] = (0.0, 0.0, 1.0),
    seed: int = 0,
    stands_for: int = 1,
) -> Plane:
    """Plane with most points among those whose normal is near `up`, or one below it.

    Of the boards of a shelf it is the lowest, so that whatever stands on any of them is above it.

    Args:
        points: (N, 3) planning frame, robot already removed.
        settings: Which source, how tilted, how many points.
        up: Expected normal, unit.
        seed: Of the random samples.
        stands_for: Points of the whole cloud for each one in `points`, which may be thinned.

    Raises:
        Dex1bError: NO_PLANE.
    """
    given = Plane(np.asarray(up, dtype=float), -settings.plane_height)
    if settings.plane_source == 'given':
        return given
    finite = np.isfinite(points[:, 0] + points[:, 1] + points[:, 2])
    known = points[finite].astype(np.float64)
    plane, count = _ransac(known, settings, np.asarray(up, dtype=float), seed)
    count *= stands_for
    if plane is not None and count >= settings.plane_min_points:
        return _lowest(plane, known, settings, np.asarray(up, dtype=float), stands_for)
    if settings.plane_source == 'estimate_or_given':
        return given
    degrees = np.degrees(settings.plane_max_tilt)
    raise Dex1bError(
        ErrorCode.NO_PLANE,
        f'no support plane: the best plane within {degrees:.0f} degrees of horizontal holds '
        f'{count} of {len(known) * stands_for} points in the workspace, expected at least '
        f'{settings.plane_min_points}; look at the table, check the camera pose in TF and the '
        "workspace box, or set plane_source to 'given'",
    )


def level_plane(points: Array, settings: PerceptionSettings) -> Plane | None:
    """The level plane that most of (N, 3) points lie on, None where that is under a third."""
    up = np.array([0.0, 0.0, 1.0])
    plane, count = _ransac(points, settings, up, 0)
    return plane if count >= max(settings.plane_min_points, len(points) / 3) else None


def _lowest(
    plane: Plane, points: Array, settings: PerceptionSettings, up: Array, stands_for: int
) -> Plane:
    """A plane well below another, if there is one with enough points, again and again."""
    for _ in range(BOARDS):
        below = points[plane.signed_distance(points) < -LEAST_BELOW]
        if len(below) * stands_for < settings.plane_min_points:
            break
        lower, count = _ransac(below, settings, up, 0)
        if lower is None or count * stands_for < settings.plane_min_points:
            break
        plane = lower
    return plane


def _ransac(
    points: Array, settings: PerceptionSettings, up: Array, seed: int
) -> tuple[Plane | None, int]:
    if len(points) < 50:
        return None, 0
    random = np.random.default_rng(seed)
    sample = points[random.integers(0, len(points), min(SAMPLE, len(points)))]
    corners = sample[random.integers(0, len(sample), (TRIALS, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    normals = normals / np.maximum(lengths, 1e-12)[:, None]
    normals *= np.where(normals @ up < 0, -1.0, 1.0)[:, None]
    good = (lengths > 1e-6) & (normals @ up > np.cos(settings.plane_max_tilt))
    if not good.any():
        return None, 0
    normals = normals[good]
    offsets = -np.einsum('ij,ij->i', normals, corners[good, 0])
    distances = np.abs(_heights(sample, normals, offsets))
    best = int(np.count_nonzero(distances < settings.plane_tolerance, axis=1).argmax())
    plane = Plane(normals[best], float(offsets[best]))
    some = points[:: max(1, len(points) // REFINED)]
    for _ in range(3):
        inliers = some[np.abs(plane.signed_distance(some)) < settings.plane_tolerance]
        if len(inliers) < 3:
            return None, len(inliers)
        plane = _least_squares(inliers, up)
    if plane.normal @ up < np.cos(settings.plane_max_tilt) or _is_strip(inliers):
        return None, 0
    count = int((np.abs(plane.signed_distance(points)) < settings.plane_tolerance).sum())
    return plane, count


def _heights(points: Array, normals: Array, offsets: Array) -> NDArray[np.float32]:
    """(M, N) heights of points over planes; faster than a matrix product over an axis of three."""
    x, y, z = points.T.astype(np.float32)
    a, b, c = normals.T.astype(np.float32)[..., None]
    heights: NDArray[np.float32] = a * x + b * y + c * z + offsets.astype(np.float32)[:, None]
    return heights


def _is_strip(points: Array) -> bool:
    """Whether the points are a narrow band, as a level cut through a wall would leave."""
    offset = points - points.mean(axis=0)
    spread = np.sqrt(np.linalg.eigvalsh(np.einsum('ni,nj->ij', offset, offset) / len(points)))
    return bool(spread[1] < MIN_SPREAD)


def _least_squares(points: Array, up: Array) -> Plane:
    centre = points.mean(axis=0)
    offset = points - centre
    normal = np.linalg.eigh(np.einsum('ni,nj->ij', offset, offset))[1][:, 0]
    normal = normal if normal @ up > 0 else -normal
    return Plane(normal, float(-normal @ centre))


def plane_noise(points: NDArray[np.floating], plane: Plane, tolerance: float) -> float:
    """Robust standard deviation [m] of the points near a plane."""
    distances = plane.signed_distance(points)
    near = np.abs(distances[np.abs(distances) < tolerance])
    return float(1.4826 * np.median(near)) if len(near) else 0.0
