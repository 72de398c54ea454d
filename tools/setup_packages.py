"""Installs packages into the virtual environment and makes it usable without exporting anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import setup_machine
from setup_common import REQUIREMENTS, ROOT, SetupFailed, Venv, clean_environment, run

UV = 'uv==0.13.9'


def create_venv(venv: Venv, *, system_packages: bool) -> None:
    """Make the environment, anew when its interpreter does not run."""
    if venv.python.exists():
        probe = [str(venv.python), '-I', '-c', 'import sys; print(*sys.version_info[:2])']
        answer = subprocess.run(
            probe, capture_output=True, text=True, env=clean_environment()
        ).stdout.split()
        if answer == [str(part) for part in sys.version_info[:2]]:
            return
        print(f'setup: {venv.path} does not fit this Python, making it anew', flush=True)
        shutil.rmtree(venv.path)
    command = [sys.executable, '-m', 'venv', str(venv.path)]
    run([*command, '--system-site-packages'] if system_packages else command)


def install(venv: Venv, requirements: list[str]) -> None:
    """Install the requirement files at the versions of the lock file."""
    python = str(venv.python)
    if not (venv.path / 'bin' / 'uv').exists():
        run([python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', UV])
    environment = {**clean_environment(), **uv_settings(python)}
    command = [str(venv.path / 'bin' / 'uv'), 'pip', 'install', '--python', python]
    # eight processes start in a demo: compiled once here, each starts seconds sooner
    command += ['--compile-bytecode', '--constraint', str(REQUIREMENTS / 'lock.txt')]
    if torch_index := os.environ.get('TORCH_INDEX_URL'):
        command += ['--extra-index-url', torch_index, '--index-strategy', 'unsafe-best-match']
    for name in requirements:
        command += ['--requirement', str(REQUIREMENTS / f'{name}.in')]
    run(command, env=environment)
    if 'ros_wheels' in requirements:
        _link_libusb(venv)
    lacking = setup_machine.missing_libraries(_open3d_library(venv))
    lacking = [name for name in lacking if not (venv.path / 'lib' / name).exists()]
    if lacking:
        packages = ' '.join(setup_machine.DEBIAN_PACKAGES[name] for name in lacking)
        raise SetupFailed(
            f'open3d needs {", ".join(lacking)}; install with: apt-get install {packages}'
        )


def uv_settings(python: str) -> dict[str, str]:
    """Pip's own configuration (mirror, folder of wheels, certificate) in uv's words."""
    settings = {}
    listing = subprocess.run(
        [python, '-m', 'pip', 'config', 'list'],
        capture_output=True,
        text=True,
        env=clean_environment(),
    ).stdout
    names = {
        'find-links': 'UV_FIND_LINKS',
        'index-url': 'UV_DEFAULT_INDEX',
        'cert': 'SSL_CERT_FILE',
    }
    for line in listing.splitlines():
        key, _, value = line.partition('=')
        name = names.get(key.rsplit('.', 1)[-1])
        if name:
            settings[name] = value.strip('\'"').replace('\\n', ' ')
    return {name: value for name, value in settings.items() if name not in os.environ}


def _open3d_library(venv: Venv) -> Path:
    return next(venv.site_packages.glob('open3d/pybind*.so'))


def _link_libusb(venv: Venv) -> None:
    """Let open3d find the libusb of a wheel where the system has none."""
    link = venv.path / 'lib' / 'libusb-1.0.so.0'
    link.unlink(missing_ok=True)
    if link.name in setup_machine.missing_libraries(_open3d_library(venv)):
        link.symlink_to(venv.site_packages / 'libusb_package' / 'libusb-1.0.so')


def prepare_environment(venv: Venv) -> None:
    """Make every Python of the environment find ROS, and colcon accept it as a ROS prefix."""
    shutil.copy(ROOT / 'tools' / 'venv_environment.py', venv.site_packages)
    # sorts before the wheels' own bootstrapper, which re-executes Python with what is set here
    (venv.site_packages / 'a_venv_environment.pth').write_text('import venv_environment\n')
    prefix = f'export AMENT_PREFIX_PATH="{venv.path}${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}"\n'
    cmake = f'export CMAKE_PREFIX_PATH="{venv.path}${{CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}}"\n'
    for name in ('local_setup.sh', 'local_setup.bash', 'local_setup.zsh'):
        (venv.path / name).write_text(prefix + cmake)


def register(venv: Venv, *, with_nodes: bool) -> None:
    """Install this checkout's packages editable; launch/ and config/ appear under share/."""
    packages = ['dex1b_core', 'dex1b_ros'] if with_nodes else ['dex1b_core']
    uv = [str(venv.path / 'bin' / 'uv'), 'pip', 'install', '--quiet', '--python', str(venv.python)]
    options = ['--no-deps', '--no-build-isolation', '--config-setting', 'editable_mode=compat']
    for package in packages:
        run([*uv, *options, '--editable', str(ROOT / package)])
    if with_nodes:
        _register_share(venv)
        _register_executables(venv)


def _register_share(venv: Venv) -> None:
    share = venv.path / 'share' / 'dex1b_ros'
    shutil.rmtree(share, ignore_errors=True)
    share.mkdir()
    (share / 'package.xml').symlink_to(ROOT / 'dex1b_ros' / 'package.xml')
    (share / 'config').symlink_to(ROOT / 'config')
    (share / 'launch').mkdir()  # `ros2 launch` follows links to files, not to folders
    for file in sorted((ROOT / 'launch').glob('*.py')):
        (share / 'launch' / file.name).symlink_to(file)
    marker = venv.path / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'dex1b_ros'
    marker.touch()


def _register_executables(venv: Venv) -> None:
    """Where `ros2 run` and launch files look for them."""
    from configparser import ConfigParser

    folder = venv.path / 'lib' / 'dex1b_ros'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    entries = ConfigParser()
    info = next(venv.site_packages.glob('dex1b_ros-*.dist-info'))
    entries.read(info / 'entry_points.txt')
    if entries.has_section('console_scripts'):
        for name in entries['console_scripts']:
            (folder / name).symlink_to(venv.path / 'bin' / name)


def fetch_assets(venv: Venv) -> None:
    """Fetch the robot and object models that the demo needs."""
    run([str(venv.python), '-c', 'from dex1b_core.commands.assets import app; app(["fetch"])'])
