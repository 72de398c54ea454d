"""Versions that a report names."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

DECIDING = (
    'dex1b_core', 'torch', 'mujoco', 'sapien', 'open3d', 'trimesh', 'numpy', 'pin', 'ompl',
    'ros-rclpy',
)  # fmt: skip


def versions(packages: Iterable[str] = DECIDING) -> dict[str, str]:
    """Of Python and of packages; without packages, those that decide what comes out."""
    found = {'python': platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = 'not a wheel'
    return found
