"""Builds interface packages against the ROS wheels, after mending what the wheels get wrong."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from setup_common import ROOT, Venv, run

# In the order of building. The first two exist in no wheel; see compat/README.md.
PACKAGES = {
    'tf2_msgs': ROOT / 'compat' / 'tf2_msgs',
    'control_msgs': ROOT / 'compat' / 'control_msgs',
    'dex1b_msgs': ROOT / 'dex1b_msgs',
}


def repair_wheels(venv: Venv) -> None:
    """Remove paths of the machine that built the wheels from their CMake files."""
    share = venv.path / 'share'
    for file in share.glob('*/cmake/*rosidl_generator_pyExport.cmake'):
        text = file.read_text()
        mended = re.sub(r'(INTERFACE_INCLUDE_DIRECTORIES) "[^"]*/opt/python[^"]*"', r'\1 ""', text)
        if mended != text:
            replace(file, mended)
    generator = share / 'rosidl_generator_py/cmake/rosidl_generator_py_generate_interfaces.cmake'
    text = generator.read_text()
    private = re.sub(
        r'(target_include_directories\(\S+ )PUBLIC( \$\{Python3_INCLUDE_DIRS\})',
        r'\1PRIVATE\2',
        text,
    )
    if private != text:
        replace(generator, private)


def replace(file: Path, text: str) -> None:
    """Put a new file in the place of one that may be a hard link into the installer's cache."""
    fresh = file.with_suffix('.new')
    fresh.write_text(text)
    fresh.replace(file)


def build(venv: Venv, package: str, source: Path) -> None:
    """Build and install one interface package into the environment."""
    folder = venv.state / 'build' / package
    # a folder configured for another place or by an interrupted run cannot be resumed safely
    shutil.rmtree(folder, ignore_errors=True)
    environment = venv.environment()
    cmake = str(venv.path / 'bin' / 'cmake')
    hook = Path(__file__).with_name('python_only_interfaces.cmake')
    configure = [
        cmake, '-G', 'Ninja', '-S', str(source), '-B', str(folder), '-Wno-dev',
        f'-DCMAKE_INSTALL_PREFIX={venv.path}',
        f'-DPython3_EXECUTABLE={venv.python}',
        f'-DCMAKE_PROJECT_{package}_INCLUDE={hook}',
        '-DBUILD_TESTING=OFF',
        '-DCMAKE_BUILD_TYPE=None',
        # half the compile time of -O2; the loops over data lie in Fast CDR and the wheels
        '-DCMAKE_C_FLAGS=-O1',
        '-DCMAKE_CXX_FLAGS=-O1',
    ]  # fmt: skip
    if ccache := shutil.which('ccache'):
        configure += [
            f'-DCMAKE_C_COMPILER_LAUNCHER={ccache}', f'-DCMAKE_CXX_COMPILER_LAUNCHER={ccache}'
        ]  # fmt: skip
    logs = venv.state / 'log'
    run(configure, log=logs / f'{package}.configure.log', env=environment)
    jobs = str(os.cpu_count() or 1)
    run([cmake, '--build', str(folder), '-j', jobs], log=logs / f'{package}.log', env=environment)
    run([cmake, '--install', str(folder)], log=logs / f'{package}.install.log', env=environment)
    shutil.rmtree(folder)
