"""Kill the data engine and its workers at random: is a row lost, does one come twice, is one other?

    .venv/bin/python -m benchmarks.engine_kills --kills 10 --out out/kills

A small run that nothing disturbs; the same with `dex1b engine run` killed (-9) at random and begun
again; and the same on a Ray cluster of this machine, whose workers are killed at random (`--ray`,
with the extra 'cluster'). Compares every row. Writes kills.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from dex1b_core.data.shards import ShardFolder

COMMAND = (
    'engine', 'run', '--hand', 'allegro_right', '--rounds', '2', '--proposals', '512',
    '--shapes', '8', '--per-task', '16', '--training-steps', '50', '--workers', '2',
)  # fmt: skip
RAY_WORKERS = 'ray::TaskWorker'


def begin(folder: Path, *more: str) -> psutil.Popen:
    """The engine, at work in the background."""
    program = str(Path(sys.executable).with_name('dex1b'))
    return psutil.Popen(
        [program, *COMMAND, '--folder', str(folder), *more],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def killed_at_random(folder: Path, kills: int, rng: np.random.Generator) -> int:
    """Run to the end, killed so often at most; how often it was."""
    done = 0
    while True:
        engine = begin(folder)
        patience = rng.uniform(5.0, 25.0) if done < kills else None
        try:
            if engine.wait(patience) != 0:
                raise SystemExit('the engine failed')
            return done
        except psutil.TimeoutExpired:
            workers = engine.children(recursive=True)
            engine.kill()
            engine.wait()
            left = psutil.wait_procs(workers, timeout=30.0)[1]
            if left:
                raise SystemExit(f'{len(left)} workers outlive the engine') from None
            done += 1


def workers_killed(folder: Path, kills: int, rng: np.random.Generator) -> int:
    """Run to the end on Ray, a worker killed every half minute; how many were."""
    engine, done = begin(folder, '--ray-address', 'local'), 0
    due = time.monotonic() + 20.0
    while engine.is_running() and engine.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.2)
        if done >= kills or time.monotonic() < due:
            continue
        busy = [child for child in engine.children(recursive=True) if _works(child)]
        if busy:
            busy[int(rng.integers(len(busy)))].kill()
            done += 1
        due = time.monotonic() + rng.uniform(20.0, 40.0)  # a task that dies four times ends the run
    if engine.wait() != 0:
        raise SystemExit('the engine failed')
    return done


def _works(process: psutil.Process) -> bool:
    try:
        return any(RAY_WORKERS in word for word in process.cmdline()) and (
            process.cpu_times().user > 1.0
        )
    except psutil.Error:
        return False


def compared(whole: Path, other: Path) -> dict[str, Any]:
    """Rows of one run that the other has not, the other way round, and those that come twice."""

    def rows(folder: Path) -> Counter[str]:
        shards = ShardFolder.at(folder / 'shards')
        found: Counter[str] = Counter()
        for name in shards.names():
            found.update(f'{name} {row}' for row in shards.read(name).table.to_pylist())
        return found

    expected, found = rows(whole), rows(other)
    return {
        'rows': sum(expected.values()),
        'lost': sum((expected - found).values()),
        'added': sum((found - expected).values()),
        'partial_files': len(list((other / 'shards').glob('*.partial'))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=10)
    parser.add_argument('--ray', action='store_true')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, default=Path('out/kills'))
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    rng = np.random.default_rng(arguments.seed)
    whole = arguments.out / 'whole'
    if begin(whole).wait() != 0:
        raise SystemExit('the engine failed')
    report: dict[str, Any] = {'seed': arguments.seed}
    parts = {'engine': killed_at_random, 'ray': workers_killed}
    for name, disturbed in parts.items():
        if name == 'ray' and not arguments.ray:
            continue
        count = disturbed(arguments.out / name, arguments.kills, rng)
        report[name] = {'kills': count, **compared(whole, arguments.out / name)}
        (arguments.out / 'kills.json').write_text(json.dumps(report, indent=2) + '\n')
    print(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
