"""What processes use, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE_MB = os.sysconf('SC_PAGE_SIZE') / 2**20


@dataclass(frozen=True)
class Usage:
    """Of a process and its living descendants.

    Attributes:
        cpu_s: Processor time [s].
        memory_mb: Resident memory [MiB].
        handles: Open file handles.
        pids: The process and its descendants.
    """

    cpu_s: float
    memory_mb: float
    handles: int
    pids: tuple[int, ...]


def usage(pid: int) -> Usage:
    """Of a process and its living descendants.

    Raises:
        FileNotFoundError: the process is gone.
    """
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    total = Usage(
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK'),
        memory_mb=int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * _PAGE_MB,
        handles=len(os.listdir(f'/proc/{pid}/fd')),
        pids=(pid,),
    )
    for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split():
        try:
            below = usage(int(child))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        total = Usage(
            total.cpu_s + below.cpu_s,
            total.memory_mb + below.memory_mb,
            total.handles + below.handles,
            total.pids + below.pids,
        )
    return total


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != 'Z'
