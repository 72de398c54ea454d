"""Where configuration lives and how it is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from dex1b_core.errors import ConfigurationError

Model = TypeVar('Model', bound=BaseModel)


class StrictModel(BaseModel):
    """Base of configuration values: frozen, unknown keys are errors."""

    model_config = ConfigDict(extra='forbid', frozen=True)


def config_folder() -> Path:
    """Folder with robots/, cameras/, params/, rviz/.

    $DEX1B_CONFIG, else the installed share folder of dex1b_ros, else what the wheel of dex1b_core
    carries, else config/ of the checkout.

    Raises:
        ConfigurationError: none of them exists.
    """
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    folders = [Path(prefix) / 'share' / 'dex1b_ros' / 'config' for prefix in prefixes if prefix]
    if 'DEX1B_CONFIG' in os.environ:
        folders.insert(0, Path(os.environ['DEX1B_CONFIG']))
    package = Path(__file__).resolve().parent
    folders += [package / 'config_files', package.parents[1] / 'config']
    for folder in folders:
        if (folder / 'robots').is_dir():
            return folder
    raise ConfigurationError(
        f'no configuration folder with robots/ in it among {[str(f) for f in folders]}; '
        'source the workspace or set DEX1B_CONFIG'
    )


def load_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a validated model.

    Raises:
        ConfigurationError: the file is missing, is not YAML or does not fit the model; the
            message names the file, the key and what was expected.
    """
    return validate(load_raw_yaml(path), model, str(path))


def load_raw_yaml(path: Path) -> object:
    """Read a YAML file as plain data.

    Raises:
        ConfigurationError: the file is missing or is not YAML.
    """
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {error.strerror}') from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f'{path}: not valid YAML: {error}') from error


def validate(data: object, model: type[Model], source: str) -> Model:
    """Validate plain data; errors name the source, the key and what was expected.

    Raises:
        ConfigurationError: the data do not fit the model.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = '; '.join(
            f'{".".join(str(part) for part in item["loc"]) or "(top)"}: {item["msg"]}'
            f' (got {item["input"]!r})'
            for item in error.errors()[:5]
        )
        raise ConfigurationError(f'{source}: {problems}') from error
