"""Shards: written once, whole or not at all, and never mixed."""

import dataclasses
import multiprocessing
import os
import signal
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from dex1b_core.data.demonstrations import SCHEMA, Demonstrations, Provenance
from dex1b_core.data.shards import ShardFolder, lists
from dex1b_core.errors import Dex1bError

PROVENANCE = Provenance('hand', ('a', 'b'), ('balance',), 5.0, 'six', {'mujoco': '4'}, {'x': 1.5})


def rows(count, *, first=0, provenance=PROVENANCE, mujoco=1, sapien=1):
    joints = len(provenance.joints)
    numbers = np.arange(first, first + count, dtype=np.float32)
    columns = {
        'object': [f'shape:{i % 3}' for i in range(count)],
        'plane': lists(np.full((count, 4), np.nan)),
        'rotation': lists(np.tile(np.eye(3).ravel(), (count, 1))),
        'energies': lists(np.zeros((count, 1))),
        'reason': [''] * count,
        'source': ['optimizer'] * count,
        'mujoco': np.full(count, mujoco, dtype=np.int8),
        'sapien': np.full(count, sapien, dtype=np.int8),
        **{name: lists(np.tile(numbers[:, None], (1, 3)))
           for name in ('translation', 'approach', 'point')},
        **{name: lists(np.tile(numbers[:, None], (1, joints)))
           for name in ('pregrasp', 'grasp', 'squeeze')},
    }  # fmt: skip
    arrays = [
        pa.array(columns.get(field.name, np.zeros(count))).cast(field.type) for field in SCHEMA
    ]
    return Demonstrations(provenance, pa.table(arrays, schema=SCHEMA))


def test_what_is_written_is_read(tmp_path):
    folder = ShardFolder.at(tmp_path / 'shards')
    assert folder.names() == []
    folder.write('round-00-000000', rows(5))
    assert folder.names() == ['round-00-000000']
    found = folder.read('round-00-000000')
    assert found.provenance == PROVENANCE
    assert found.table.schema == SCHEMA
    assert found.vectors('grasp').tolist() == [[i, i] for i in range(5)]
    assert np.isnan(found.vectors('plane')).all()
    assert folder.size(folder.names()) > 0


def test_a_shard_is_written_once(tmp_path):
    folder = ShardFolder.at(tmp_path)
    folder.write('one', rows(5))
    folder.write('one', rows(9))
    assert len(folder.read_all()) == 5


def test_any_address_of_a_file_system(tmp_path):
    folder = ShardFolder.at(f'file://{tmp_path}/shards')
    folder.write('one', rows(2))
    assert len(ShardFolder.at(tmp_path / 'shards').read_all()) == 2


@settings(deadline=None, max_examples=50)
@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0)))
def test_lists_keep_every_number(values):
    assert (
        pa.array(lists(values)).to_pylist() == [row.tolist() for row in values]
        or np.isnan(values).any()
    )


def test_held_means_in_every_engine_that_tried():
    verdicts = {(1, 1): True, (1, 0): False, (0, -1): False, (1, -1): True, (-1, -1): False}
    for (mujoco, sapien), held in verdicts.items():
        assert rows(1, mujoco=mujoco, sapien=sapien).held.tolist() == [held]


def test_hands_are_not_mixed(tmp_path):
    folder = ShardFolder.at(tmp_path)
    folder.write('one', rows(2))
    other = dataclasses.replace(PROVENANCE, hand='claw', joints=('a', 'b', 'c'))
    folder.write('two', rows(2, provenance=other))
    with pytest.raises(Dex1bError, match=r"holds grasps of 'claw'.*expected 'hand'"):
        folder.read_all()


@pytest.mark.parametrize('content', [b'', b'PAR1', b'not parquet at all'])
def test_a_broken_shard_is_named(tmp_path, content):
    (tmp_path / 'one.parquet').write_bytes(content)
    with pytest.raises(Dex1bError, match=r'one.parquet: not a readable shard'):
        ShardFolder.at(tmp_path).read('one')


def test_a_truncated_shard_is_named(tmp_path):
    folder = ShardFolder.at(tmp_path)
    folder.write('one', rows(50))
    path = tmp_path / 'one.parquet'
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Dex1bError, match='not a readable shard'):
        folder.read('one')


def test_foreign_parquet_is_refused(tmp_path):
    pq.write_table(pa.table({'x': [1]}), tmp_path / 'one.parquet')
    with pytest.raises(Dex1bError, match='schema version None; this version reads 1'):
        ShardFolder.at(tmp_path).read_all()


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(Dex1bError, match='holds no shards'):
        ShardFolder.at(tmp_path).read_all()


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """/dev/full refuses every byte."""
    folder = ShardFolder.at(tmp_path)
    folder.write('one', rows(3))
    full = dataclasses.replace(folder, filesystem=_Full(folder.filesystem))
    with pytest.raises(Dex1bError, match=r'two.parquet: cannot be written.*complete'):
        full.write('two', rows(3))
    assert folder.names() == ['one']
    assert len(folder.read_all()) == 3
    assert [path.name for path in tmp_path.iterdir()] == ['one.parquet']


class _Full:
    """A file system whose streams end in /dev/full."""

    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        return getattr(self._real, name)

    def open_output_stream(self, path):
        self._real.open_output_stream(path).close()
        return pa.OSFile('/dev/full', 'w')


def _write_for_ever(address):
    folder, number = ShardFolder.at(address), 0
    while True:
        folder.write(f'shard-{number:04d}', rows(2000, first=number))
        number += 1


def test_killed_writers_leave_whole_shards(tmp_path):
    context = multiprocessing.get_context('spawn')
    for _ in range(3):
        writer = context.Process(target=_write_for_ever, args=(str(tmp_path),))
        writer.start()
        deadline, before = time.monotonic() + 60.0, len(list(tmp_path.glob('*.parquet')))
        while len(list(tmp_path.glob('*.parquet'))) < before + 3 and time.monotonic() < deadline:
            time.sleep(0.003)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    folder = ShardFolder.at(tmp_path)
    assert all(len(folder.read(name)) == 2000 for name in folder.names())
    folder.tidy()
    assert {path.suffix for path in tmp_path.iterdir()} == {'.parquet'}
