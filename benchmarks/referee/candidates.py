"""Grasp candidates of one hand for one object, as files hold them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
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
                f'candidates for {self.object} do not fit together: object_T_hand '
                f'{np.shape(self.object_T_hand)}, {", ".join(wrong)}; expected (N, 4, 4) and '
                f'(N, {j}) for the {j} joints named',
            )
        if not self.object_parts or any(len(part) < 4 for part in self.object_parts):
            raise Dex1bError(
                ErrorCode.SHAPE_INVALID,
                f'{self.object}: expected convex parts with at least four vertices each',
            )

    def __len__(self) -> int:
        return len(self.object_T_hand)

    def select(self, rows: slice | NDArray[np.int64]) -> Candidates:
        """Some of the grasps."""
        per_row = ('object_T_hand', 'pregrasp', 'grasp', 'squeeze')
        changes = {name: getattr(self, name)[rows] for name in per_row}
        approach = None if self.approach is None else self.approach[rows]
        return dataclasses.replace(self, **changes, approach=approach)

    @property
    def has_plane(self) -> bool:
        """Whether the object stands on something."""
        return bool(np.isfinite(self.support_plane).all())


def read_candidates(path: Path | str) -> Candidates:
    """Read a file that `dex1b synth` wrote.

    Raises:
        Dex1bError: INVALID_REQUEST when it is no such file or its arrays do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = dict(found)
    except (OSError, ValueError, EOFError) as error:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{path}: not a readable candidate file: {error}'
        ) from error
    needed = {'hand', 'object', 'joint_names', 'object_T_hand', 'pregrasp', 'grasp', 'squeeze',
              'object_vertices', 'object_faces', 'object_parts'}  # fmt: skip
    if not needed <= set(arrays):
        missing = ', '.join(sorted(needed - set(arrays)))
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'{path}: lacks {missing}; expected a file of dex1b synth'
        )
    vertices, faces, parts = (arrays[f'object_{k}'] for k in ('vertices', 'faces', 'parts'))
    return Candidates(
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


def write_candidates(path: Path | str, candidates: Candidates) -> None:
    """Write a file as `read_candidates` reads it."""
    from dex1b_core.geometry.convex import convex_part

    hulls = [convex_part(part) for part in candidates.object_parts]
    starts = np.cumsum([0, *(len(hull.vertices) for hull in hulls)])
    np.savez_compressed(
        path,
        hand=candidates.hand,
        object=candidates.object,
        scale=1.0,
        seed=0,
        kp=candidates.kp,
        joint_names=np.array(candidates.joint_names),
        object_T_hand=candidates.object_T_hand,
        pregrasp=candidates.pregrasp,
        grasp=candidates.grasp,
        squeeze=candidates.squeeze,
        object_vertices=np.concatenate([hull.vertices for hull in hulls]),
        object_faces=np.concatenate([h.faces + s for h, s in zip(hulls, starts, strict=False)]),
        object_parts=np.repeat(np.arange(len(hulls)), [len(hull.faces) for hull in hulls]),
        support_plane=candidates.support_plane,
        **({} if candidates.approach is None else {'approach': candidates.approach}),
    )
