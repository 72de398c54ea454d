import multiprocessing

import numpy as np
import pytest

from dex1b_core.geometry.array_cache import read_arrays, write_arrays


def test_arrays_come_back_in_their_order(tmp_path):
    path = tmp_path / 'new' / 'arrays.npz'
    arrays = {f'part{i}': np.full((i, 3), i) for i in range(12)}
    write_arrays(path, arrays)
    found = read_arrays(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert [file.name for file in path.parent.iterdir()] == ['arrays.npz']


@pytest.mark.parametrize('content', [None, b'', b'PK\x03\x04 half a file'])
def test_no_usable_file_is_none(tmp_path, content):
    path = tmp_path / 'arrays.npz'
    if content is not None:
        path.write_bytes(content)
    assert read_arrays(path) is None


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / 'arrays.npz'
    write_arrays(path, {'a': np.zeros(3)})

    def fail(*_, **__):
        raise OSError('disk full')

    monkeypatch.setattr(np, 'savez', fail)
    with pytest.raises(OSError, match='disk full'):
        write_arrays(path, {'a': np.ones(3)})
    np.testing.assert_array_equal(read_arrays(path)['a'], np.zeros(3))
    assert len(list(tmp_path.iterdir())) == 1


def _write(arguments):
    path, value = arguments
    write_arrays(path, {'a': np.full(100_000, value)})


def test_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / 'arrays.npz'
    with multiprocessing.get_context('fork').Pool(2) as pool:
        pool.map(_write, [(path, value) for value in range(8)])
    values = read_arrays(path)['a']
    assert len(np.unique(values)) == 1
    assert len(list(tmp_path.iterdir())) == 1
