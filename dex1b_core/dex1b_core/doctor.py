"""Checks of the environment: what was found and, where something is wrong, how to mend it.

Installed packages add checks with an entry point of group 'dex1b.doctor' that names a function
taking `DoctorOptions` and yielding findings; dex1b_ros adds those of ROS so.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from dex1b_core import asset_packages
from dex1b_core.assets import AssetError
from dex1b_core.errors import Dex1bError
from dex1b_core.robots.description import load_robot, robot_names

GROUP = 'dex1b.doctor'


class Status(StrEnum):
    """Verdict of a check."""

    OK = 'ok'
    WARN = 'warn'
    FAIL = 'fail'
    SKIPPED = 'skipped'


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Attributes:
        check: What was looked at, a word or two.
        status: The verdict; only FAIL makes the doctor fail.
        detail: What was found.
        mend: What to do about it; empty when there is nothing to do.
    """

    check: str
    status: Status
    detail: str
    mend: str = ''


@dataclass(frozen=True)
class DoctorOptions:
    """What is looked at.

    Attributes:
        namespace: Namespace of the stack that may be running.
        robot: Name of its robot, or its file.
        discovery_s: How long to wait for running nodes to be found [s].
        tf_prefix: Before every link and joint name of that robot.
    """

    namespace: str = ''
    robot: str = 'xarm7_ability'
    discovery_s: float = 3.0
    tf_prefix: str = ''


def examine(options: DoctorOptions) -> Iterator[Finding]:
    """All checks of all installed packages, in order."""
    yield from core_checks()
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda item: item.name):
        try:
            yield from entry.load()(options)
        except ImportError as error:
            yield Finding(
                entry.name,
                Status.FAIL,
                f'its checks cannot be imported: {error}',
                "run 'make setup', or source ROS 2 and the workspace",
            )


def core_checks() -> Iterator[Finding]:
    """Checks that need no ROS."""
    yield check_python()
    yield check_requirements(importlib.metadata.requires('dex1b_core') or [])
    yield check_libusb()
    yield check_gpu()
    yield from check_assets()
    yield from check_robots()


def check_python() -> Finding:
    """The interpreter's version."""
    found = '.'.join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        return Finding('Python', Status.OK, f'{found} at {sys.prefix}')
    return Finding('Python', Status.FAIL, found, 'use Python 3.11 or 3.12')


def check_requirements(requirements: Iterable[str]) -> Finding:
    """Installed packages against the bounds of dex1b_core; those of extras are left out."""
    from packaging.requirements import Requirement

    wrong = []
    for requirement in (Requirement(text) for text in requirements):
        if requirement.marker and not requirement.marker.evaluate({'extra': ''}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f'{requirement.name} is not installed')
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f'{requirement.name} is {version}, needed {requirement.specifier}')
    if wrong:
        mend = "run 'make setup', or pip install -r requirements/library.in"
        return Finding('Python packages', Status.FAIL, '; '.join(wrong), mend)
    return Finding('Python packages', Status.OK, 'all within the bounds of dex1b_core')


def check_libusb() -> Finding:
    """The system library that open3d links to and its wheel lacks."""
    try:
        ctypes.CDLL('libusb-1.0.so.0')
    except OSError:
        mend = "apt-get install libusb-1.0-0, or 'make setup' for one from a wheel"
        return Finding('libusb', Status.FAIL, 'libusb-1.0.so.0 not found; open3d needs it', mend)
    return Finding('libusb', Status.OK, 'libusb-1.0.so.0 loads')


def check_gpu() -> Finding:
    """Whether torch can compute on a GPU."""
    import torch

    if torch.cuda.is_available():
        return Finding(
            'GPU', Status.OK, f'{torch.cuda.get_device_name(0)}, torch {torch.__version__}'
        )
    detail = (
        f'none for torch {torch.__version__}; everything runs on {torch.get_num_threads()} threads'
    )
    if torch.version.cuda is None:
        return Finding('GPU', Status.OK, detail + ' (this torch is a CPU build)')
    return Finding('GPU', Status.WARN, detail, 'if there is a GPU: check nvidia-smi and the driver')


def check_assets() -> Iterator[Finding]:
    """The models in the user cache."""
    for package in asset_packages.PACKAGES:
        name = f'models {package.name}'
        if asset_packages.is_complete(package):
            yield Finding(name, Status.OK, str(package.path))
        elif package.on_demand and not package.path.exists():
            detail = f"not fetched; 'dex1b assets fetch {package.name}' brings: {package.contents}"
            yield Finding(name, Status.OK, detail)
        else:
            detail = f'missing or incomplete: {package.path}'
            yield Finding(name, Status.FAIL, detail, f'dex1b assets fetch {package.name}')


def check_robots() -> Iterator[Finding]:
    """Every robot description."""
    try:
        names = robot_names()
    except Dex1bError as error:
        yield Finding('robots', Status.FAIL, error.message, 'set DEX1B_CONFIG to a folder')
        return
    for name in names:
        try:
            robot = load_robot(name)
            urdf = robot.urdf_path
        except AssetError as error:
            yield Finding(f'robot {name}', Status.OK, f'not fetched: {error.message}')
        except Dex1bError as error:
            yield Finding(f'robot {name}', Status.FAIL, error.message, 'correct the file')
        else:
            yield Finding(f'robot {name}', Status.OK, str(urdf))
