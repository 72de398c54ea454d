"""Rows of the data engine: a grasp, where it comes from, and what physics says of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float32]

SCHEMA_VERSION = 1
NOT_TRIED = -1


def _vector(size: int) -> Any:
    return pa.list_(pa.float32(), size)


SCHEMA = pa.schema(
    [
        ('object', pa.string()),  # as `load_object` or `load_articulated` takes it
        ('scale', pa.float32()),  # that it was given
        ('plane', _vector(4)),  # support, unit normal and offset [m]; NaN when the object floats
        ('translation', _vector(3)),  # of the hand's root, object frame [m]
        ('rotation', _vector(9)),  # rows of the matrix
        ('pregrasp', pa.list_(pa.float32())),  # [rad], in the order of the file's joints
        ('grasp', pa.list_(pa.float32())),
        ('squeeze', pa.list_(pa.float32())),
        ('approach', _vector(3)),  # unit, object frame
        ('point', _vector(3)),  # associated point, object frame [m]
        ('score', pa.float32()),  # predicted probability of holding
        ('energies', pa.list_(pa.float32())),  # in the order of the file's energies
        ('penetration', pa.float32()),  # hand in object [m]
        ('self_penetration', pa.float32()),  # [m]
        ('mujoco', pa.int8()),  # 1 held, 0 failed, -1 not tried
        ('sapien', pa.int8()),
        ('reason', pa.string()),  # of the first failure; '' without
        ('source', pa.string()),  # 'optimizer' or 'dexsimple'
        ('round', pa.int32()),
        ('seed', pa.int64()),
    ]
)
"""Columns of a shard; what all rows of one share stands in its metadata: `Provenance`."""


def rows_table(columns: Mapping[str, Any]) -> pa.Table:
    """A table of `SCHEMA` from its columns, in any order and of types that fit."""
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in SCHEMA]
    return pa.table(arrays, schema=SCHEMA)


@dataclass(frozen=True)
class Provenance:
    """What all rows of a shard have in common.

    Attributes:
        hand: Name or file of its description.
        joints: Driven joints, in the order of postures.
        energies: Names of the energies.
        stiffness: Gain that squeezes are for [N m/rad].
        protocol: Of the verdicts.
        versions: Of what made and judged them, by package.
        seconds: Processor time of each stage for all of the shard's rows.
    """

    hand: str
    joints: tuple[str, ...]
    energies: tuple[str, ...]
    stiffness: float
    protocol: str
    versions: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)

    def to_metadata(self) -> dict[bytes, bytes]:
        """For a Parquet file."""
        content = {'schema_version': SCHEMA_VERSION, **dataclasses.asdict(self)}
        return {b'dex1b': json.dumps(content, sort_keys=True).encode()}

    @classmethod
    def from_metadata(cls, metadata: dict[bytes, bytes] | None, path: str) -> Self:
        """Of a shard.

        Raises:
            Dex1bError: INVALID_REQUEST for a file of something else or another version.
        """
        content = json.loads((metadata or {}).get(b'dex1b', b'{}'))
        version = content.pop('schema_version', None)
        if version != SCHEMA_VERSION:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'{path}: schema version {version}; this version reads {SCHEMA_VERSION}. Make the '
                'data again, or read it with the version that wrote it',
            )
        content['joints'], content['energies'] = (
            tuple(content['joints']),
            tuple(content['energies']),
        )
        return cls(**content)

    def require_same_hand(self, other: Provenance, path: str) -> None:
        """Refuse to mix hands.

        Raises:
            Dex1bError: INVALID_REQUEST; the message names both.
        """
        if (self.hand, self.joints) != (other.hand, other.joints):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"{path} holds grasps of '{other.hand}' with the joints "
                f"{', '.join(other.joints)}; expected '{self.hand}' with "
                f'{", ".join(self.joints)}: keep hands in folders of their own',
            )


@dataclass(frozen=True)
class Demonstrations:
    """N rows in memory.

    Attributes:
        provenance: Of all of them.
        table: With `SCHEMA`.
    """

    provenance: Provenance
    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def vectors(self, name: str) -> Array:
        """(N, K) of a column of lists of one length."""
        column = self.table.column(name).combine_chunks()
        flat = column.flatten().to_numpy(zero_copy_only=False)
        values: Array = flat.astype(np.float32).reshape(len(self), -1)
        return values

    def values(self, name: str) -> NDArray[Any]:
        """(N,) of a plain column."""
        found: NDArray[Any] = self.table.column(name).to_numpy()
        return found

    @property
    def held(self) -> NDArray[np.bool_]:
        """(N,) in every engine that tried, and in at least one."""
        mujoco, sapien = self.values('mujoco'), self.values('sapien')
        held: NDArray[np.bool_] = (mujoco != 0) & (sapien != 0) & ((mujoco == 1) | (sapien == 1))
        return held

    def select(self, keep: NDArray[Any]) -> Demonstrations:
        """The rows with these indices, or where a mask is true."""
        rows = np.flatnonzero(keep) if keep.dtype == bool else keep
        return dataclasses.replace(self, table=self.table.take(pa.array(rows)))
