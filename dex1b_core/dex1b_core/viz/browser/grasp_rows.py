"""Grasps in files, a row at a time: shards of the data engine, and sets of `dex1b synth`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]
Mesh = tuple[Array, NDArray[np.int64]]

POSTURES = ('pregrasp', 'grasp', 'squeeze')


@dataclass(frozen=True)
class GraspRow:
    """One grasp, in the object's frame.

    Attributes:
        object_T_hand: (4, 4) pose of the hand's root link.
        postures: 'pregrasp', 'grasp' and 'squeeze', each joint positions [rad] by name.
        mesh: Vertices (V, 3) [m] and faces (F, 3) of the object.
        plane: (4,) unit normal and offset of the support; None when the object floats.
        held: Whether physics held it; None when it was not tried.
        facts: Names and values for the eye.
    """

    object_T_hand: Array
    postures: dict[str, dict[str, float]]
    mesh: Mesh
    plane: Array | None
    held: bool | None
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class GraspTable:
    """Rows of one file.

    Attributes:
        title: What they are.
        hand: Name or file of its description.
        held: (N,) 1 held, 0 failed, -1 not tried.
        facts: Of all rows.
        row: Reads one, by its number.
    """

    title: str
    hand: str
    held: NDArray[np.int8]
    facts: tuple[tuple[str, str], ...]
    row: Callable[[int], GraspRow]

    def __len__(self) -> int:
        return len(self.held)

    def numbers(self, verdict: int | None) -> list[int]:
        """Of the rows with a verdict, 1, 0 or -1; None: all."""
        chosen = np.ones(len(self.held), bool) if verdict is None else self.held == verdict
        return [int(number) for number in np.flatnonzero(chosen)]


def open_shard(folder: Path | str, name: str) -> GraspTable:
    """A shard of `dex1b engine run`.

    Raises:
        Dex1bError: INVALID_REQUEST when it is no shard.
    """
    from dex1b_core.data.shards import ShardFolder

    rows = ShardFolder.at(folder).read(name)
    made = rows.provenance
    mujoco, sapien = rows.values('mujoco'), rows.values('sapien')
    tried = (mujoco >= 0) | (sapien >= 0)
    held = np.where(tried, rows.held, -1).astype(np.int8)

    def read(number: int) -> GraspRow:
        cells = rows.table.slice(number, 1).to_pylist()[0]
        pose = np.eye(4)
        pose[:3, :3] = np.reshape(cells['rotation'], (3, 3))
        pose[:3, 3] = cells['translation']
        plane = np.array(cells['plane'], dtype=float)
        facts = [
            ('object', cells['object']), ('from', f'{cells["source"]}, round {cells["round"]}'),
            ('MuJoCo', _verdict(cells['mujoco'])), ('SAPIEN', _verdict(cells['sapien'])),
            ('failed for', cells['reason'] or '-'),
            ('predicted to hold', f'{cells["score"]:.0%}'),
            ('penetration', f'{1e3 * cells["penetration"]:.1f} mm'),
            ('seed', str(cells['seed'])),
            *((name, f'{value:.3g}') for name, value in
              zip(made.energies, cells['energies'], strict=False)),
        ]  # fmt: skip
        return GraspRow(
            pose,
            {name: dict(zip(made.joints, cells[name], strict=True)) for name in POSTURES},
            _object_mesh(cells['object'], float(cells['scale'])),
            plane if np.isfinite(plane).all() else None,
            None if held[number] < 0 else bool(held[number]),
            tuple(facts),
        )

    versions = ', '.join(f'{package} {version}' for package, version in made.versions.items())
    facts = (('protocol', made.protocol), ('versions', versions))
    return GraspTable(f'{name}: {len(rows)} grasps', made.hand, held, facts, read)


def open_grasps(path: Path) -> GraspTable:
    """A file of `dex1b synth` or `dex1b bench grasp`, with the verdicts that lie beside it.

    Raises:
        Dex1bError: INVALID_REQUEST when it is no such file.
    """
    from dex1b_core.benchmark.evaluation import Evaluation
    from dex1b_core.data.grasp_set import read_grasps
    from dex1b_core.geometry.convex import convex_part
    from dex1b_core.geometry.solids import fuse
    from dex1b_core.planning import FailureReason

    grasps = read_grasps(path)
    found = [Evaluation.load(other) for other in evaluation_files(path)]
    evaluations = [e for e in found if len(e.success) == len(grasps)]
    held = np.full(len(grasps), -1, np.int8)
    if evaluations:
        held = evaluations[0].success.astype(np.int8)
    body = fuse([convex_part(part) for part in grasps.object_parts], gap=1e-4)

    def read(number: int) -> GraspRow:
        facts = [('object', grasps.object)]
        for evaluation in evaluations:
            reason = FailureReason(int(evaluation.reason[number])).name.lower().replace('_', ' ')
            words = 'holds' if evaluation.success[number] else reason
            facts.append((evaluation.protocol, words))
        return GraspRow(
            grasps.object_T_hand[number],
            {
                name: dict(zip(grasps.joint_names, getattr(grasps, name)[number], strict=True))
                for name in POSTURES
            },
            (body.vertices, body.faces),
            grasps.plane,
            None if held[number] < 0 else bool(held[number]),
            tuple(facts),
        )

    return GraspTable(f'{path.name}: {len(grasps)} grasps', grasps.hand, held, (), read)


def evaluation_files(path: Path) -> Sequence[Path]:
    """Files of verdicts on a file of grasps."""
    return [
        other
        for other in sorted(path.parent.glob(f'{_escaped(path.stem)}.*.npz'))
        if _fields(other) >= {'protocol', 'success', 'reason'}
    ]


def is_grasps(path: Path) -> bool:
    """Whether a file holds grasps."""
    return _fields(path) >= {'object_T_hand', 'pregrasp', 'grasp', 'squeeze'}


def _fields(path: Path) -> set[str]:
    """Names in a .npz file; none when it is not one."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as file:
            return {name.removesuffix('.npy') for name in file.namelist()}
    except (OSError, zipfile.BadZipFile):
        return set()


def _escaped(text: str) -> str:
    import glob

    return glob.escape(text)


def _verdict(value: int) -> str:
    return {1: 'held', 0: 'failed'}.get(value, 'not tried')


@lru_cache(maxsize=8)
def _object_mesh(spec: str, scale: float) -> Mesh:
    from dex1b_core.geometry.object_model import load_object

    try:
        model = load_object(spec, scale=scale)
    except Dex1bError as error:
        raise Dex1bError(
            ErrorCode.UNKNOWN_OBJECT,
            f"the shard's object '{spec}' cannot be loaded here: {error.message}",
        ) from error
    return model.vertices, model.faces
