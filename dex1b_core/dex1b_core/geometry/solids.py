"""Closed bodies: volume, centre, and the union of many as one surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.convex import ConvexPart, MeshLike

Array = NDArray[np.float64]
Faces = NDArray[np.int64]

_TOLERANCE = 1e-6  # [m] below which corners of a union are one
_TOUCHING = 2e-6  # [m] between convex parts that are meant to touch


@dataclass(frozen=True)
class Solid:
    """A closed surface around a volume, which may consist of several bodies.

    Attributes:
        vertices: (V, 3) [m].
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
    """

    vertices: Array
    faces: Faces

    @property
    def volume(self) -> float:
        """[m^3]; negative when the faces look inwards."""
        return float(_tetrahedra(self).sum())

    @property
    def centre(self) -> Array:
        """(3,) centre of the volume [m]."""
        volumes = _tetrahedra(self)
        middles = self.vertices[self.faces].sum(axis=1) / 4.0
        return np.asarray(volumes @ middles / volumes.sum())

    @property
    def extents(self) -> Array:
        """(3,) size of the axis-aligned box around it [m]."""
        return np.asarray(np.ptp(self.vertices, axis=0))

    def moved(self, translation: Array) -> Solid:
        """The same, shifted by (3,) [m]."""
        return Solid(self.vertices + translation, self.faces)


def union(meshes: Sequence[MeshLike]) -> Solid:
    """The body that closed meshes fill together, its surface free of their insides.

    Args:
        meshes: Each closed and consistently wound; they may overlap and touch.

    Raises:
        Dex1bError: SHAPE_INVALID when one is not a closed body, or all are empty.
    """
    import manifold3d

    bodies = [_manifold(mesh, index) for index, mesh in enumerate(meshes)]
    joined = manifold3d.Manifold.batch_boolean(bodies, manifold3d.OpType.Add)
    solid = _solid(joined.simplify(_TOLERANCE))
    if len(solid.faces) == 0:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID, f'{len(meshes)} bodies enclose no volume; expected a solid'
        )
    return solid


def fuse(parts: Sequence[ConvexPart], *, gap: float = _TOUCHING) -> Solid:
    """The body that convex parts fill together; parts that touch become one.

    Args:
        parts: Convex and closed.
        gap: Parts that are nearer than this become one: each is grown so far [m].

    Raises:
        Dex1bError: SHAPE_INVALID when there are no parts.
    """
    solid = union([_grown(part, gap) for part in parts])
    return _solid(_manifold(solid, 0).simplify(4 * _TOUCHING))


def bodies(solid: Solid) -> tuple[Solid, ...]:
    """Its connected surfaces, those around most volume first; that of a cavity is negative."""
    found = [_solid(body) for body in _manifold(solid, 0).decompose()]
    return tuple(sorted(found, key=lambda body: -abs(body.volume)))


def is_closed(mesh: MeshLike) -> bool:
    """Whether every edge joins two faces that are wound alike."""
    try:
        _manifold(mesh, 0)
    except Dex1bError:
        return False
    return True


def _grown(part: ConvexPart, distance: float) -> Solid:
    outward = part.vertices - part.vertices.mean(axis=0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return Solid(part.vertices + distance * outward, part.faces)


def _manifold(mesh: MeshLike, index: int) -> Any:
    import manifold3d

    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.uint64)
    body = manifold3d.Manifold(manifold3d.Mesh64(vertices, faces))
    if body.status() != manifold3d.Error.NoError:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'body {index} of {len(faces)} faces is not closed ({body.status().name}); expected '
            'every edge to join two faces wound alike: repair the mesh first',
        )
    return body


def _solid(body: Any) -> Solid:
    mesh = body.to_mesh64()
    return Solid(
        np.array(mesh.vert_properties[:, :3], dtype=np.float64),
        np.array(mesh.tri_verts, dtype=np.int64),
    )


def _tetrahedra(solid: Solid) -> Array:
    """(F,) signed volumes between the origin and each face [m^3]."""
    a, b, c = np.moveaxis(solid.vertices[solid.faces], 1, 0)
    return np.asarray((a * np.cross(b, c)).sum(axis=1) / 6.0)
