import pytest

from dex1b_core.benchmark.object_list import PROCEDURAL, object_list
from dex1b_core.errors import Dex1bError


def test_names_separated_by_commas():
    assert object_list('ycb:mug, shape:torus') == ['ycb:mug', 'shape:torus']


def test_many_names_are_no_path():
    names = [f'shape:random-{number}' for number in range(100)]
    assert object_list(','.join(names)) == names


def test_procedural_shapes_are_those_of_reports():
    assert object_list('procedural') == list(PROCEDURAL)
    assert len(PROCEDURAL) == 20


def test_text_file_with_comments_and_paths_beside_it(tmp_path):
    (tmp_path / 'box.stl').write_text('')
    listed = tmp_path / 'mine.txt'
    listed.write_text('ycb:mug  # red\n\n# nothing\nbox.stl\n')
    assert object_list(str(listed)) == ['ycb:mug', str(tmp_path / 'box.stl')]


def test_folder_of_meshes(tmp_path):
    for name in ('b.obj', 'a.stl', 'notes.md'):
        (tmp_path / name).write_text('')
    assert object_list(str(tmp_path)) == [str(tmp_path / 'a.stl'), str(tmp_path / 'b.obj')]


@pytest.mark.parametrize(
    ('make', 'says'),
    [
        (lambda folder: folder, 'no mesh file; expected some of'),
        (lambda folder: folder / 'missing.txt', 'not a readable list'),
        (lambda folder: ' , ', 'no object named'),
    ],
)
def test_nothing_to_benchmark_is_an_error(tmp_path, make, says):
    with pytest.raises(Dex1bError, match=says):
        object_list(str(make(tmp_path)))


def test_empty_list_is_an_error(tmp_path):
    (tmp_path / 'empty.txt').write_text('# nothing\n')
    with pytest.raises(Dex1bError, match='no name in it'):
        object_list(str(tmp_path / 'empty.txt'))
