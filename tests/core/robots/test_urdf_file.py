"""Sound files are taken as they are, others copied with what was changed."""

import sys
from pathlib import Path

import pytest

from dex1b_core.robots.urdf_file import check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import CHAIN, joint, write

pytestmark = pytest.mark.usefixtures('own_cache')


def test_a_sound_file_is_taken_as_it_is(tmp_path):
    path = write(tmp_path, *CHAIN)
    checked = check_urdf(path)
    assert (checked.path, checked.repairs) == (path.resolve(), ())


def test_what_was_changed_is_a_copy_that_serves_again(tmp_path):
    path = write(tmp_path, CHAIN[0], joint('b', 'near', 'far', kind='continuous', inside=''))
    before = path.read_text()
    checked = check_urdf(path)
    assert checked.path.parent == tmp_path / 'cache' / 'urdf'
    assert path.read_text() == before
    again = check_urdf(write(tmp_path, CHAIN[0], joint('b', 'near', 'far', kind='continuous',
                                                       inside=''), name='hand.urdf'))  # fmt: skip
    assert again == checked
