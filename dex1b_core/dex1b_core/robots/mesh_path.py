"""Where the meshes that a URDF names lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote


def find_mesh(name: str, urdf: Path) -> Path | None:
    """The file that a URDF's mesh name means; None when there is none.

    Args:
        name: package://PACKAGE/PATH, file://PATH, an absolute path, or one relative to the URDF.
        urdf: The file that names it. package:// is sought in $ROS_PACKAGE_PATH, in share/ of
            $AMENT_PREFIX_PATH, and in the folders above the URDF.
    """
    return next((path for path in _candidates(name, urdf) if path.is_file()), None)


def _candidates(name: str, urdf: Path) -> Iterator[Path]:
    if name.startswith(('package://', 'model://')):
        package, _, rest = name.partition('://')[2].partition('/')
        yield from (folder / rest for folder in _package_folders(package, urdf))
    elif name.startswith('file://'):
        yield urdf.parent / unquote(name.removeprefix('file://'))
    else:
        yield urdf.parent / name


def _package_folders(package: str, urdf: Path) -> Iterator[Path]:
    for folder in _variable('ROS_PACKAGE_PATH'):
        yield from (folder / package, *((folder,) if folder.name == package else ()))
    for folder in _variable('AMENT_PREFIX_PATH'):
        yield folder / 'share' / package
    for folder in urdf.absolute().parents:
        if folder.name == package:
            yield folder
        yield folder / package
    yield from urdf.absolute().parents  # a package unpacked under another name


def _variable(name: str) -> list[Path]:
    return [Path(part) for part in os.environ.get(name, '').split(os.pathsep) if part]
