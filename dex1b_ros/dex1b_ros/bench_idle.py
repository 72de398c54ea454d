"""What the nodes cost before anybody asks for anything: start time, libraries, idle load."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.bringup import ACTIVE, Stack, running_node
from dex1b_ros.node_list import NodeSpec, StackOptions
from dex1b_ros.processes import usage

HEAVY_LIBRARIES = {'torch': '/torch/', 'sapien': '/sapien/', 'mujoco': '/mujoco/'}


def bench_idle(*, folder: Path, settle_s: float = 20.0, seconds: float = 20.0) -> dict[str, Any]:
    """Start the simulated stack, wait until it is quiet and measure each process.

    Args:
        folder: For the nodes' logs.
        settle_s: Wall-clock seconds from the last start to the measurement.
        seconds: Length of the measurement.

    Returns:
        {'seconds', 'rows'}; a row holds the node's name, its start time as it says itself [s],
        its load with its children's [% of one core] and the heavy libraries it has loaded.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when a node does not become active.
    """
    with Stack(StackOptions(), log_folder=folder) as stack:
        starts = _wait_until_active(stack, folder)
        time.sleep(settle_s)
        before = {name: usage(pid).cpu_s for name, pid in stack.pids.items()}
        begin = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - begin
        rows = [
            {
                'node': name,
                'start_s': starts[name],
                'idle_percent': round(100 * (usage(pid).cpu_s - before[name]) / elapsed, 2),
                'libraries': _heavy_libraries(pid),
            }
            for name, pid in stack.pids.items()
        ]
    return {'seconds': seconds, 'rows': rows}


def start_alone(name: str, executable: str, *, folder: Path) -> float:
    """Start one node of the stack on a quiet machine and return its start time [s]."""
    log = folder / f'{name}-alone.log'
    with running_node(NodeSpec(name, executable), StackOptions(), log=log) as start_s:
        return start_s


def _wait_until_active(stack: Stack, folder: Path) -> dict[str, float]:
    starts: dict[str, float] = {}
    deadline = time.monotonic() + 120.0
    while len(starts) < len(stack.pids):
        stack.require_alive()
        if time.monotonic() > deadline:
            missing = sorted(set(stack.pids) - set(starts))
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE, f'not active within 120 s: {missing}; see {folder}'
            )
        for name in stack.pids:
            found = ACTIVE.search((folder / f'{name}.log').read_text())
            if found:
                starts[name] = float(found.group(1))
        time.sleep(0.2)
    return starts


def _heavy_libraries(pid: int) -> list[str]:
    maps = Path(f'/proc/{pid}/maps').read_text()
    return [name for name, part in HEAVY_LIBRARIES.items() if part in maps]
