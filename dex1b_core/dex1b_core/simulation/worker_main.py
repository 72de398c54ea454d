"""A worker process of a crew: `python -m dex1b_core.simulation.worker_main FD`.

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

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.worker_messages import Ask, Reply, Server, Start, Tell

NICENESS = 5


def serve(connection: Connection) -> None:
    """Answer requests until the other end closes."""
    server: Server | None = None
    while True:
        try:
            number, message = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        value = None
        try:
            if isinstance(message, Start):
                server = message.source.make()
                os.nice(NICENESS)  # only now: what comes first waits for the warm-up
            elif server is not None and isinstance(message, Tell):
                server.tell(message.context)
            elif server is not None and isinstance(message, Ask):
                value = server.answer(message.request)
            reply = Reply(number, value=value)
        except Dex1bError as error:
            reply = Reply(number, error=(error.error_code, error.message))
        except Exception as error:
            text = f'unexpected {type(error).__name__}: {error}; please report it'
            reply = Reply(number, error=(ErrorCode.SIM_ERROR, text))
        if isinstance(message, Tell):
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
