"""Writes grasps in DexGraspBench's file format.

Format, from its src/task/evaluation.py and src/task/eval_func/base.py: one file graspdata/**/*.npy
for each grasp, a pickled dictionary with obj_path (folder of the object), obj_scale, obj_pose (7,),
pregrasp_qpos, grasp_qpos and squeeze_qpos (7 + Q,); positions in metres, quaternions w, x, y, z,
angles in radians; the results are files of the same names under evaluation/. Files written here
have one more entry, `dex1b`, which their code does not read.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.dexgraspbench.hand import BenchHand
from dex1b_core.benchmark.dexgraspbench.model import write_bench_hand
from dex1b_core.benchmark.dexgraspbench.object import write_bench_object
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.grasp_judge import source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.urdf_bodies import read_body_tree

Array = NDArray[np.float64]
Setting = Literal['fc', 'tabletop']

GRASPS, RESULTS, OBJECTS = 'graspdata', 'evaluation', 'objects'
STAGES = ('pregrasp', 'grasp', 'squeeze')


def export_dexgraspbench(
    grasps: GraspSet,
    folder: Path,
    *,
    hand: BenchHand | None = None,
    protocol: HoldProtocol | None = None,
    setting: Setting = 'fc',
) -> BenchHand:
    """Add the grasps of one object to a folder that `dexgraspbench_command` evaluates.

    Args:
        grasps: Of any hand.
        folder: Of the export; gets objects/NAME, graspdata/NAME and, where `hand` is left out, the
            hand as the protocol drives it.
        hand: One of `PUBLISHED_HANDS`, or what an earlier export returned.
        protocol: Drives of the hand.
        setting: 'tabletop' puts the support plane at z = 0; 'fc' leaves the object's frame.

    Raises:
        Dex1bError: INVALID_REQUEST when the object is there already, the joints are another hand's
            or 'tabletop' lacks a plane; SHAPE_INVALID when a part of the object has no volume.
    """
    target = folder / GRASPS / files_of(grasps.object)
    if target.exists():
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"{target}: grasps of '{grasps.object}' are there already; choose another folder",
        )
    if hand is None:
        tree = read_body_tree(source_of(grasps))
        drive = (protocol or HoldProtocol()).drive
        hand = write_bench_hand(Path(grasps.hand).stem, tree, drive, folder)
    world_T_object = _object_pose(grasps, setting)
    bases = world_T_object @ grasps.object_T_hand @ np.linalg.inv(hand.base_T_root)
    rows = {
        f'{stage}_qpos': np.concatenate(
            [_vectors(bases), hand.joints_of(getattr(grasps, stage), grasps.joint_names)], axis=1
        )
        for stage in STAGES
    }
    object_folder = folder / OBJECTS / target.parent.name
    write_bench_object(object_folder, grasps.object_parts)
    shared = {
        'obj_path': str(object_folder.resolve()),
        'obj_scale': 1.0,
        'obj_pose': _vectors(world_T_object[None])[0],
    }
    target.mkdir(parents=True)
    for row in range(len(grasps)):
        content = {**shared, **{key: values[row] for key, values in rows.items()}}
        content['dex1b'] = _extra(grasps, row, hand)
        np.save(target / f'{row:06d}.npy', np.array(content, dtype=object), allow_pickle=True)
    return hand


def files_of(object_name: str) -> Path:
    """Folder of an object's files under graspdata and evaluation."""
    return Path(re.sub(r'[^\w.-]+', '_', object_name), 'scale100_pose000')


def dexgraspbench_command(
    folder: Path,
    hand: BenchHand,
    protocol: HoldProtocol | None = None,
    *,
    setting: Setting = 'fc',
    workers: int = 2,
) -> str:
    """The command that evaluates an export, to be run in a checkout of DexGraspBench.

    Stages, durations, six directions and a push of 10 m/s^2 times the mass are fixed in its code.
    """
    asked = protocol or HoldProtocol()
    path = folder.resolve()
    words = ['python', 'src/main.py', '--config-dir', str(path / 'config')]
    if not (path / 'config' / 'hand' / f'{hand.config}.yaml').is_file():  # a hand of theirs
        del words[2:]
    words += [
        'task=eval',
        f'setting={setting}',
        f'hand={hand.config}',
        f'save_dir={path}',
        f'n_worker={workers}',
        f'task.obj_mass={asked.mass!r}',
        f'task.miu_coef=[{asked.friction!r},{asked.torsion!r}]',
        f'task.simulation_metrics.max_pene={asked.max_start_overlap!r}',
        f'task.simulation_metrics.trans_thre={asked.max_shift!r}',
        f'task.simulation_metrics.angle_thre={np.degrees(asked.max_turn):.12g}',
    ]
    return shlex.join(words)


def _object_pose(grasps: GraspSet, setting: Setting) -> Array:
    """(4, 4) in the benchmark's world."""
    pose = np.eye(4)
    if setting == 'fc':
        return pose
    if grasps.plane is None:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"'{grasps.object}' floats; setting 'tabletop' expects a support plane",
        )
    turn, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [grasps.plane[:3]])
    pose[:3, :3], pose[2, 3] = turn.as_matrix(), grasps.plane[3]
    return pose


def _extra(grasps: GraspSet, row: int, hand: BenchHand) -> dict[str, Any]:
    return {
        'hand': grasps.hand,
        'object': grasps.object,
        'joint_names': list(grasps.joint_names),
        'bench_hand': {
            'config': hand.config,
            'joint_names': list(hand.joint_names),
            'slope': hand.slope,
            'offset': hand.offset,
            'base_T_root': hand.base_T_root,
        },
        'support_plane': grasps.support_plane,
        'approach': None if grasps.approach is None else grasps.approach[row],
        'kp': float(grasps.kp),
    }


def _vectors(poses: Array) -> Array:
    """(N, 7) x, y, z and quaternion w, x, y, z of poses (N, 4, 4)."""
    turns = Rotation.from_matrix(poses[:, :3, :3]).as_quat(scalar_first=True)
    vectors: Array = np.concatenate([poses[:, :3, 3], turns], axis=1)
    return vectors
