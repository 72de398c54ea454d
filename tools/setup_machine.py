"""What the machine must have before the set-up can begin."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from setup_common import SetupFailed, clean_environment

# What open3d links to and no wheel carries.
DEBIAN_PACKAGES = {
    'libEGL.so.1': 'libegl1',
    'libGL.so.1': 'libgl1',
    'libX11.so.6': 'libx11-6',
    'libgomp.so.1': 'libgomp1',
    'libidn2.so.0': 'libidn2-0',
    'libudev.so.1': 'libudev1',
    'libusb-1.0.so.0': 'libusb-1.0-0',
}


def sourced_ros() -> str:
    """Name of the ROS 2 distribution that is sourced, else ''.

    Raises:
        SetupFailed: another distribution than Jazzy is sourced.
    """
    distribution = os.environ.get('ROS_DISTRO', '')
    if not distribution:
        return ''
    probe = [sys.executable, '-c', 'import rclpy']
    if subprocess.run(probe, capture_output=True).returncode != 0:
        raise SetupFailed(
            f"ROS_DISTRO is '{distribution}' but '{sys.executable}' cannot import rclpy; source "
            'the setup file of the installation completely, or unset ROS_DISTRO to use the wheels'
        )
    if distribution != 'jazzy':
        raise SetupFailed(f"ROS 2 '{distribution}' is sourced; dex1b needs Jazzy")
    return distribution


def check(*, needs_compiler: bool) -> None:
    """Stop with everything that is missing, and how to get it.

    Raises:
        SetupFailed: something is missing.
    """
    missing = []
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        found = '.'.join(str(part) for part in sys.version_info[:3])
        missing.append(f'Python 3.11 or 3.12 (this is {found}): make setup PYTHON=python3.11')
    if sys.platform != 'linux' or platform.machine() != 'x86_64':
        missing.append(f'Linux on x86_64 (this is {sys.platform} on {platform.machine()})')
    elif glibc() < (2, 35):
        found = '.'.join(str(part) for part in glibc())
        missing.append(f'glibc 2.35 or newer, as in Debian 12 or Ubuntu 22.04 (this is {found})')
    if needs_compiler and not compiler():
        missing.append('a C++ compiler: apt-get install g++ (or set CXX to yours)')
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        missing.append(f'the venv module: apt-get install python{version}-venv')
    if needs_compiler and not python_header().exists():
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        missing.append(f'Python.h in {python_header().parent}: apt-get install python{version}-dev')
    if missing:
        raise SetupFailed('this machine lacks\n  - ' + '\n  - '.join(missing))


def glibc() -> tuple[int, ...]:
    """Version of the C library; the oldest that open3d's wheels take is 2.35."""
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split('.')) if name == 'glibc' else (0,)


def compiler() -> str | None:
    """The C++ compiler that CMake will find."""
    candidates = [os.environ.get('CXX', ''), 'c++', 'g++', 'clang++']
    return next((found for name in candidates if name and (found := shutil.which(name))), None)


def python_header() -> Path:
    """Python.h, which the messages' extension modules include."""
    import sysconfig

    return Path(sysconfig.get_paths()['include']) / 'Python.h'


def missing_libraries(library: Path) -> list[str]:
    """System libraries that a shared library needs and the loader does not find."""
    command, environment = ['ldd', str(library)], clean_environment()
    listing = subprocess.run(command, capture_output=True, text=True, env=environment).stdout
    names = [line.split()[0] for line in listing.splitlines() if 'not found' in line]
    return [name for name in names if name in DEBIAN_PACKAGES]
