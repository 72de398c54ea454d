"""Q1, the largest wrench that a grasp resists, as UGG and Dex1B report it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.geometry.surface import exact_signed_distance
from dex1b_core.geometry.wrench_space import epsilon_quality, friction_pyramid
from dex1b_core.robots.hand_model import HandPoints

Array = NDArray[np.float64]

REACH = 0.01  # [m] a candidate so near the object, or inside, is a contact
MOST_CONTACTS = 20
TORQUE_SCALE = 10.0  # [1/m]
FRICTION = 1.0
CEILING = 1.0

_ON_SURFACE = 1e-5  # [m] where the way to the surface has no direction, the face's normal counts
_TOLERANCE = 1e-6  # of Q1
_PUSHED = 10  # facets pushed out before the hull is taken anew


@dataclass(frozen=True)
class ContactCandidates:
    """Where N hands may touch: K candidates each, object frame.

    Attributes:
        points: (N, K, 3) nearest points on the object [m].
        inward: (N, K, 3) unit normals into the object: along the way to the surface.
        distance: (N, K) of the candidate to the object [m], negative inside.
    """

    points: Array
    inward: Array
    distance: Array

    @classmethod
    def of(cls, placed: PlacedGrasps, on_hand: HandPoints | None = None) -> Self:
        """Of points on the hand, else of its `contacts`: fingertips and distal pads.

        UGG has hand-picked ones.
        """
        import open3d as o3d

        points = placed.place(placed.hand.contacts if on_hand is None else on_hand)
        if not len(points):
            return cls(points, points, points[..., 0])
        target = placed.target
        caster: Any = o3d.t.geometry.RaycastingScene()
        caster.add_triangles(
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(target.vertices, dtype=np.float32)),
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(target.faces, dtype=np.uint32)),
        )
        queries: Any = np.ascontiguousarray(points, dtype=np.float32)
        found = caster.compute_closest_points(o3d.core.Tensor.from_numpy(queries), nthreads=2)
        nearest = found['points'].numpy().astype(float)
        distance = exact_signed_distance(target, points)
        outward = np.sign(distance)[..., None] * (points - nearest)
        outward = np.where(
            np.abs(distance)[..., None] > _ON_SURFACE, outward, found['primitive_normals'].numpy()
        )
        return cls(nearest, -outward / np.linalg.norm(outward, axis=-1, keepdims=True), distance)


def q1(candidates: ContactCandidates, *, friction: float = FRICTION, seed: int = 0) -> Array:
    """(N,) Q1 of grasps.

    Contacts are all candidates less than `REACH` outside the object or inside it at any depth:
    UGG's `distance > -0.01` counts inside as positive. Of more than `MOST_CONTACTS` as many are
    drawn, anew for each grasp.

    Args:
        candidates: Of N grasps.
        friction: Coulomb coefficient; 1 is UGG's.
        seed: Of the draws; a grasp's also depends on its place in the set.
    """
    values = np.zeros(len(candidates.points))
    for row, distance in enumerate(candidates.distance):
        contacts = np.flatnonzero(distance < REACH)
        drawn = np.random.default_rng([seed, row]).permutation(contacts)[:MOST_CONTACTS]
        inward = candidates.inward[row, drawn]
        values[row] = q1_of_contacts(candidates.points[row, drawn], inward, friction=friction)
    return values


def q1_of_contacts(points: Array, inward: Array, *, friction: float = FRICTION) -> float:
    """Q1 of given contacts, cut off at `CEILING`.

    The distance of zero to the boundary of the convex hull of zero and all wrenches
    (f, 10 x × f), f = n + mu (cos u + sin v) along 8 edges of the friction cone (Ferrari and Canny,
    ICRA 1992, their Q1; constants of UGG's utils/metrics.py, which Dex1B's Table II adopts). Torque
    is about the object frame's origin, so that Q1 depends on where that lies. Flat hulls have 0.

    The hull has some 10^4 facets, of which the nearest is wanted: as in `epsilon_quality`, an
    inner hull is pushed out there until it meets the boundary (Zheng, IEEE T-RO 2013).

    Args:
        points: (n, 3) [m].
        inward: (n, 3) unit normals into the object.
        friction: Coulomb coefficient.
    """
    from scipy.spatial import ConvexHull, QhullError

    grasp = _grasp_matrix(points, inward)
    wrenches = np.einsum('nwi,ei->new', grasp, friction_pyramid(friction).numpy()).reshape(-1, 6)
    wrenches = np.vstack([np.zeros(6), wrenches])
    inner = np.unique([0, *wrenches.argmin(axis=0), *wrenches.argmax(axis=0)])
    while True:
        try:
            facets = ConvexHull(wrenches[inner]).equations
        except QhullError:
            return min(CEILING, epsilon_quality(torch.from_numpy(grasp), friction))
        facets = facets[np.argsort(-facets[:, 6])[:_PUSHED]]
        beyond = wrenches @ facets[:, :6].T + facets[:, 6]
        farthest = np.union1d(inner, beyond.argmax(axis=0))
        if beyond[:, 0].max() <= _TOLERANCE or len(farthest) == len(inner):
            return float(np.clip(-facets[0, 6], 0.0, CEILING))
        inner = farthest


def _grasp_matrix(points: Array, inward: Array) -> Array:
    """(n, 6, 3) maps from forces along normal and UGG's tangents to wrenches."""
    level = np.stack([-inward[:, 1], inward[:, 0], np.zeros(len(inward))], axis=1)
    length = np.linalg.norm(level, axis=1, keepdims=True)
    first = np.where(length > 1e-8, level / np.maximum(length, 1e-8), [1.0, 0.0, 0.0])
    frames = np.stack([inward, first, np.cross(first, inward)], axis=2)
    torques = np.cross(TORQUE_SCALE * points[:, :, None], frames, axis=1)
    return np.concatenate([frames, torques], axis=1)
