"""Keeps worker processes alive and fed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, TypeVar

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.worker_messages import Reply, ServerSource
from dex1b_core.simulation.worker_process import STARTING, WorkerDiedError, WorkerProcess

Key = TypeVar('Key')

POLL_S = 0.1  # bounds how late a cancellation or the deadline is seen
HUNG_S = 60.0  # a trial takes a fraction of a second
START_S = 240.0  # imports take seconds, but far longer on a machine that does much else
MAX_START_DEATHS = 4  # in a row, without one answer in between: something is wrong at large
MAX_DEATHS = 16  # in a row, of workers that had started: several bad requests may follow each other


@dataclass(frozen=True, eq=False)
class Job:
    """One call's work; replies to earlier jobs are dropped.

    Attributes:
        deadline: Steady time [s].
        stopped: Whether the caller wants to stop now.
        context: What its requests are about; told to each worker before its first.
    """

    deadline: float
    stopped: Callable[[], bool]
    context: Any = None

    @property
    def over(self) -> bool:
        """Whether to stop now."""
        return time.monotonic() > self.deadline or self.stopped()


class WorkerCrew:
    """A fixed number of workers; the dead and the hung are replaced."""

    def __init__(self, source: ServerSource, count: int) -> None:
        self._source = source
        self._count = count
        self._workers: list[WorkerProcess] = []
        self._deaths = self._start_deaths = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.pid for worker in self._workers)

    def start(self) -> None:
        """Bring the crew to its number, without waiting for imports."""
        while len(self._workers) < self._count:
            self._workers.append(WorkerProcess(self._source))

    def close(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            worker.close()
        self._workers = []

    def work(
        self,
        job: Job,
        take: Callable[[], tuple[Key, Any] | None],
        put: Callable[[Key, Reply | None], None],
    ) -> None:
        """Hand what `take` gives to idle workers, and replies to `put`, None for a death.

        Returns when `take` gives None with nothing under way, or when the job is over; a trial
        under way then goes on and its reply is dropped.

        Raises:
            Dex1bError: SIM_ERROR when workers keep dying, or the error that kept one from
                starting.
        """
        self._deaths = self._start_deaths = 0
        while not job.over:
            self.start()
            exhausted = self._feed(job, take)
            if exhausted and not any(_job_of(worker) is job for worker in self._workers):
                return
            busy = [worker.connection for worker in self._workers if worker.pending is not None]
            ready = wait(busy, POLL_S)
            for worker in list(self._workers):
                if worker.connection in ready:
                    self._collect(worker, job, put)
                elif worker.pending is not None and _is_hung(worker):
                    self._bury(worker, job, put)

    def _feed(self, job: Job, take: Callable[[], tuple[Any, Any] | None]) -> bool:
        """Whether `take` had nothing more for an idle worker."""
        for worker in self._workers:
            if worker.pending is not None:
                continue
            item = take()
            if item is None:
                return True
            if job.context is not None and worker.told is not job.context:
                worker.tell(job.context)
                worker.told = job.context
            worker.ask(item[1], (job, item[0]))
        return False

    def _collect(
        self, worker: WorkerProcess, job: Job, put: Callable[[Any, Reply | None], None]
    ) -> None:
        pending = worker.pending
        try:
            reply = worker.receive()
        except WorkerDiedError:
            self._bury(worker, job, put)
            return
        if pending == STARTING:
            if reply.error is not None:
                worker.close()
                self._workers.remove(worker)
                raise Dex1bError(*reply.error)
            self._start_deaths = 0
            return
        self._deaths = 0
        if pending[0] is job:
            put(pending[1], reply)

    def _bury(
        self, worker: WorkerProcess, job: Job, put: Callable[[Any, Reply | None], None]
    ) -> None:
        worker.close()
        self._workers.remove(worker)
        starting = worker.pending == STARTING
        self._start_deaths += starting
        self._deaths += not starting
        if self._deaths >= MAX_DEATHS or self._start_deaths >= MAX_START_DEATHS:
            raise Dex1bError(
                ErrorCode.SIM_ERROR,
                f'{max(self._deaths, self._start_deaths)} physics workers died one after the other '
                "without an answer; see their messages above, and run 'dex1b doctor'",
            )
        if _job_of(worker) is job:
            put(worker.pending[1], None)


def _job_of(worker: WorkerProcess) -> Any:
    pending = worker.pending
    return None if pending is None or pending == STARTING else pending[0]


def _is_hung(worker: WorkerProcess) -> bool:
    limit = START_S if worker.pending == STARTING else HUNG_S
    return time.monotonic() - worker.since > limit
