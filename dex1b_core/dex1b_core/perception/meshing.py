"""Closed meshes from voxels and from points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.observation import ShapeHypothesis

Array = NDArray[np.float64]


def convex_hull(points: Array, name: str) -> ShapeHypothesis:
    """Convex hull of (N, 3) points, faces turned outwards.

    Raises:
        Dex1bError: SHAPE_INVALID when the points have no volume.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(points)
    except QhullError as error:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{len(points)} points span no volume; the object is seen too little',
        ) from error
    used, faces = np.unique(hull.simplices, return_inverse=True)
    vertices, faces = points[used], faces.reshape(-1, 3)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inwards = np.einsum('ij,ij->i', normals, hull.equations[:, :3]) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return ShapeHypothesis(name, vertices, faces.astype(np.int64))


def volume_mesh(
    occupancy: Array, origin: Array, voxel: float, *, max_faces: int, name: str
) -> ShapeHypothesis:
    """Surface where a voxel field crosses one half; the largest body only.

    Args:
        occupancy: (X, Y, Z) in 0..1, sampled at voxel centres.
        origin: (3,) centre of the first voxel.
        voxel: Edge [m].
        max_faces: Decimated to at most this many.
        name: Of the hypothesis.

    Raises:
        Dex1bError: SHAPE_INVALID when nothing is inside.
    """
    from scipy import ndimage
    from skimage import measure

    bodies, count = ndimage.label(occupancy > 0.5)
    if count == 0:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID, f"shape '{name}' is empty; the object is seen too little"
        )
    if count > 1:
        sizes = np.bincount(bodies.ravel())
        sizes[0] = 0
        others = (bodies > 0) & (bodies != sizes.argmax())
        occupancy = np.where(
            ndimage.binary_dilation(others) & (bodies != sizes.argmax()),
            np.minimum(occupancy, 0.49),
            occupancy,
        )
    field = np.pad(occupancy, 1).astype(np.float32)
    vertices, faces, _, _ = measure.marching_cubes(field, 0.5, gradient_direction='ascent')
    vertices = origin + (vertices - 1.0) * voxel
    vertices, faces = _decimate(vertices, faces.astype(np.int64), max_faces, voxel)
    return ShapeHypothesis(name, vertices, faces)


def _decimate(
    vertices: Array, faces: NDArray[np.int64], max_faces: int, voxel: float
) -> tuple[Array, NDArray[np.int64]]:
    """Fewer faces within a growing tolerance, still a closed manifold."""
    import manifold3d

    mesh = manifold3d.Mesh64(vertices, faces.astype(np.uint64))
    solid = manifold3d.Manifold(mesh)
    if solid.status() != manifold3d.Error.NoError or solid.volume() <= 0:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID, f'the reconstructed surface is not closed: {solid.status()}'
        )
    tolerance = voxel / 8
    while solid.num_tri() > max_faces and tolerance < 4 * voxel:
        solid = solid.simplify(tolerance)
        tolerance *= 1.4
    result = solid.to_mesh64()
    return (
        np.asarray(result.vert_properties[:, :3], dtype=float),
        np.asarray(result.tri_verts, dtype=np.int64),
    )
