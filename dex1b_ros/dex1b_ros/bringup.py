"""Start and stop the nodes of the stack as processes, on machines without `ros2 launch`."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dex1b_core.config import load_raw_yaml
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.node_list import STACKS, NodeSpec, StackOptions

STOP_TIMEOUT_S = 8.0
MOST_RESTARTS = 3
"""Of one node within RESTART_WINDOW_S; one that dies more often is given up."""
RESTART_WINDOW_S = 60.0
START_TIMEOUT_S = 60.0
ACTIVE = re.compile(r'active ([\d.]+) s after its start')


def own_domain() -> None:
    """A domain for this process and its children alone: benches and robots never meet."""
    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 99)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


def node_command(spec: NodeSpec, options: StackOptions) -> list[str]:
    """Command line of one node: the same interpreter, the parameter file, then own values."""
    command = [sys.executable, '-m', f'dex1b_ros.{spec.executable}', '--ros-args']
    command += ['-r', f'__node:={spec.name}', '--log-level', options.log_level]
    if options.namespace:
        command += ['-r', f'__ns:=/{options.namespace.strip("/")}']
    command += ['--params-file', str(options.parameter_file)]
    for key, value in spec.parameters.items():
        command += ['-p', f'{key}:={_yaml_scalar(value)}']
    return command


@contextmanager
def running_node(
    spec: NodeSpec, options: StackOptions, *, log: Path, timeout_s: float = START_TIMEOUT_S
) -> Iterator[float]:
    """One node's process for the length of a block; gives the time that it took to start [s].

    Raises:
        Dex1bError: NODE_UNAVAILABLE with the last words of its log, if it does not become active.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('wb') as output:
        process = subprocess.Popen(
            node_command(spec, options), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield _wait_until_active(process, log, timeout_s)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_active(process: subprocess.Popen[bytes], log: Path, timeout_s: float) -> float:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        found = ACTIVE.search(log.read_text())
        if found:
            return float(found.group(1))
        time.sleep(0.05)
    raise Dex1bError(
        ErrorCode.NODE_UNAVAILABLE,
        f'the node did not become active within {timeout_s:.0f} s; the end of {log}:\n'
        f'{log.read_text()[-1000:]}',
    )


def _require_executable(spec: NodeSpec) -> None:
    if importlib.util.find_spec(f'dex1b_ros.{spec.executable}') is None:
        raise Dex1bError(
            ErrorCode.NODE_UNAVAILABLE, f"dex1b_ros has no executable '{spec.executable}'"
        )


def _yaml_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)


class Stack:
    """Processes of the stack; use as a context manager so that nothing is left behind."""

    def __init__(
        self, options: StackOptions, *, log_folder: Path | None = None, name: str = 'grasp'
    ) -> None:
        """Check the options and start every node.

        Args:
            options: What to start.
            name: Of the stack, one of `node_list.STACKS`.
            log_folder: Each node's output goes to NAME.log there; None = this terminal.

        Raises:
            Dex1bError: the parameter file is malformed, or an executable is missing.
        """
        load_raw_yaml(options.parameter_file)
        self.options = options
        self._log_folder = log_folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._restarted_at: dict[str, list[float]] = defaultdict(list)
        if log_folder is not None:
            log_folder.mkdir(parents=True, exist_ok=True)
        _, nodes = STACKS[name]
        self._specs = {spec.name: spec for spec in nodes(options)}
        for spec in self._specs.values():
            _require_executable(spec)
        try:
            for spec in self._specs.values():
                self._processes[spec.name] = self._start(spec)
        except BaseException:
            self.stop()
            raise

    def _start(self, spec: NodeSpec) -> subprocess.Popen[bytes]:
        command = node_command(spec, self.options)
        environment = os.environ | self.options.environment | {'PYTHONUNBUFFERED': '1'}
        # An own session: Ctrl-C reaches this process alone, which then stops the nodes in order.
        if self._log_folder is None:
            return subprocess.Popen(command, env=environment, start_new_session=True)
        mode = 'ab' if self._restarted_at[spec.name] else 'wb'
        with (self._log_folder / f'{spec.name}.log').open(mode) as log:
            return subprocess.Popen(
                command,
                env=environment,
                start_new_session=True,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pids(self) -> dict[str, int]:
        """Process id of every node."""
        return {name: process.pid for name, process in self._processes.items()}

    def dead(self) -> dict[str, int]:
        """Exit status of the nodes that ended."""
        return {
            name: process.returncode
            for name, process in self._processes.items()
            if process.poll() is not None
        }

    def require_alive(self) -> None:
        """Raise when a node has ended.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, naming the nodes and their logs.
        """
        ended = self.dead()
        if ended:
            where = f'; see {self._log_folder}' if self._log_folder else ''
            raise Dex1bError(ErrorCode.NODE_UNAVAILABLE, f'nodes ended (status): {ended}{where}')

    def mend(self) -> list[str]:
        """Start nodes again that died and may be; return their names.

        Raises:
            Dex1bError: NODE_UNAVAILABLE when others have ended, or one dies again and again.
        """
        mended = [name for name in self.dead() if self._may_restart(name)]
        for name in mended:
            self._restarted_at[name].append(time.monotonic())
            self._processes[name] = self._start(self._specs[name])
        self.require_alive()
        return mended

    def _may_restart(self, name: str) -> bool:
        since = time.monotonic() - RESTART_WINDOW_S
        lately = [at for at in self._restarted_at[name] if at > since]
        return self._specs[name].restarts and len(lately) < MOST_RESTARTS

    def stop(self) -> dict[str, int]:
        """Stop the robot side last; return each node's exit status."""
        order: Sequence[str] = list(reversed(self._processes))
        for name in order:
            if self._processes[name].poll() is None:
                self._processes[name].send_signal(signal.SIGINT)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return self.dead()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
