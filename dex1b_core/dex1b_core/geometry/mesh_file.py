"""Meshes from files: formats, units and plausible sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.solids import Solid

Array = NDArray[np.float64]

SUFFIXES = ('.glb', '.obj', '.off', '.ply', '.stl')

UNITS = {'m': 1.0, 'cm': 0.01, 'mm': 0.001, 'in': 0.0254}
"""Names of units of length and their size [m]."""

SIZES = (0.002, 2.0)
"""Bounds of an object's longest side [m]."""

_USUAL_SIZES = (0.02, 0.6)  # [m] of what hands hold: tells units apart
_UNIT_NAMES = {'m': 'metres', 'cm': 'centimetres', 'mm': 'millimetres'}


def read_mesh_file(path: Path, *, units: str | None = None, scale: float = 1.0) -> Solid:
    """The triangles of a mesh file in metres, as they are: perhaps not closed.

    Args:
        path: OBJ, STL, PLY, GLB or OFF; the parts of a scene are put in their places.
        units: Of the file, one of `UNITS`; None is metres.
        scale: Factor on top of the units.

    Raises:
        Dex1bError: UNKNOWN_OBJECT when there is no such file; INVALID_REQUEST for unknown units
            or a scale that is not positive; SHAPE_INVALID when the file cannot be read, holds no
            triangles, or its size tells that it is in other units.
    """
    factor = _factor(units, scale)
    if path.suffix.lower() not in SUFFIXES:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f"{path}: meshes end in {', '.join(SUFFIXES)}, not '{path.suffix}'; convert the file",
        )
    if not path.is_file():
        raise Dex1bError(
            ErrorCode.UNKNOWN_OBJECT,
            f'{path}: no such file; expected a mesh, ycb:NAME or shape:NAME',
        )
    vertices, faces = _read(path)
    if len(faces) == 0:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{path}: holds {len(vertices)} points and no triangles; expected a surface: '
            'reconstruct it from the points first',
        )
    if not np.isfinite(vertices).all():
        broken = int((~np.isfinite(vertices)).any(axis=1).sum())
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{path}: {broken} of {len(vertices)} vertices are not finite (NaN or infinite); '
            'export the mesh again',
        )
    used = vertices[np.unique(faces)]
    _require_plausible(float(np.ptp(used, axis=0).max()), factor, units, path)
    return Solid(vertices * factor, faces)


def _factor(units: str | None, scale: float) -> float:
    if units is not None and units not in UNITS:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f"unknown units '{units}'; known are: {', '.join(UNITS)}"
        )
    if not np.isfinite(scale) or scale <= 0.0:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'scale {scale} is no positive number; 1 keeps the size'
        )
    return scale * (1.0 if units is None else UNITS[units])


def _read(path: Path) -> tuple[Array, NDArray[np.int64]]:
    import trimesh

    try:
        mesh = trimesh.load(path, force='mesh', process=False)
        vertices = np.asarray(mesh.vertices, dtype=np.float64).reshape(-1, 3)
        faces = np.asarray(getattr(mesh, 'faces', ()), dtype=np.int64).reshape(-1, 3)
    except Exception as error:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{path}: cannot be read as {path.suffix[1:].upper()} mesh ({error}); export it again',
        ) from error
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{path}: faces name vertices {faces.min()} to {faces.max()} of {len(vertices)}; '
            'the file is damaged: export it again',
        )
    return vertices, faces


def _require_plausible(extent: float, factor: float, units: str | None, path: Path) -> None:
    size = extent * factor
    if SIZES[0] <= size <= SIZES[1]:
        return
    low, high = _USUAL_SIZES
    others = [unit for unit in _UNIT_NAMES if unit != (units or 'm')]
    likely = [unit for unit in others if low <= extent * UNITS[unit] <= high]
    start = f'{path}: its longest side would measure {size:.4g} m'
    if likely:
        looks = ' or '.join(_UNIT_NAMES[unit] for unit in likely)
        mend = ' or '.join(f'--units {unit}' for unit in likely)
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID, f'{start}; the file looks like {looks}: pass {mend}'
        )
    raise Dex1bError(
        ErrorCode.SHAPE_INVALID,
        f'{start}; expected {SIZES[0] * 1e3:g} mm to {SIZES[1]:g} m: pass --units or --scale',
    )
