"""Grasps in memory and on disk."""

from dataclasses import fields, replace

import numpy as np
import pytest
import trimesh

from dex1b_core.data import GraspSet, read_grasps, write_grasps
from dex1b_core.errors import Dex1bError, ErrorCode

CUBE = np.asarray(trimesh.creation.box([0.05] * 3).vertices)
TABLE = np.array([0.0, 0.0, 1.0, 0.025])
FLOATING = np.full(4, np.nan)


def grasps(n, **changes):
    rng = np.random.default_rng(0)
    pregrasp, grasp, squeeze = rng.normal(size=(3, n, 2))
    poses = np.repeat(np.eye(4)[None], n, axis=0)
    poses[:, :3, 3] = rng.normal(size=(n, 3))
    made = GraspSet(
        'jaws', 'cube', ('left', 'right'), poses, pregrasp, grasp, squeeze, (CUBE,), FLOATING
    )
    return replace(made, **changes)


@pytest.fixture
def table():
    return grasps(
        3,
        support_plane=TABLE,
        approach=np.tile([0.0, 0.0, -1.0], (3, 1)),
        kp=5.0,
        object_parts=(CUBE, CUBE + 0.02),
    )


def test_file_round_trip(tmp_path, table):
    write_grasps(tmp_path / 'c.npz', table)
    read = read_grasps(tmp_path / 'c.npz')
    for field in fields(GraspSet):
        if field.name != 'object_parts':
            one, other = getattr(table, field.name), getattr(read, field.name)
            np.testing.assert_array_equal(one, other)
    assert len(read.object_parts) == 2
    for one, other in zip(table.object_parts, read.object_parts, strict=True):
        assert sorted(one.tolist()) == sorted(other.tolist())


def test_what_may_be_missing_is_missing_after_a_round_trip(tmp_path):
    path = tmp_path / 'new' / 'c.npz'
    write_grasps(path, grasps(1), {'score': np.array([0.5])})
    read = read_grasps(path)
    assert read.approach is None
    assert read.plane is None
    assert np.isnan(read.kp)
    with np.load(path) as data:
        assert data['score'].tolist() == [0.5]
    assert list(path.parent.iterdir()) == [path]


def test_some_of_the_grasps(table):
    assert len(table) == 3
    for rows in (slice(1, 3), np.array([1, 2])):
        chosen = table.select(rows)
        assert len(chosen) == len(chosen.approach) == 2
        np.testing.assert_array_equal(chosen.squeeze, table.squeeze[1:])
        np.testing.assert_array_equal(chosen.object_T_hand, table.object_T_hand[1:])
        np.testing.assert_array_equal(chosen.plane, TABLE)
    assert grasps(2).select(slice(1)).approach is None


def test_files_that_are_none(tmp_path):
    (tmp_path / 'text.npz').write_text('no')
    np.savez(tmp_path / 'few.npz', hand='ability_right')
    with pytest.raises(Dex1bError, match='not a readable file of grasps') as caught:
        read_grasps(tmp_path / 'text.npz')
    assert caught.value.error_code is ErrorCode.INVALID_REQUEST
    with pytest.raises(Dex1bError, match='not a readable file of grasps'):
        read_grasps(tmp_path / 'none.npz')
    with pytest.raises(Dex1bError, match='lacks grasp, joint_names'):
        read_grasps(tmp_path / 'few.npz')


def test_arrays_that_do_not_fit_together():
    with pytest.raises(Dex1bError, match=r'expected \(N, 4, 4\) and \(N, 2\)'):
        grasps(2, object_T_hand=np.eye(4)[None])
    with pytest.raises(Dex1bError, match=r'squeeze \(2, 1\)'):
        grasps(2, squeeze=np.zeros((2, 1)))
    with pytest.raises(Dex1bError, match='at least four vertices') as caught:
        grasps(1, object_parts=(CUBE[:3],))
    assert caught.value.error_code is ErrorCode.SHAPE_INVALID
