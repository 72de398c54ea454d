"""Shards: Parquet files of demonstrations on any file system that pyarrow knows.

A shard is there completely or not at all, and is written once: its name says what is in it, so
that whoever repeats work after a crash finds what was done.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from dex1b_core.data.demonstrations import SCHEMA, Demonstrations, Provenance
from dex1b_core.errors import Dex1bError, ErrorCode

SUFFIX = '.parquet'
_PARTIAL = '.partial'


@dataclass(frozen=True)
class ShardFolder:
    """A folder of shards.

    Attributes:
        filesystem: Where it is.
        path: Within it.
    """

    filesystem: Any
    path: str

    @classmethod
    def at(cls, address: str | Path) -> Self:
        """A local path, or an address with a scheme such as `s3://bucket/folder`."""
        text = str(address)
        if '://' in text:
            filesystem, path = fs.FileSystem.from_uri(text)
        else:
            filesystem, path = fs.LocalFileSystem(), str(Path(text).absolute())
        return cls(filesystem, path.rstrip('/'))

    def names(self) -> list[str]:
        """Shards, without suffix, in order."""
        selector = fs.FileSelector(self.path, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        names = [info.base_name for info in found if info.is_file]
        return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))

    def has(self, name: str) -> bool:
        """Whether a shard is there."""
        return bool(self.filesystem.get_file_info(self._file(name)).is_file)

    def size(self, names: Sequence[str]) -> int:
        """Bytes of some shards."""
        found = self.filesystem.get_file_info([self._file(name) for name in names])
        return sum(int(info.size or 0) for info in found)

    def write(self, name: str, rows: Demonstrations) -> None:
        """Write a shard, unless it is there: repeated work must not count twice.

        Local files are moved into place when complete; object stores show nothing before.

        Raises:
            Dex1bError: UNKNOWN when it cannot be written (disk full, no permission); nothing of
                it stays.
        """
        if self.has(name):
            return
        table = rows.table.cast(SCHEMA).replace_schema_metadata(rows.provenance.to_metadata())
        final = self._file(name)
        partial = f'{final}.{uuid.uuid4().hex}{_PARTIAL}'
        moves = isinstance(self.filesystem, fs.LocalFileSystem)
        target = partial if moves else final
        try:
            self.filesystem.create_dir(self.path, recursive=True)
            with self.filesystem.open_output_stream(target) as stream:
                pq.write_table(table, stream, compression='zstd')
            if moves:
                self.filesystem.move(partial, final)
        except OSError as error:
            self._forget(target)
            raise Dex1bError(
                ErrorCode.UNKNOWN,
                f'{final}: cannot be written ({error}); what was written before is complete. Make '
                'room or choose another folder, and run the same command again',
            ) from error

    def provenance(self, name: str) -> Provenance:
        """Of one shard.

        Raises:
            Dex1bError: INVALID_REQUEST when it is no shard of this version.
        """
        with self._opened(name) as file:
            return Provenance.from_metadata(file.schema_arrow.metadata, self._file(name))

    def read(self, name: str) -> Demonstrations:
        """One shard.

        Raises:
            Dex1bError: INVALID_REQUEST when it is no shard of this version.
        """
        with self._opened(name) as file:
            metadata = file.schema_arrow.metadata
            made = Provenance.from_metadata(metadata, self._file(name))
            return Demonstrations(made, file.read().replace_schema_metadata(None))

    def stream(self, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Demonstrations]:
        """Shard by shard, those whose name is wanted, all of one hand.

        Raises:
            Dex1bError: INVALID_REQUEST for a file that is no shard, or one of another hand.
        """
        first: Provenance | None = None
        for name in filter(wanted, self.names()):
            rows = self.read(name)
            first = first or rows.provenance
            first.require_same_hand(rows.provenance, self._file(name))
            yield rows

    def read_all(self, wanted: Callable[[str], bool] = lambda name: True) -> Demonstrations:
        """Everything, for data that fit in memory.

        Raises:
            Dex1bError: INVALID_REQUEST as `stream`, or when there is nothing.
        """
        parts = list(self.stream(wanted))
        if not parts:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"{self.path} holds no shards; expected files '*{SUFFIX}' of 'dex1b engine run'",
            )
        return Demonstrations(parts[0].provenance, pa.concat_tables(part.table for part in parts))

    def tidy(self) -> None:
        """Remove what killed writers left."""
        selector = fs.FileSelector(self.path, allow_not_found=True)
        for info in self.filesystem.get_file_info(selector):
            if info.is_file and info.base_name.endswith(_PARTIAL):
                self._forget(info.path)

    def _opened(self, name: str) -> Any:
        path = self._file(name)
        try:
            return pq.ParquetFile(self.filesystem.open_input_file(path))
        except (pa.ArrowInvalid, OSError) as error:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'{path}: not a readable shard ({error}); remove it and run the engine again',
            ) from error

    def _forget(self, path: str) -> None:
        if self.filesystem.get_file_info(path).is_file:
            self.filesystem.delete_file(path)

    def _file(self, name: str) -> str:
        return f'{self.path}/{name}{SUFFIX}'


def lists(values: Any) -> pa.Array:
    """(N, K) numbers as a column of lists."""
    array = np.ascontiguousarray(values, dtype=np.float32)
    count, size = array.shape
    offsets = size * np.arange(count + 1, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(array.reshape(-1)))
