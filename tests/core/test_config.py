from pathlib import Path

import pytest

from dex1b_core import config
from dex1b_core.config import StrictModel, config_folder, load_yaml, validate
from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.description import RobotDescription, load_robot, robot_names


class Small(StrictModel):
    height: float
    names: tuple[str, ...] = ()


def write(folder: Path, text: str) -> Path:
    path = folder / 'file.yaml'
    path.write_text(text)
    return path


def test_valid_file(tmp_path):
    value = load_yaml(write(tmp_path, 'height: 2\nnames: [a]\n'), Small)
    assert value == Small(height=2.0, names=('a',))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('height: [1', r'file\.yaml: not valid YAML'),
        ('height: tall\n', r"file\.yaml: height: .*number.*\(got 'tall'\)"),
        ('names: []\n', r'file\.yaml: height: Field required'),
        ('height: 1\nwidth: 2\n', r'file\.yaml: width: Extra inputs'),
        ('', r'file\.yaml: \(top\): '),
        ('- 1\n', r'file\.yaml: \(top\): '),
        ('height: 1\nnames: [1]\n', r'names\.0: .*string'),
    ],
)
def test_malformed_files_name_file_key_and_expectation(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load_yaml(write(tmp_path, text), Small)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match='cannot be read: No such file'):
        load_yaml(tmp_path / 'absent.yaml', Small)


def test_folder_instead_of_a_file(tmp_path):
    with pytest.raises(ConfigurationError, match='cannot be read'):
        load_yaml(tmp_path, Small)


def test_values_are_frozen():
    with pytest.raises(ValueError, match='frozen'):
        validate({'height': 1}, Small, 'here').height = 2.0


def test_config_folder_prefers_the_variable(tmp_path, monkeypatch):
    (tmp_path / 'robots').mkdir()
    monkeypatch.setenv('DEX1B_CONFIG', str(tmp_path))
    assert config_folder() == tmp_path


def test_config_folder_takes_the_first_prefix_that_has_one(tmp_path, monkeypatch):
    folder = tmp_path / 'b' / 'share' / 'dex1b_ros' / 'config'
    (folder / 'robots').mkdir(parents=True)
    monkeypatch.delenv('DEX1B_CONFIG', raising=False)
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path / "a"}:{tmp_path / "b"}')
    assert config_folder() == folder


def test_no_config_folder_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setenv('DEX1B_CONFIG', str(tmp_path / 'absent'))
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    monkeypatch.setattr(config, '__file__', str(tmp_path / 'x' / 'y' / 'config.py'))
    with pytest.raises(ConfigurationError, match='absent'):
        config_folder()


def test_a_misspelt_key_in_a_robot_file_is_named(tmp_path, monkeypatch):
    name = robot_names()[0]
    text = (config_folder() / 'robots' / f'{name}.yaml').read_text()
    (tmp_path / 'robots').mkdir()
    (tmp_path / 'hands').symlink_to(config_folder() / 'hands')
    (tmp_path / 'robots' / 'typo.yaml').write_text(text.replace('base_link:', 'base_lnk:', 1))
    monkeypatch.setenv('DEX1B_CONFIG', str(tmp_path))
    with pytest.raises(ConfigurationError, match=r'typo\.yaml: .*base_l'):
        load_robot('typo')


def test_every_robot_file_fits_the_model():
    for name in robot_names():
        assert isinstance(load_robot(name), RobotDescription)
