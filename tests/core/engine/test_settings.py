"""What may be trained on."""

from pathlib import Path

import pytest

from dex1b_core.benchmark.object_list import object_list
from dex1b_core.config import config_folder
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.errors import ConfigurationError


def split(name: str) -> list[str]:
    return object_list(str(config_folder() / 'split' / f'{name}.txt'))


def test_the_split_is_disjoint_and_the_engine_trains_on_its_training_part():
    parts = [set(split(name)) for name in ('training', 'development', 'test')]
    assert len(set.union(*parts)) == sum(map(len, parts))
    assert list(EngineSettings(hand='h', shapes=300).object_names()) == split('training')
    assert {f'ycb:{name}' for name in ('025_mug', '011_banana')} <= parts[2]


def test_joints_are_trained_on_instances_of_the_training_part_alone():
    held_out = set(split('articulation/test-instances') + split('articulation/test-categories'))
    names = EngineSettings(hand='h', task='articulation', shapes=140).object_names()
    assert set(names) == set(split('articulation/training'))
    assert not held_out & set(EngineSettings(hand='h', task='articulation').object_names())


@pytest.mark.parametrize(
    'name',
    [
        'articulated:microwave-100',
        'articulated:box-3',
        'ycb:025_mug',
        'shape:random-3',
        'shape:random-999',
    ],
)
def test_test_objects_are_refused(tmp_path: Path, name):
    settings = EngineSettings(hand='allegro_right', objects=('shape:random-1000', name))
    with pytest.raises(ConfigurationError, match=f'{name}: reserved for tests and reports'):
        settings.remember(tmp_path)
    assert not list(tmp_path.iterdir())


def test_others_are_welcome(tmp_path: Path):
    EngineSettings(hand='h', objects=('shape:random-1000', 'shape:cube')).remember(tmp_path)
