"""Files of grasps, row by row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dex1b_core.benchmark.evaluation import Evaluation
from dex1b_core.data.demonstrations import SCHEMA, Demonstrations, Provenance
from dex1b_core.data.shards import ShardFolder
from dex1b_core.errors import Dex1bError
from dex1b_core.planning import FailureReason
from dex1b_core.robots import load_hand
from dex1b_core.viz.browser.data_files import find_entries
from dex1b_core.viz.browser.grasp_rows import open_grasps, open_shard


@pytest.fixture
def shards(tmp_path):
    hand = load_hand('ability_right')
    posture = [float(value) for value in hand.open]
    rows = [
        {'object': 'shape:sphere', 'scale': 1.0, 'plane': [0.0, 0.0, 1.0, 0.03],
         'translation': [0.0, 0.0, 0.1], 'rotation': np.eye(3).ravel().tolist(),
         'pregrasp': posture, 'grasp': posture, 'squeeze': posture, 'approach': [0.0, 0.0, -1.0],
         'point': [0.0, 0.0, 0.0], 'score': 0.8, 'energies': [0.5], 'penetration': 0.001,
         'self_penetration': 0.0, 'mujoco': mujoco, 'sapien': sapien,
         'reason': '' if mujoco else 'SLIPPED', 'source': 'optimizer', 'round': 0, 'seed': 3}
        for mujoco, sapien in ((1, 1), (0, 1), (-1, -1))
    ]  # fmt: skip
    made = Provenance(
        'ability_right', hand.joints, ('balance',), 5.0, 'six pushes', {'mujoco': '4'}
    )
    folder = ShardFolder.at(tmp_path / 'shards')
    folder.write('round-00-000000', Demonstrations(made, pa.Table.from_pylist(rows, SCHEMA)))
    return tmp_path


def test_a_shard_is_found_and_its_rows_are_told_apart(shards):
    (entry,) = find_entries(shards)
    assert (entry.kind, entry.label) == ('shards', 'shards/ (shards)')
    table = open_shard(entry.path, 'round-00-000000')
    assert table.held.tolist() == [1, 0, -1]
    assert table.numbers(0) == [1]
    assert table.numbers(None) == [0, 1, 2]
    assert ('versions', 'mujoco 4') in table.facts
    row = table.row(1)
    assert row.held is False
    assert dict(row.facts)['failed for'] == 'SLIPPED'
    np.testing.assert_allclose(row.object_T_hand[:3, 3], [0.0, 0.0, 0.1], atol=1e-6)
    assert set(row.postures['grasp']) == set(load_hand('ability_right').joints)
    assert table.row(2).held is None


def test_what_is_no_shard_is_refused(shards):
    (shards / 'shards' / 'bad.parquet').write_bytes(b'no shard')
    with pytest.raises(Dex1bError, match='not a readable shard'):
        open_shard(shards / 'shards', 'bad')


def test_verdicts_beside_a_file_are_read(data_folder, tmp_path):
    path = tmp_path / 'box.n2.npz'
    path.write_bytes((data_folder / 'box.npz').read_bytes())
    assert open_grasps(path).held.tolist() == [-1, -1]
    none = np.array(['', ''])
    reasons = np.array([FailureReason.NONE, FailureReason.DROPPED])
    Evaluation(
        'lift', np.array([True, False]), reasons, none, none, np.ones(2, int), np.ones(2, int), 1.0
    ).save(tmp_path / 'box.n2.lift.npz')
    table = open_grasps(path)
    assert table.held.tolist() == [1, 0]
    assert dict(table.row(1).facts) == {'object': 'box', 'lift': 'dropped'}
    assert [entry.label for entry in find_entries(tmp_path)] == ['box.n2.npz']
