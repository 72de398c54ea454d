"""How different grasps are from one another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.data.grasp_set import GraspSet

Array = NDArray[np.float64]

BINS = 10_000
COMPONENTS = 5
DISTINCT = 0.01  # [m]

_CHUNK = 1024  # rows of distances at a time


@dataclass(frozen=True)
class Diversity:
    """Of n grasps; None where n is too small.

    The published numbers reward grasps that fail, and depend on n: compare successes only, at
    equal n.

    Attributes:
        n: How many.
        pca: See `explained_variance`; smaller is more diverse.
        entropy_mean, entropy_std: Over driven joints, see `joint_entropy`; larger is more diverse.
        nearest: Mean distance of a grasp to the most similar other one [m].
        distinct: Grasps at least 1 cm from all those counted before them, in the set's order: what
            neither few grasps nor copies can raise.

    Distances between two grasps are root mean square distances, object frame, of the points that
    `HandModel.spheres` holds, about ten in each link and more in large ones: translation, rotation
    and joints weigh by how far they move the hand's volume.
    """

    n: int
    pca: tuple[float, ...] | None
    entropy_mean: float | None
    entropy_std: float | None
    nearest: float | None
    distinct: int

    @classmethod
    def of(cls, placed: PlacedGrasps, chosen: NDArray[np.bool_] | None = None) -> Self:
        """Of all grasps, or those that the mask (N,) chooses."""
        rows = np.arange(len(placed)) if chosen is None else np.flatnonzero(chosen)
        grasps = placed.grasps.select(rows)
        kinematics = placed.hand.kinematics
        order = [kinematics.joint_names.index(name) for name in grasps.joint_names]
        limits = torch.stack([kinematics.lower, kinematics.upper])[:, order].double().numpy()
        entropy = joint_entropy(grasps.grasp, *limits)
        shape = shape_vectors(placed)[rows]
        return cls(
            n=len(rows),
            pca=explained_variance(pose_vectors(grasps)),
            entropy_mean=None if entropy is None else float(entropy.mean()),
            entropy_std=None if entropy is None else float(entropy.std()),
            nearest=float(nearest_distance(shape).mean()) if len(rows) > 1 else None,
            distinct=count_distinct(shape),
        )


def pose_vectors(grasps: GraspSet) -> Array:
    """(N, 6 + J) translation [m], axis times angle [rad] and joints [rad] in the object's frame.

    Not scaled against each other, as in DexGraspBench; the axis-angle vector jumps at pi. Vectors
    of several objects may be stacked, as DexGraspBench does.
    """
    pose = grasps.object_T_hand
    turn = Rotation.from_matrix(pose[:, :3, :3]).as_rotvec() if len(pose) else pose[:, :3, 3]
    return np.concatenate([pose[:, :3, 3], turn, grasps.grasp], axis=1)


def explained_variance(vectors: Array) -> tuple[float, ...] | None:
    """Shares of the variance that the first 1 to 5 principal components explain, cumulative.

    DexGraspBench's diversity (src/task/statistic.py).

    Args:
        vectors: (N, D).

    Returns:
        None for fewer than two vectors or all the same.
    """
    if len(vectors) < 2:
        return None
    variance = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2
    if variance.sum() < 1e-18:
        return None
    shares = np.cumsum(variance) / variance.sum()
    return tuple(float(shares[min(i, len(shares) - 1)]) for i in range(COMPONENTS))


def joint_entropy(joints: Array, lower: Array, upper: Array) -> Array | None:
    """(J,) entropy of each joint [nat] over 10,000 equal bins of its range.

    H = -sum p ln p (Dex1B, App. I; the logarithm is not stated there, its figures fit ln). At most
    ln(min(N, 10,000)): the published figures near 8.5 take tens of thousands of samples. Positions
    beyond a limit count in the last bin; joints without limits range over a turn.

    Args:
        joints: (N, J) [rad]; those of several objects may be stacked.
        lower, upper: (J,) limits [rad].

    Returns:
        None without samples.
    """
    if not len(joints):
        return None
    low, high = np.nan_to_num(lower, neginf=-np.pi), np.nan_to_num(upper, posinf=np.pi)
    share = (joints - low) / np.maximum(high - low, 1e-12)
    bins = np.clip((BINS * share).astype(np.int64), 0, BINS - 1)
    return np.array([_entropy(np.bincount(column)) for column in bins.T])


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return abs(float((shares * np.log(shares)).sum()))


def shape_vectors(placed: PlacedGrasps) -> Array:
    """(N, 3 S) vectors whose distance is the root mean square distance of S points [m]."""
    points = placed.place(placed.hand.spheres)
    return points.reshape(len(points), 3 * points.shape[1]) / math.sqrt(points.shape[1])


def nearest_distance(vectors: Array) -> Array:
    """(N,) distance of each of at least two vectors (N, D) to the nearest other one."""
    every = torch.from_numpy(vectors)
    nearest = []
    for start in range(0, len(every), _CHUNK):
        distance = torch.cdist(every[start : start + _CHUNK], every)
        distance.diagonal(start).fill_(torch.inf)
        nearest.append(distance.amin(dim=1))
    found: Array = torch.cat(nearest).numpy()
    return found


def count_distinct(vectors: Array, radius: float = DISTINCT) -> int:
    """How many of (N, D) vectors are kept if each needs `radius` to all kept before it."""
    left, count = vectors, 0
    while len(left):
        left = left[np.linalg.norm(left - left[0], axis=1) >= radius]
        count += 1
    return count
