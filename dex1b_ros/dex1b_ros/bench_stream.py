"""How evenly positions are streamed, beside a bare timer on the same machine at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import Interface, load_robot
from dex1b_ros.processes import usage

_START_S = 60.0
_SETTLE_S = 1.0  # left out at the beginning: imports and caches
LATE = 1.5
"""A period longer than so many nominal ones is a missed deadline."""


def bench_stream(
    *,
    rate: float,
    seconds: float,
    robot: str,
    load: bool,
    folder: Path,
    realtime: bool = True,
) -> dict[str, Any]:
    """Stream to a mock robot for a while, with a bare timer beside it.

    Args:
        rate: Of both [Hz].
        seconds: Length.
        robot: Name under config/robots.
        load: Whether a planner keeps a processor busy meanwhile.
        folder: For logs and times.
        realtime: Whether the streamer asks for real-time scheduling; the timer never does.

    Returns:
        {'rate', 'seconds', 'load', 'realtime', 'cores', 'load_average', 'streamer', 'timer'};
        'realtime' says whether the machine granted it; the last two have 'n', 'rate' [Hz],
        'period_ms' {'mean', 'p50', 'p99', 'max'}, 'missed', 'missed_share' and 'cpu_percent'
        [% of one core].

    Raises:
        Dex1bError: NODE_UNAVAILABLE when a process does not do its part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = streamed_robot(robot, rate, folder)
    with ExitStack() as stack:
        bench = _Processes(folder, stack)
        bench.node('mock_robot_node', robot=file, rate=50.0)
        if load:
            planner = bench.start('planner_load', [robot])
            bench.wait_for('planner_load', planner, 'planning')
        out = {name: folder / f'{name}.npy' for name in ('streamer', 'timer')}
        for path in out.values():
            path.unlink(missing_ok=True)
        arguments = [str(rate), str(seconds + 5.0), str(out['timer'])]
        processes = {
            'streamer': bench.node(
                'streaming.stream_probe',
                robot=file,
                seconds=seconds,
                realtime=str(realtime).lower(),
                out=str(out['streamer']),
            ),
            'timer': bench.start('timer_probe', arguments),
        }
        time.sleep(5.0)
        cpu, average = _used(processes, 0.8 * seconds)
        for name, path in out.items():
            bench.wait_until(path.is_file, name, 0.4 * seconds + _START_S)
        bench.wait_until(lambda: 'done' in bench.output('stream_probe'), 'stream_probe', _START_S)
        time.sleep(0.5)  # a file appears before it is complete
        granted = 'done real-time' in bench.output('stream_probe')
    return {
        'rate': rate,
        'seconds': seconds,
        'load': load,
        'realtime': granted,
        'cores': os.cpu_count(),
        'load_average': round(average, 2),
        **{
            name: {**periods(np.load(path), rate), 'cpu_percent': round(cpu[name], 1)}
            for name, path in out.items()
        },
    }


def _used(
    processes: dict[str, subprocess.Popen[bytes]], seconds: float
) -> tuple[dict[str, float], float]:
    """What processes use in the time that it waits [% of one core], and the load average."""
    before = {name: usage(process.pid).cpu_s for name, process in processes.items()}
    begin = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - begin
    cpu = {
        name: 100 * (usage(process.pid).cpu_s - before[name]) / elapsed
        for name, process in processes.items()
    }
    return cpu, os.getloadavg()[0]


def periods(times: NDArray[np.float64], rate: float) -> dict[str, Any]:
    """What (N,) times of events [s] say about a rate [Hz] that was aimed at."""
    period = np.diff(times[times >= times[0] + min(_SETTLE_S, 0.1 * (times[-1] - times[0]))])
    missed = int((period > LATE / rate).sum())
    p50, p99 = np.percentile(period, [50, 99])
    values = {'mean': period.mean(), 'p50': p50, 'p99': p99, 'max': period.max()}
    return {
        'n': len(period),
        'rate': round(float(1.0 / period.mean()), 2),
        'period_ms': {name: round(1e3 * float(value), 3) for name, value in values.items()},
        'missed': missed,
        'missed_share': round(missed / len(period), 5),
    }


def streamed_robot(name: str, rate: float, folder: Path) -> str:
    """A file of the robot with an arm that takes streamed positions."""
    data = load_robot(name).model_dump(mode='json', exclude_none=True)
    data['arm'] |= {'interface': Interface.POSITION_STREAM.value, 'rate': rate, 'topic': ''}
    path = folder / f'{name}.yaml'
    path.write_text(yaml.safe_dump(data))
    return str(path.resolve())


class _Processes:
    """Processes that end with the benchmark; their output goes to files."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack

    def node(self, module: str, **parameters: Any) -> subprocess.Popen[bytes]:
        options = [f'{key}:={value}' for key, value in parameters.items()]
        arguments = ['--ros-args', *(part for option in options for part in ('-p', option))]
        return self._popen(module, arguments)

    def start(self, module: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        return self._popen(f'streaming.{module}', arguments)

    def _popen(self, module: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, '-m', f'dex1b_ros.{module}', *arguments]
        environment = os.environ | {'PYTHONUNBUFFERED': '1'}
        with self._log(module).open('wb') as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self._stack.callback(_end, process)
        return process

    def _log(self, module: str) -> Path:
        return self._folder / f'{module.rpartition(".")[2]}.log'

    def wait_for(self, module: str, process: subprocess.Popen[bytes], text: str) -> None:
        self.wait_until(lambda: text in self.output(module), module, _START_S, process)

    def output(self, module: str) -> str:
        return self._log(module).read_text()

    def wait_until(
        self,
        is_true: Callable[[], bool],
        what: str,
        timeout_s: float,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_true():
            ended = process is not None and process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE, f'{what} did not do its part; see {self._folder}'
                )
            time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(8.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
