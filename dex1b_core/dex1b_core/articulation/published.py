"""Articulated objects of published packages."""

from __future__ import annotations

from dataclasses import replace

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.mjcf_reader import read_articulated_mjcf
from dex1b_core.asset_packages import find_package
from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError

PACKAGE = 'robosuite'
DOORS = {'door': ('door.xml', 'hinge'), 'door-lock': ('door_lock.xml', 'latch_joint')}
"""File and joint: a door by its fixed handle; the handle of one that locks, its leaf at rest."""


def published(name: str) -> ArticulatedObject:
    """A door of robosuite.

    Raises:
        UnknownNameError: UNKNOWN_OBJECT; the message lists those there are.
        Dex1bError: ASSET_MISSING when the package is not fetched.
    """
    if name not in DOORS:
        raise UnknownNameError(ErrorCode.UNKNOWN_OBJECT, f'{PACKAGE} object', name, list(DOORS))
    file, joint = DOORS[name]
    path = find_package(PACKAGE).path / file
    if not path.is_file():
        raise Dex1bError(
            ErrorCode.ASSET_MISSING,
            f"{PACKAGE}:{name} is not fetched: run 'dex1b assets fetch {PACKAGE}'",
        )
    return replace(read_articulated_mjcf(path, joint), name=f'{PACKAGE}-{name}')
