"""Checks of `dex1b doctor` that concern ROS: the installation first, then a running stack."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dex1b_core.doctor import DoctorOptions, Finding, Status

SHARED_MEMORY = Path('/dev/shm')
SOURCES = Path(__file__).resolve().parents[2]


def checks(options: DoctorOptions) -> Iterator[Finding]:
    """All checks of ROS."""
    yield check_ros()
    yield check_middleware()
    if not os.environ.get('ROS_DISTRO'):
        yield check_wheels(Path(sys.prefix))
    yield check_messages()
    yield check_shared_memory()
    from dex1b_ros.stack_doctor import check_stack

    yield from check_stack(options)


def check_ros() -> Finding:
    """Which ROS this Python uses."""
    spec = importlib.util.find_spec('rclpy')
    if spec is None or spec.origin is None:
        mend = "run 'make setup', or source /opt/ros/jazzy/setup.bash"
        return Finding('ROS', Status.FAIL, 'rclpy is not found', mend)
    distribution = os.environ.get('ROS_DISTRO', '')
    if distribution not in ('', 'jazzy'):
        return Finding('ROS', Status.FAIL, f"'{distribution}' is sourced", 'source Jazzy')
    home = f'installation ({distribution})' if distribution else 'Jazzy wheels'
    domain = os.environ.get('ROS_DOMAIN_ID', '0')
    reach = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    detail = f'{home}, {Path(spec.origin).parent}; domain {domain}, discovery {reach}'
    return Finding('ROS', Status.OK, detail)


def check_middleware() -> Finding:
    """Whether the RMW implementation loads."""
    import rclpy
    from rclpy.utilities import get_rmw_implementation_identifier

    context = rclpy.Context()
    try:
        rclpy.init(context=context)
        name = get_rmw_implementation_identifier()
    except Exception as error:  # the loader raises several kinds, and each is the finding
        mend = 'unset RMW_IMPLEMENTATION, or install the one that it names'
        return Finding('RMW', Status.FAIL, str(error), mend)
    finally:
        context.try_shutdown()
    return Finding('RMW', Status.OK, name)


def check_wheels(prefix: Path) -> Finding:
    """Whether the set-up has mended the wheels' CMake files, so that interfaces can be built."""
    files = list(prefix.glob('share/*/cmake/*rosidl_generator_pyExport.cmake'))
    broken = [file.name for file in files if '/opt/python/' in file.read_text()]
    if not files or broken:
        detail = f'{len(broken)} of {len(files)} files of generated packages not mended'
        return Finding('ROS wheels', Status.FAIL, detail, "run 'make setup'")
    return Finding('ROS wheels', Status.OK, f'{len(files)} generated packages mended')


def check_messages() -> Finding:
    """Whether dex1b_msgs is built, and from the definitions of this checkout."""
    mend = "run 'make setup', or 'colcon build' and source install/setup.bash"
    try:
        from ament_index_python.packages import get_package_share_directory

        from dex1b_msgs.srv import PlanGrasp

        PlanGrasp.Request()
        share = Path(get_package_share_directory('dex1b_msgs'))
    except (ImportError, LookupError) as error:
        return Finding('dex1b_msgs', Status.FAIL, f'not importable: {error}', mend)
    stale = stale_definitions(SOURCES / 'dex1b_msgs', share)
    if stale:
        detail = f'{share} was built from other definitions: {", ".join(stale)}'
        return Finding('dex1b_msgs', Status.FAIL, detail, mend)
    return Finding('dex1b_msgs', Status.OK, f'up to date at {share}')


def stale_definitions(source: Path, share: Path) -> list[str]:
    """Definitions of a checkout (none where it is not one) that differ from those installed."""
    files = [file for kind in ('msg', 'srv', 'action') for file in source.glob(f'{kind}/*.{kind}')]
    installed = {file: share / file.relative_to(source) for file in files}
    return sorted(
        file.name
        for file, copy in installed.items()
        if not copy.exists() or copy.read_text() != file.read_text()
    )


def check_shared_memory(folder: Path = SHARED_MEMORY) -> Finding:
    """Files that killed processes left behind; they can slow discovery down and fill the memory."""
    left = abandoned_segments(folder)
    if not left:
        return Finding('shared memory', Status.OK, f'no leftovers of Fast DDS in {folder}')
    size = sum(file.stat().st_size for file in left) / 2**20
    detail = f'{len(left)} files ({size:.0f} MiB) of dead processes in {folder}'
    mend = f'when no ROS process runs: rm {folder}/fastrtps_* {folder}/sem.fastrtps_*'
    return Finding('shared memory', Status.WARN, detail, mend)


def abandoned_segments(folder: Path) -> list[Path]:
    """Segments of Fast DDS whose owner is gone: its lock on the file beside can be taken."""
    left = []
    for lock in folder.glob('fastrtps_*_el'):
        with lock.open('rb') as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            segment = lock.with_name(lock.name.removesuffix('_el'))
            left += [file for file in (lock, segment) if file.exists()]
    return left
