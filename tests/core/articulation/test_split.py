"""What is developed on, and what is kept for reports."""

from dex1b_core.articulation import load_articulated
from dex1b_core.benchmark.object_list import object_list
from dex1b_core.config import config_folder


def split(name):
    return object_list(str(config_folder() / 'split' / 'articulation' / f'{name}.txt'))


def test_parts_are_disjoint_and_held_out_categories_are_never_seen():
    parts = {name: split(name) for name in ('training', 'test-instances', 'test-categories')}
    assert len(set().union(*parts.values())) == sum(map(len, parts.values()))
    categories = {
        name: {load_articulated(n).category for n in part} for name, part in parts.items()
    }
    assert categories['training'] == categories['test-instances']
    assert categories['training'].isdisjoint(categories['test-categories'])
