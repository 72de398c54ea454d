"""Reads grasps in DexGraspBench's file format; `dexgraspbench` says what that is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.dexgraspbench.export import GRASPS, STAGES
from dex1b_core.benchmark.dexgraspbench.hand import BenchHand
from dex1b_core.benchmark.dexgraspbench.object import read_bench_object
from dex1b_core.benchmark.dexgraspbench.pickled_dict import read_pickled_dict
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]

_KEYS = ('obj_path', 'obj_scale', 'obj_pose', *(f'{stage}_qpos' for stage in STAGES))
_SAME = 1e-6  # [m or 1] by which hand poses of one grasp may differ


def import_dexgraspbench(
    folder: Path, hand: BenchHand | None = None, *, objects_from: Path | None = None
) -> tuple[GraspSet, ...]:
    """Read graspdata/**/*.npy; one set for each folder of files, in the order of their names.

    Args:
        folder: Holds graspdata.
        hand: Whose grasps they are; files of `export_dexgraspbench` say so themselves.
        objects_from: Where a relative obj_path starts; None takes `folder`.

    Raises:
        Dex1bError: INVALID_REQUEST when there are none or one is malformed; UNKNOWN_OBJECT and
            SHAPE_INVALID when an object cannot be read.
    """
    groups: dict[Path, list[Path]] = {}
    for path in sorted((folder / GRASPS).rglob('*.npy')):
        groups.setdefault(path.parent, []).append(path)
    if not groups:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{folder / GRASPS}: no *.npy; expected one for each grasp'
        )
    root = objects_from or folder
    return tuple(_read_group(paths, folder, hand, root) for paths in groups.values())


def _read_group(paths: list[Path], folder: Path, hand: BenchHand | None, root: Path) -> GraspSet:
    contents = [read_pickled_dict(path, _KEYS) for path in paths]
    first = contents[0]
    for key in ('obj_path', 'obj_scale'):
        if any(content[key] != first[key] for content in contents):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'{paths[0].parent}: files differ in {key}; expected one object for each folder',
            )
    extra = first.get('dex1b', {})
    hand = hand or _hand_of(paths[0], extra)
    poses = np.array([_pose(path, content, 'obj_pose') for path, content in
                      zip(paths, contents, strict=True)])  # fmt: skip
    bases, joints = _hand_states(paths, contents, hand)
    names = tuple(extra.get('joint_names', hand.joint_names))
    order = [hand.joint_names.index(name) for name in names]
    approaches = [content.get('dex1b', {}).get('approach') for content in contents]
    return GraspSet(
        hand=extra.get('hand', hand.key),
        object=extra.get('object', str(paths[0].parent.relative_to(folder / GRASPS))),
        joint_names=names,
        object_T_hand=np.linalg.inv(poses) @ bases @ hand.base_T_root,
        **{stage: hand.driven_of(values)[:, order] for stage, values in joints.items()},
        object_parts=read_bench_object(root / first['obj_path'], float(first['obj_scale'])),
        support_plane=np.asarray(extra.get('support_plane', np.full(4, np.nan)), dtype=float),
        approach=None if any(a is None for a in approaches) else np.array(approaches, dtype=float),
        kp=float(extra.get('kp', np.nan)),
    )


def _hand_of(path: Path, extra: Mapping[str, Any]) -> BenchHand:
    if 'bench_hand' not in extra:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path}: does not say which hand it is for; give `hand`, one of PUBLISHED_HANDS',
        )
    values = extra['bench_hand']
    return BenchHand(
        key=str(extra['hand']),
        config=str(values['config']),
        joint_names=tuple(values['joint_names']),
        slope=values['slope'],
        offset=values['offset'],
        base_T_root=values['base_T_root'],
    )


def _hand_states(
    paths: list[Path], contents: list[dict[str, Any]], hand: BenchHand
) -> tuple[Array, dict[str, Array]]:
    """Poses (N, 4, 4) of the base and joints (N, Q) by stage."""
    bases = []
    joints: dict[str, list[Array]] = {stage: [] for stage in STAGES}
    for path, content in zip(paths, contents, strict=True):
        poses = {}
        for stage in STAGES:
            values = np.asarray(content[f'{stage}_qpos'], dtype=float)
            expected = 7 + len(hand.offset)
            if values.shape != (expected,):
                raise Dex1bError(
                    ErrorCode.INVALID_REQUEST,
                    f'{path}: {stage}_qpos has shape {values.shape}; expected ({expected},) for '
                    f"hand '{hand.config}'",
                )
            poses[stage] = _pose(path, content, f'{stage}_qpos')
            joints[stage].append(values[7:])
        apart = [stage for stage in STAGES if abs(poses[stage] - poses['grasp']).max() > _SAME]
        if apart:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'{path}: the hand moves between {apart[0]} and grasp; a set of grasps holds one '
                'pose for all three',
            )
        bases.append(poses['grasp'])
    return np.array(bases), {stage: np.array(rows) for stage, rows in joints.items()}


def _pose(path: Path, content: Mapping[str, Any], key: str) -> Array:
    """(4, 4) of x, y, z and a quaternion w, x, y, z."""
    values = np.asarray(content[key], dtype=float)
    if values.ndim != 1 or len(values) < 7 or not np.isfinite(values).all():
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{path}: {key} {values.shape} holds no finite pose'
        )
    length = float(np.linalg.norm(values[3:7]))
    if abs(length - 1.0) > 1e-3:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path}: {key}[3:7] has length {length:.4g}; expected a unit quaternion w, x, y, z',
        )
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(values[3:7], scalar_first=True).as_matrix()
    pose[:3, 3] = values[:3]
    return pose
