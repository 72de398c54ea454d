"""Grasps of one hand for one object, in memory and as files."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.array_cache import write_arrays
from dex1b_core.geometry.convex import convex_part

Array = NDArray[np.float64]

_FIELDS = {'hand', 'object', 'joint_names', 'object_T_hand', 'pregrasp', 'grasp', 'squeeze',
           'object_vertices', 'object_faces', 'object_parts'}  # fmt: skip


@dataclass(frozen=True)
class GraspSet:
    """N grasps in the object's frame [m, rad].

    Attributes:
        hand: Name under config/hands, or the path of such a file.
        object: What the object is called.
        joint_names: (J,) driven joints.
        object_T_hand: (N, 4, 4) pose of the hand's root link.
        pregrasp, grasp, squeeze: (N, J) postures.
        object_parts: Vertices (V, 3) of each convex part; their union is the object.
        support_plane: (4,) unit normal and offset, n.x + d > 0 above; NaN when the object floats.
        approach: (N, 3) unit directions of the last stretch; None when there is none.
        kp: Position gain that the squeeze was computed for [N m/rad]; NaN when unknown.
    """

    hand: str
    object: str
    joint_names: tuple[str, ...]
    object_T_hand: Array
    pregrasp: Array
    grasp: Array
    squeeze: Array
    object_parts: tuple[Array, ...]
    support_plane: Array
    approach: Array | None = None
    kp: float = float('nan')

    def __post_init__(self) -> None:
        n, j = len(self.object_T_hand), len(self.joint_names)
        shapes = {name: np.shape(getattr(self, name)) for name in ('pregrasp', 'grasp', 'squeeze')}
        wrong = [f'{name} {shape}' for name, shape in shapes.items() if shape != (n, j)]
        if np.shape(self.object_T_hand) != (n, 4, 4) or wrong:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'grasps of {self.object} do not fit together: object_T_hand '
                f'{np.shape(self.object_T_hand)}, {", ".join(wrong)}; expected (N, 4, 4) and '
                f'(N, {j}) for the {j} joints named',
            )
        aside = {'support_plane': (4,)} | ({} if self.approach is None else {'approach': (n, 3)})
        for name, expected in aside.items():
            found = np.shape(getattr(self, name))
            if found != expected:
                raise Dex1bError(
                    ErrorCode.INVALID_REQUEST,
                    f'grasps of {self.object}: {name} has shape {found}; expected {expected}',
                )
        if not self.object_parts or any(len(part) < 4 for part in self.object_parts):
            raise Dex1bError(
                ErrorCode.SHAPE_INVALID,
                f'{self.object}: expected convex parts with at least four vertices each',
            )

    def __len__(self) -> int:
        return len(self.object_T_hand)

    def select(self, rows: slice | NDArray[np.int64]) -> GraspSet:
        """Some of the grasps."""
        per_row = ('object_T_hand', 'pregrasp', 'grasp', 'squeeze')
        changes = {name: getattr(self, name)[rows] for name in per_row}
        approach = None if self.approach is None else self.approach[rows]
        return dataclasses.replace(self, **changes, approach=approach)

    @property
    def plane(self) -> Array | None:
        """`support_plane`, None when the object floats."""
        return self.support_plane if np.isfinite(self.support_plane).all() else None


def read_grasps(path: Path | str) -> GraspSet:
    """Read a file that `dex1b synth` or `write_grasps` wrote.

    Raises:
        Dex1bError: INVALID_REQUEST when it is no such file or its arrays do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = dict(found)
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{path}: not a readable file of grasps: {error}'
        ) from error
    if not set(arrays) >= _FIELDS:
        missing = ', '.join(sorted(_FIELDS - set(arrays)))
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{path}: lacks {missing}; expected a file of dex1b synth'
        )
    vertices, faces, parts = (arrays[f'object_{k}'] for k in ('vertices', 'faces', 'parts'))
    return GraspSet(
        hand=str(arrays['hand']),
        object=str(arrays['object']),
        joint_names=tuple(str(name) for name in arrays['joint_names']),
        **{
            name: np.asarray(arrays[name], dtype=float)
            for name in ('object_T_hand', 'pregrasp', 'grasp', 'squeeze')
        },
        object_parts=tuple(
            np.asarray(vertices[np.unique(faces[parts == part])], dtype=float)
            for part in np.unique(parts)
        ),
        support_plane=np.asarray(arrays.get('support_plane', np.full(4, np.nan)), dtype=float),
        approach=np.asarray(arrays['approach'], dtype=float) if 'approach' in arrays else None,
        kp=float(arrays.get('kp', np.nan)),
    )


def write_grasps(
    path: Path, grasps: GraspSet, extra: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a file as `read_grasps` reads it; it appears in one step.

    Fields: hand, object, kp [N m/rad], joint_names (J,), object_T_hand (N, 4, 4) pose of the
    hand's root link [m], pregrasp, grasp and squeeze (N, J) [rad], approach (N, 3), object_vertices
    (V, 3) [m], object_faces (F, 3), object_parts (F,) convex part of each face, support_plane (4,),
    NaN where the object floats.

    Args:
        path: Ends in .npz.
        grasps: What to write.
        extra: Further fields.
    """
    hulls = [convex_part(part) for part in grasps.object_parts]
    starts = np.cumsum([0, *(len(hull.vertices) for hull in hulls)])
    fields: dict[str, NDArray[Any]] = {
        'hand': np.array(grasps.hand),
        'object': np.array(grasps.object),
        'kp': np.array(grasps.kp),
        'joint_names': np.array(grasps.joint_names),
        'object_T_hand': grasps.object_T_hand,
        'pregrasp': grasps.pregrasp,
        'grasp': grasps.grasp,
        'squeeze': grasps.squeeze,
        'object_vertices': np.concatenate([hull.vertices for hull in hulls]),
        'object_faces': np.concatenate([h.faces + s for h, s in zip(hulls, starts, strict=False)]),
        'object_parts': np.repeat(np.arange(len(hulls)), [len(hull.faces) for hull in hulls]),
        'support_plane': grasps.support_plane,
    }
    if grasps.approach is not None:
        fields['approach'] = grasps.approach
    write_arrays(path, {**fields, **(extra or {})}, compressed=True)
