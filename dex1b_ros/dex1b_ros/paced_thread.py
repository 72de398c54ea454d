"""A thread that does equal pieces of work at a given rate, and never catches up in a rush."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class PacedThread:
    """Calls `work` every `period_s` wall-clock seconds, or later when it takes longer."""

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        period_s: float,
        on_error: Callable[[Exception], None],
    ) -> None:
        """Start.

        Args:
            name: Of the thread.
            work: Called again and again.
            period_s: Shortest time between two calls [s].
            on_error: Called once, in the thread, when `work` raises; the thread then ends.
        """
        self._work, self._period, self._on_error = work, period_s, on_error
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the piece of work in hand; wait for that."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(10.0)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                self._work()
            except Exception as error:
                self._on_error(error)
                return
            due += self._period
            wait = due - time.monotonic()
            if wait > 0:
                self._stop.wait(wait)
            else:
                due -= wait
