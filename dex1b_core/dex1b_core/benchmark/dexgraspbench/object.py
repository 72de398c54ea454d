"""An object as DexGraspBench reads it: a folder as MeshProcess makes it.

Sources: `_add_object` in its src/util/hand_util.py (urdf/meshes/*.obj are the convex pieces, all
files of that folder), `BaseEval.__init__` in src/task/eval_func/base.py (info/simplified.json:
mass / (density scale^3) is the volume at scale 1), src/task/vis_obj.py (mesh/simplified.obj).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.dexgraspbench.obj_file import read_obj, write_obj
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.collision_shape import hull

Array = NDArray[np.float64]

PIECES = Path('urdf', 'meshes')


def write_bench_object(folder: Path, parts: Sequence[Array]) -> None:
    """Write convex parts (V, 3) [m], to be used at scale 1.

    The volume is the sum over the parts, so that the simulated mass is the one asked for even where
    parts overlap.
    """
    for name in (PIECES, Path('info'), Path('mesh')):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        write_obj(folder / PIECES / f'convex_piece_{number:03d}.obj', part)
    write_obj(folder / 'mesh' / 'simplified.obj', *parts)
    corners = np.concatenate(list(parts))
    solids = [hull(part).solid() for part in parts]
    volumes = np.array([solid.volume for solid in solids])
    centre = volumes @ np.array([solid.center_mass for solid in solids]) / volumes.sum()
    info = {
        'gravity_center': centre.tolist(),
        'obb': np.ptp(corners, axis=0).tolist(),
        'scale': 1.0,
        'density': 1.0,
        'mass': float(volumes.sum()),
    }
    (folder / 'info' / 'simplified.json').write_text(json.dumps(info, indent=1), encoding='utf-8')


def read_bench_object(folder: Path, scale: float) -> tuple[Array, ...]:
    """Vertices (V, 3) [m] of the convex pieces.

    Raises:
        Dex1bError: UNKNOWN_OBJECT when there are none; SHAPE_INVALID when one is malformed.
    """
    paths = sorted((folder / PIECES).glob('*.obj'))
    if not paths:
        raise Dex1bError(
            ErrorCode.UNKNOWN_OBJECT,
            f'{folder / PIECES}: no convex pieces; expected *.obj in the folder that obj_path '
            'names, or give the folder that a relative obj_path starts from',
        )
    return tuple(scale * read_obj(path) for path in paths)
