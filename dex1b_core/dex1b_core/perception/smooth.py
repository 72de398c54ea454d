"""A smooth solid through the visible surface of an object."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception.freespace import View
from dex1b_core.perception.voxels import VoxelGrid

Array = NDArray[np.float64]

# chosen for volume IoU on the shapes random-112 to random-199
COARSE = 2  # voxels of the fit are so many times larger
NEIGHBOURS = 32  # points that tell the distance of a voxel
REACH = 2.5  # voxels from the surface that its points fit
TRUNCATION = 0.02  # larger distances from the surface do not matter [m]
FREE_WEIGHT = 0.3  # of the space seen empty, where the visible surface has 1
GUESS_WEIGHT = 0.03  # of the guess
BENDING = 0.005  # of the squared Laplacian, in voxels
CUT_MARGIN = 0.005  # what lies so deep in space seen empty is cut away [m]
SKIN = 2.5  # voxels of the surface seen that are solid, however thin the fit is


def smooth_solid(
    points: Array,
    normals: Array,
    guess: Array,
    grid: VoxelGrid,
    planning_T_plane: Array,
    views: Sequence[View],
) -> Array:
    """Occupancy (X, Y, Z) of the grid's voxels in 0..1, one half on the surface.

    A signed distance f is fitted on coarser voxels. It minimises the weighted squares of what is
    known: near visible points the distance to their tangent planes, in space seen empty the
    distance to its border, weakly everywhere the guess; and its bending. (As Calakli and Taubin,
    Smooth Signed Distance Surface Reconstruction, 2011; free space and guess are added.)

    Args:
        points: (N, 3) visible surface, plane frame [m].
        normals: (N, 3) unit, outwards.
        guess: (X, Y, Z) occupancy in 0..1, trusted where nothing is seen.
        grid: Voxels around the object.
        planning_T_plane: (4, 4).
        views: Free space.
    """
    if guess.max() <= 0.5:
        return np.zeros(grid.shape)
    coarse = VoxelGrid(grid.corners, COARSE * grid.voxel)
    surface, near = _near_surface(points, normals, coarse)
    empty = coarse.behind(planning_T_plane, views) < -coarse.voxel / 2
    empty &= near < 0.2
    parts = [
        (near, surface),
        (FREE_WEIGHT * empty, -_depth(empty, coarse.voxel)),
        (np.full(coarse.shape, GUESS_WEIGHT), grid.sample(_distance(guess, grid), coarse.centres)),
    ]
    weight = np.sum([w for w, _ in parts], axis=0)
    target = np.sum([w * f.reshape(coarse.shape) for w, f in parts], axis=0) / weight
    fitted = coarse.sample(_fit(target, weight), grid.centres).reshape(grid.shape)
    behind = grid.behind(planning_T_plane, views)
    skin = grid.near(points) & (behind < SKIN * grid.voxel)
    filled = _soft(fitted, grid.voxel) * _soft(behind + CUT_MARGIN, grid.voxel)
    occupancy: Array = np.maximum(filled, skin * _soft(behind, grid.voxel))
    return occupancy


def _soft(depth: Array, voxel: float) -> Array:
    """Occupancy of voxels at a depth below a surface: 1 from a voxel on, 0 above."""
    share: Array = np.clip(0.5 + depth / (2 * voxel), 0.0, 1.0)
    return share


def _near_surface(points: Array, normals: Array, grid: VoxelGrid) -> tuple[Array, Array]:
    """Signed distance [m], positive inside, and how near the points are (1 on them, 0 far off)."""
    from scipy.spatial import cKDTree

    count = min(NEIGHBOURS, len(points))
    gap, index = cKDTree(points).query(grid.centres, count, distance_upper_bound=REACH * grid.voxel)
    found = np.isfinite(gap)
    index = np.where(found, index, 0)
    share = np.where(found, np.exp(-((gap / grid.voxel) ** 2)), 0.0)
    depth = ((points[index] - grid.centres[:, None]) * normals[index]).sum(axis=-1)
    distance = (share * depth).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-12)
    return distance.reshape(grid.shape), share.max(axis=1).reshape(grid.shape)


def _depth(inside: NDArray[np.bool_], voxel: float) -> Array:
    """Distance of voxels inside to the nearest one outside, truncated; 0 outside [m]."""
    from scipy import ndimage

    depth: Array = ndimage.distance_transform_edt(inside) * voxel
    return np.minimum(depth, TRUNCATION)


def _distance(occupancy: Array, grid: VoxelGrid) -> Array:
    """Signed distance to where an occupancy is one half, positive inside, truncated [m]."""
    below = math.ceil(TRUNCATION / grid.voxel)
    # the object goes on below the plane: its underside is no surface
    inside = np.pad(occupancy > 0.5, ((0, 0), (0, 0), (below, 0)), mode='edge')
    half = grid.voxel / 2  # voxels beside the surface are half a voxel from it
    distance = _depth(inside, grid.voxel) - _depth(~inside, grid.voxel)
    shifted: Array = (distance - half * np.sign(distance))[:, :, below:]
    return shifted


def _fit(target: Array, weight: Array) -> Array:
    """The field f with least sum of weight (f - target)^2 + BENDING (Laplacian f)^2.

    The cosine transform diagonalises the Laplacian, whose normal derivative vanishes at the
    border, so on the plane too.
    """
    from scipy.fft import dctn, idctn
    from scipy.sparse.linalg import LinearOperator, cg

    waves = [2 - 2 * np.cos(np.pi * np.arange(n) / n) for n in target.shape]
    bending = BENDING * np.add.outer(np.add.outer(waves[0], waves[1]), waves[2]) ** 2

    def filtered(field: Array, gain: Array) -> Array:
        waves = dctn(field.reshape(target.shape), norm='ortho')
        return np.asarray(idctn(gain * waves, norm='ortho')).ravel()

    size = (target.size, target.size)
    matrix = LinearOperator(size, lambda f: weight.ravel() * f + filtered(f, bending))
    smoother = LinearOperator(size, lambda f: filtered(f, 1 / (bending + weight.mean())))
    solution, _ = cg(matrix, (weight * target).ravel(), rtol=1e-3, maxiter=30, M=smoother)
    return np.asarray(solution).reshape(target.shape)
