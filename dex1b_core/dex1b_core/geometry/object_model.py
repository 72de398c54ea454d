"""An object to grasp, from a name or a mesh file: one closed body made of convex parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.assets import object_mesh_path
from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError
from dex1b_core.geometry.convex import ConvexPart, convex_parts
from dex1b_core.geometry.mesh_file import SIZES, SUFFIXES, read_mesh_file
from dex1b_core.geometry.mesh_repair import Repaired, repair
from dex1b_core.geometry.shapes import shape_parts
from dex1b_core.geometry.solids import Faces, Solid, fuse
from dex1b_core.geometry.surface import sample_surface, surface_distance
from dex1b_core.geometry.transforms import make_transform

Array = NDArray[np.float64]

_DECOMPOSITION_GAP = 1e-4  # [m] that convex decomposition leaves between its parts
_CONCAVITY = 0.04
_MOST_PARTS = 16


@dataclass(frozen=True)
class ObjectModel:
    """A rigid body whose frame lies in the centre of its volume, axes as in its file.

    Surface, distance and simulators all speak of the same body: the union of `parts`. Only cameras
    see `mesh`.

    Attributes:
        name: Short, fit for a file name.
        spec: What it was loaded from: `ycb:mug`, `shape:torus` or a path.
        scale: Factor that it was loaded with, units apart.
        solid: Surface of the union of the parts, closed, object frame.
        parts: Convex parts, object frame.
        mesh: Triangles as in the file, perhaps not closed, object frame; `solid` for shapes.
        object_T_mesh: (4, 4) pose of the (scaled) mesh's own frame.
        fit: Distances [m] of the mesh's surface from that of the parts: 95 %, maximum; 0 for
            shapes, which are made of their parts.
        repairs: What was mended in the mesh, a sentence each.
    """

    name: str
    spec: str
    scale: float
    solid: Solid
    parts: tuple[ConvexPart, ...]
    mesh: Solid
    object_T_mesh: Array
    fit: tuple[float, float] = (0.0, 0.0)
    repairs: tuple[str, ...] = ()

    @property
    def vertices(self) -> Array:
        """(V, 3) of the surface [m]."""
        return self.solid.vertices

    @property
    def faces(self) -> Faces:
        """(F, 3) vertex indices of the surface."""
        return self.solid.faces

    @property
    def extents(self) -> Array:
        """(3,) size of the axis-aligned box around it [m]."""
        return self.solid.extents

    @cached_property
    def volume(self) -> float:
        """[m^3]."""
        return self.solid.volume

    @cached_property
    def foot(self) -> Array:
        """(3,) middle of the underside of the box around `mesh` [m]: where it stands."""
        return foot_of(self.mesh)

    def part_mesh(self) -> tuple[Array, Faces, NDArray[np.int64]]:
        """All parts in one mesh: (V, 3) vertices [m], (F, 3) faces, (F,) part of each face."""
        starts = np.cumsum([0, *(len(part.vertices) for part in self.parts)])
        faces = [part.faces + start for part, start in zip(self.parts, starts, strict=False)]
        index = np.repeat(np.arange(len(self.parts)), [len(part.faces) for part in self.parts])
        return np.vstack([part.vertices for part in self.parts]), np.vstack(faces), index


def foot_of(mesh: Solid) -> Array:
    """(3,) middle of the underside of the axis-aligned box around a mesh [m]."""
    corners = mesh.vertices[mesh.faces].reshape(-1, 3)
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    return np.array([*0.5 * (lower + upper)[:2], lower[2]])


def load_object(spec: str, *, scale: float | None = None, units: str | None = None) -> ObjectModel:
    """Load an object by what a command line says.

    Meshes are repaired, then decomposed into convex parts, which takes seconds the first time and
    is cached.

    Args:
        spec: `ycb:NAME` or NAME (fetched models, with or without number), `shape:NAME`
            (`shapes.shape_names`, `random-N`), or the path of a mesh file.
        scale: Factor, 1 when None.
        units: Of a mesh file, one of `mesh_file.UNITS`; metres when None.

    Raises:
        Dex1bError: UNKNOWN_OBJECT for an unknown name or missing file; ASSET_MISSING when the YCB
            models are not fetched; INVALID_REQUEST for a bad scale or units; SHAPE_INVALID for a
            mesh that is no body, or of implausible size.
    """
    kind, _, name = spec.partition(':')
    factor = 1.0 if scale is None else float(scale)
    if kind == 'shape':
        _require_metres(spec, units)
        parts = tuple(part.scaled(_positive(factor)) for part in shape_parts(name))
        return _centred(name, spec, factor, parts)
    path = object_file(spec)
    if path != Path(spec):
        _require_metres(spec, units)
    mesh = read_mesh_file(path, units=units, scale=factor)
    repaired = repair(mesh, name=str(path))
    parts = convex_parts(repaired.solid, concavity=_CONCAVITY, max_parts=_MOST_PARTS)
    return _centred(path.stem, spec, factor, parts, mesh, repaired)


def object_file(spec: str) -> Path:
    """The mesh file that an object which is no `shape:` is loaded from; it may not exist.

    Raises:
        Dex1bError: UNKNOWN_OBJECT for an unknown name; ASSET_MISSING when the YCB models are not
            fetched.
    """
    path = Path(spec)
    if path.suffix.lower() in SUFFIXES or path.is_file():
        return path
    try:
        return object_mesh_path(spec)
    except UnknownNameError as error:
        hint = f'shapes are written shape:NAME, mesh files end in {", ".join(SUFFIXES)}'
        raise Dex1bError(error.error_code, f'{error.message}; {hint}') from error


def _centred(
    name: str,
    spec: str,
    scale: float,
    parts: tuple[ConvexPart, ...],
    mesh: Solid | None = None,
    repaired: Repaired | None = None,
) -> ObjectModel:
    solid = fuse(parts) if repaired is None else fuse(parts, gap=_DECOMPOSITION_GAP)
    _require_hand_size(spec, scale, float(solid.extents.max()))
    offset = -solid.centre
    return ObjectModel(
        name,
        spec,
        scale,
        solid.moved(offset),
        tuple(part.moved(offset) for part in parts),
        (mesh or solid).moved(offset),
        make_transform(np.eye(3), offset),
        (0.0, 0.0) if repaired is None else _fit(repaired.solid, solid),
        () if repaired is None else repaired.repairs,
    )


def _fit(mesh: Solid, solid: Solid) -> tuple[float, float]:
    distance = surface_distance(solid, sample_surface(mesh, 2000).points)
    return float(np.percentile(distance, 95)), float(distance.max())


def _require_metres(spec: str, units: str | None) -> None:
    if units not in (None, 'm'):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"'{spec}' is in metres; units '{units}' are for mesh files: use --scale instead",
        )


def _require_hand_size(spec: str, scale: float, size: float) -> None:
    if not SIZES[0] <= size <= SIZES[1]:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"'{spec}' at scale {scale:g} would measure {size:.4g} m; expected "
            f'{SIZES[0] * 1e3:g} mm to {SIZES[1]:g} m: pass another --scale',
        )


def _positive(scale: float) -> float:
    if not np.isfinite(scale) or scale <= 0.0:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'scale {scale} is no positive number; 1 keeps the size'
        )
    return scale
