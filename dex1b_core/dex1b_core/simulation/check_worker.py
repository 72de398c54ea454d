"""A worker process of the check pool: `python -m dex1b_core.simulation.check_worker FD`.

It talks over a socket that it inherits and ends when the other end closes, however its parent
ended. The module starts fast and imports physics only inside the process.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import warnings
from multiprocessing.connection import Connection
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.check_messages import Objects, Prepare, Reply, Run, Start

NICENESS = 5


class _Worker:
    """Holds the warm world between requests."""

    def __init__(self) -> None:
        self._checker: Any = None
        self._objects: Objects | None = None

    def handle(self, message: Start | Prepare | Objects | Run) -> Any:
        """Do what a message asks."""
        from dex1b_core.simulation import grasp_check

        if isinstance(message, Start):
            import open3d  # noqa: F401  (takes seconds, which the first shape would pay)

            self._checker = grasp_check.GraspChecker(message.robot, message.settings)
            os.nice(NICENESS)  # only now: what plans first waits for the warm-up
        elif isinstance(message, Objects):
            self._objects = message
        elif isinstance(message, Prepare):
            return grasp_check.prepare_object(message.shape, message.plane)
        elif self._objects is not None:
            target = self._objects.objects[message.trial.shape]
            return self._checker.run(message.candidate, target, self._objects.plane, message.trial)
        return None


def serve(connection: Connection) -> None:
    """Answer requests until the other end closes."""
    worker = _Worker()
    while True:
        try:
            number, message = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            reply = Reply(number, value=worker.handle(message))
        except Dex1bError as error:
            reply = Reply(number, error=(error.error_code, error.message))
        except Exception as error:
            text = f'unexpected {type(error).__name__}: {error}; please report it'
            reply = Reply(number, error=(ErrorCode.SIM_ERROR, text))
        if isinstance(message, Objects):
            continue
        try:
            connection.send(reply)
        except (BrokenPipeError, ConnectionResetError):
            return


def end_with(descriptor: int) -> None:
    """End this process at once when the other end closes, whatever it is busy with."""
    hangup = select.poll()
    hangup.register(descriptor, select.POLLRDHUP)
    hangup.poll()
    os._exit(0)


def main() -> None:
    """Serve the socket whose file descriptor is the first argument."""
    descriptor = int(sys.argv[1])
    threading.Thread(target=end_with, args=[descriptor], daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    warnings.filterwarnings('ignore', module='sapien')
    with Connection(descriptor) as connection:
        serve(connection)


if __name__ == '__main__':
    main()
