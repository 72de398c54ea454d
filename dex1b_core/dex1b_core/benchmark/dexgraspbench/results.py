"""Reads what DexGraspBench's evaluation wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.dexgraspbench.export import RESULTS, files_of
from dex1b_core.benchmark.dexgraspbench.pickled_dict import read_pickled_dict
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]

_KEYS = ('succ_flag', 'delta_pos', 'delta_angle', 'ho_pene', 'self_pene', 'contact_num')


@dataclass(frozen=True)
class BenchResults:
    """What DexGraspBench found, N grasps.

    Attributes:
        success: (N,) held against all six pushes.
        shift: (N,) of the object at the end [m]; 100 where the pregrasp overlapped too much.
        turn: (N,) of the object at the end [rad]; 100 degrees there.
        penetration, self_penetration: (N,) in the grasp posture [m].
        contact_links: (N,) links closer than 2 mm to the object.
    """

    success: NDArray[np.bool_]
    shift: Array
    turn: Array
    penetration: Array
    self_penetration: Array
    contact_links: NDArray[np.int64]


def read_dexgraspbench_results(folder: Path, grasps: GraspSet) -> BenchResults:
    """What the evaluation wrote about one object's grasps of `export_dexgraspbench`.

    Raises:
        Dex1bError: INVALID_REQUEST when a result is missing or malformed.
    """
    below = folder / RESULTS / files_of(grasps.object)
    paths = [below / f'{row:06d}.npy' for row in range(len(grasps))]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{below}: lacks {len(missing)} of {len(paths)} results, {missing[0]} first; its log '
            'says why (it goes on after errors)',
        )
    found = [read_pickled_dict(path, _KEYS) for path in paths]
    columns = {key: np.array([content[key] for content in found]) for key in _KEYS}
    return BenchResults(
        success=columns['succ_flag'].astype(bool),
        shift=columns['delta_pos'].astype(float),
        turn=np.radians(columns['delta_angle'].astype(float)),
        penetration=columns['ho_pene'].astype(float),
        self_penetration=columns['self_pene'].astype(float),
        contact_links=columns['contact_num'].astype(np.int64),
    )
