"""How well a joint is known from two noisy clouds of its part, seen from one side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.articulation.axis_estimation import AxisEstimate, estimate_axis
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.solids import Solid
from dex1b_core.geometry.surface import sample_surface

Report = dict[str, Any]

TURN, SLIDE = (0.3, 0.7), (0.06, 0.15)  # [rad], [m] between the observations
TOWARDS = np.array([1.0, 0.0, 0.8])  # from the object to the camera
DISTANCE = 0.9  # [m]
ASIDE = 0.5  # by which the camera is to a side at most, as a part of the distance
DENSE = 40_000  # points on the part, of which those in sight are drawn
GRAZING = 1e-3  # part of the way to a point before it, where nothing may be hit


@dataclass(frozen=True)
class AxisError:
    """Of one estimate.

    Attributes:
        kind_right: Whether it turns where it turns.
        angle: Between axes [rad].
        distance: From the true axis to the estimated one, at the part [m]; NaN of slides.
        displacement: Relative error.
    """

    kind_right: bool
    angle: float
    distance: float
    displacement: float


def bench_axis(
    objects: Sequence[str], count: int, *, seed: int, noise: float = 0.002, points: int = 3000
) -> Report:
    """Estimate the joint of every object from so many pairs of observations.

    Args:
        objects: As `load_articulated` takes them.
        count: Pairs for each, from cameras and displacements that are drawn.
        seed: Of the draws.
        noise: Standard deviation of points along each axis [m].
        points: In each cloud.
    """
    start = time.perf_counter()
    errors: dict[str, list[AxisError | None]] = {}
    for number, name in enumerate(objects):
        target = load_articulated(name)
        random = np.random.default_rng([seed, number])
        own = errors.setdefault(target.category or target.name, [])
        own += [_trial(target, random, noise, points) for _ in range(count)]
    everything = [error for own in errors.values() for error in own]
    return {
        **_section(everything),
        'by_category': {category: _section(own) for category, own in errors.items()},
        'objects': list(objects),
        'seed': seed,
        'noise_m': noise,
        'points': points,
        'seconds': round(time.perf_counter() - start, 1),
    }


def axis_error(target: ArticulatedObject, estimate: AxisEstimate, displacement: float) -> AxisError:
    """Of an estimate of an object's joint that moved by so much."""
    joint = target.joint
    right = estimate.kind == joint.kind
    angle = float(np.arccos(np.clip(estimate.axis @ joint.axis, -1.0, 1.0)))
    distance = np.nan
    if not joint.slides and right:
        offset = estimate.origin - joint.origin
        distance = float(np.linalg.norm(offset - (offset @ joint.axis) * joint.axis))
    return AxisError(right, angle, distance, estimate.displacement / displacement - 1.0)


def observed(
    target: ArticulatedObject, position: float, eye: Array, random: np.random.Generator, points: int
) -> Array:
    """(points, 3) of the moving part that a camera at a point sees past itself and the base [m]."""
    import open3d as o3d

    moving, fixed = target.moving_solid(position), target.fixed_solid
    caster: Any = o3d.t.geometry.RaycastingScene()
    for solid in (moving, fixed):
        caster.add_triangles(*_tensors(solid))
    seed = int(random.integers(2**31))
    dense = sample_surface(moving, DENSE, seed=seed).points
    rays: Any = np.hstack([np.tile(eye, (len(dense), 1)), dense - eye]).astype(np.float32)
    hit = caster.cast_rays(o3d.core.Tensor.from_numpy(rays))['t_hit'].numpy()
    seen = dense[hit > 1.0 - GRAZING]
    return np.asarray(seen[random.permutation(len(seen))[:points]])


def _tensors(solid: Solid) -> tuple[Any, Any]:
    import open3d as o3d

    vertices: Any = np.ascontiguousarray(solid.vertices, dtype=np.float32)
    faces: Any = np.ascontiguousarray(solid.faces, dtype=np.uint32)
    return o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(faces)


def _trial(
    target: ArticulatedObject, random: np.random.Generator, noise: float, points: int
) -> AxisError | None:
    """None where nothing could be estimated."""
    moved = min(random.uniform(*(SLIDE if target.joint.slides else TURN)), target.travel)
    towards = TOWARDS + np.array([0.0, random.uniform(-ASIDE, ASIDE), 0.0])
    eye = target.fixed_solid.centre + DISTANCE * towards / np.linalg.norm(towards)
    clouds = []
    for position in (target.start, target.start + moved):
        cloud = observed(target, position, eye, random, points)
        clouds.append(cloud + random.normal(0.0, noise, cloud.shape))
    try:
        return axis_error(target, estimate_axis(*clouds), moved)
    except Dex1bError:
        return None


def _section(errors: Sequence[AxisError | None]) -> Report:
    known = [error for error in errors if error is not None]
    distances = [error.distance for error in known if np.isfinite(error.distance)]
    return {
        'n': len(errors),
        'refused': len(errors) - len(known),
        'kind_right': sum(error.kind_right for error in known) / max(1, len(errors)),
        'axis_deg': _spread([np.degrees(error.angle) for error in known]),
        'position_cm': _spread([100.0 * distance for distance in distances]),
        'displacement': _spread([abs(error.displacement) for error in known]),
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p90 = np.quantile(values, [0.5, 0.9])
    return {'p50': round(float(p50), 3), 'p90': round(float(p90), 3)}
