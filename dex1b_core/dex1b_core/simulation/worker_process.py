"""The pool's side of one worker process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from dex1b_core.simulation.worker_messages import Ask, Reply, ServerSource, Start, Tell

STARTING = 'starting'
_MODULE = 'dex1b_core.simulation.worker_main'
_ONE_THREAD = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1')


class WorkerDiedError(Exception):
    """The process is gone."""


class WorkerProcess:
    """A child with a server of its own, one request at a time.

    A plain child process instead of `multiprocessing`: that would import the parent's main
    module again, which for a node means all of ROS, and start helper processes of its own.

    Attributes:
        pending: What the caller asked and awaits, None while idle; STARTING at first.
        told: What the caller last told it, for the caller's own use.
        since: Steady time of that request [s].
    """

    def __init__(self, source: ServerSource) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, '-m', _MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=os.environ | _ONE_THREAD,
            )
        self.connection = Connection(ours.detach())
        self.told: Any = None
        self._number = 0
        self._begin(Start(source), STARTING)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def tell(self, context: Any) -> None:
        """Say what has no reply, to an idle worker: a busy one would block the caller."""
        self._send(Tell(context))

    def ask(self, request: Any, pending: Any) -> None:
        """Send a request; `pending` says what the reply is to."""
        self._begin(Ask(request), pending)

    def _begin(self, message: Any, pending: Any) -> None:
        self.pending, self.since = pending, time.monotonic()
        self._send(message)

    def _send(self, message: Any) -> None:
        """The death of the process shows at the next `receive`."""
        self._number += 1
        try:
            self.connection.send((self._number, message))
        except (BrokenPipeError, ConnectionResetError):
            return

    def receive(self) -> Reply:
        """Read the reply that is there.

        Raises:
            WorkerDiedError: the process is gone.
        """
        try:
            reply: Reply = self.connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerDiedError from error
        self.pending = None
        return reply

    def close(self, timeout_s: float = 0.5) -> None:
        """Let the process end; kill it after the time-out."""
        self.connection.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
