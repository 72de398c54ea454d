"""URDF files as they are found: checked, repaired where that is safe, and said so.

Everything that reads a robot model (kinematics, simulators, planners, pictures) reads the file
that `check_urdf` returns, so that all of them see the same joints and find the same meshes.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dex1b_core.assets import cache_folder
from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.extra_frame import ExtraFrame, add_frames
from dex1b_core.robots.urdf_faults import refuse_faults
from dex1b_core.robots.urdf_joints import repair_joints
from dex1b_core.robots.urdf_meshes import make_absolute, repair_meshes, resolve_meshes
from dex1b_core.robots.urdf_source import read_urdf


@dataclass(frozen=True)
class CheckedUrdf:
    """A URDF that can be relied on.

    Attributes:
        path: The file itself, or its repaired copy in the cache.
        repairs: What was changed in that copy, in words.
    """

    path: Path
    repairs: tuple[str, ...]


def check_urdf(
    source: Path, frames: tuple[ExtraFrame, ...] = (), *, visuals_needed: bool = False
) -> CheckedUrdf:
    """Check a robot model and repair what can be.

    Repaired and reported: joints without range become fixed, continuous joints get the range
    [-pi, pi], missing visual meshes are left out, visual meshes serve for collision where a model
    has none. Also written into the copy, without being a repair: absolute mesh paths in place of
    package:// and file://, the URDF that a .xacro or MJCF file stands for, extra frames.

    Args:
        source: .urdf, .xacro (where the tool xacro is installed) or MJCF .xml.
        frames: To add; a link of that name in the model wins.
        visuals_needed: Do not leave out visual meshes that are missing: whoever draws complains.

    Raises:
        ConfigurationError: what is wrong and where: unreadable file, malformed or non-finite
            number, joint of an unknown kind, zero axis, limits the wrong way round, several roots,
            a loop, a mimic joint that follows itself or nobody, a mesh that is missing.
    """
    try:
        changed = source.stat().st_mtime_ns
    except OSError as error:
        raise ConfigurationError(f'{source}: cannot be read: {error.strerror}') from error
    return _check(source.resolve(), changed, frames, visuals_needed, cache_folder())


@lru_cache(maxsize=64)
def _check(
    source: Path, changed: int, frames: tuple[ExtraFrame, ...], visuals_needed: bool, cache: Path
) -> CheckedUrdf:
    robot, is_converted = read_urdf(source)
    refuse_faults(robot, source)
    repairs = [*repair_joints(robot, source), *repair_meshes(robot, source, visuals_needed)]
    moved = resolve_meshes(robot, source)
    added = add_frames(robot, frames, source)
    if not (repairs or moved or added or is_converted):
        return CheckedUrdf(source, ())
    make_absolute(robot, source)
    text = ElementTree.tostring(robot)
    name = f'{source.stem}-{hashlib.sha256(text).hexdigest()[:16]}.urdf'
    target = cache / 'urdf' / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f'.{changed}.tmp')
        partial.write_bytes(text)
        partial.replace(target)
    return CheckedUrdf(target, tuple(repairs))
