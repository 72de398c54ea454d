"""What the set-up steps share: paths, stamps, the virtual environment, running commands."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / 'requirements'


class SetupFailed(Exception):  # noqa: N818
    """Something is missing or a command failed; the message says what to do."""


def digest(paths: Iterable[Path], *more: str) -> str:
    """Hash of the contents of files and folders (absent ones count as such) and of strings."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob('*')) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and '__pycache__' not in file.parts:
                total.update(str(file.relative_to(path.parent)).encode() + b'\0')
                total.update(file.read_bytes() + b'\0')
        total.update(b'\1')
    for item in more:
        total.update(item.encode() + b'\0')
    return total.hexdigest()


class Stamps:
    """Which steps are done, and for which inputs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f'{name.replace(" ", "_")}.stamp'

    def valid(self, name: str, key: str) -> bool:
        """Whether the step was finished for this key."""
        file = self._file(name)
        return file.exists() and file.read_text() == key

    def clear(self, name: str) -> None:
        """Forget the step, before it begins."""
        self._file(name).unlink(missing_ok=True)

    def write(self, name: str, key: str) -> None:
        """Remember that the step was finished."""
        self._file(name).write_text(key)


@dataclass(frozen=True)
class Venv:
    """A virtual environment, which is also the ROS prefix of the plain Python home."""

    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / 'bin' / 'python'

    @property
    def state(self) -> Path:
        """Stamps, logs and build folders of the set-up."""
        return self.path / '.dex1b'

    @property
    def site_packages(self) -> Path:
        """Where its packages lie."""
        version = f'python{sys.version_info.major}.{sys.version_info.minor}'
        return self.path / 'lib' / version / 'site-packages'

    def environment(self) -> dict[str, str]:
        """The environment for commands that need the wheels' ROS libraries."""
        environment = clean_environment()
        libraries = [str(self.path / 'lib')]
        libraries += [str(folder) for folder in sorted(self.site_packages.glob('ros_*.libs'))]
        environment.update(
            PATH=f'{self.path / "bin"}{os.pathsep}{environment["PATH"]}',
            AMENT_PREFIX_PATH=str(self.path),
            CMAKE_PREFIX_PATH=str(self.path),
            LD_LIBRARY_PATH=os.pathsep.join(libraries),
            _ROS_WHEELS_BOOTSTRAP_COMPLETE='1',
        )
        return environment


def clean_environment() -> dict[str, str]:
    """The caller's environment without traces of another virtual environment."""
    environment = dict(os.environ)
    for name in ('PYTHONPATH', 'PYTHONHOME', 'VIRTUAL_ENV', '_ROS_WHEELS_BOOTSTRAP_COMPLETE'):
        environment.pop(name, None)
    if 'ROS_DISTRO' not in environment:
        for name in ('LD_LIBRARY_PATH', 'AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'):
            environment.pop(name, None)
    return environment


def run(
    command: list[str], *, log: Path | None = None, env: Mapping[str, str] | None = None
) -> None:
    """Run a command; with `log` its output goes there and is shown only when it fails.

    Raises:
        SetupFailed: the command failed.
    """
    environment = dict(env) if env is not None else clean_environment()
    if log is None:
        code = subprocess.run(command, env=environment).returncode
        hint = 'see above'
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open('w') as output:
            code = subprocess.run(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT
            ).returncode
        hint = f'the end of {log}:\n' + '\n'.join(log.read_text().splitlines()[-25:])
    if code != 0:
        raise SetupFailed(f"'{' '.join(command[:4])} ...' failed with code {code}; {hint}")
