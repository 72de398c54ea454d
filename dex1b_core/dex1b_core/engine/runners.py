"""Where tasks are done: on processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_any
from typing import Any, Protocol

from dex1b_core.engine.portions import Task
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.tasks import TaskWorker
from dex1b_core.errors import Dex1bError, ErrorCode

ATTEMPTS = 4  # a process may die of what another did


class Runner(Protocol):
    """Does tasks in any order."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, int]]:
        """Each task and the rows that it wrote, as they are done.

        A worker that dies costs its task an attempt, nothing else: shards are written once.

        Raises:
            Dex1bError: a task's own, or SIM_ERROR when one died `ATTEMPTS` times.
        """


class LocalRunner:
    """Processes of this machine.

    Args:
        settings: Of the run.
        shards: Address of the folder of shards.
        workers: Processes.
    """

    def __init__(self, settings: EngineSettings, shards: str, workers: int) -> None:
        self._initial = (settings, shards)
        self._workers = workers

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, int]]:
        """See `Runner`."""
        left = {task.name: task for task in tasks}
        deaths: dict[str, int] = {}
        while left:
            with self._pool() as pool:
                waiting = list(left.values())
                running: dict[Future[int], Task] = {}
                try:
                    while waiting or running:
                        # few at a time: a pool that breaks forgets which tasks had begun
                        while waiting and len(running) < self._workers:
                            task = waiting.pop(0)
                            running[pool.submit(_do, task)] = task
                        done, _ = wait(running, return_when=FIRST_COMPLETED)
                        for future in done:
                            task = running[future]
                            rows = future.result()
                            del running[future], left[task.name]
                            yield task, rows
                except BrokenProcessPool:
                    for task in running.values():
                        deaths[task.name] = deaths.get(task.name, 0) + 1
                        if deaths[task.name] >= ATTEMPTS:
                            raise _plague(task) from None

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context('spawn'),
            initializer=_start,
            initargs=self._initial,
        )


class RayRunner:
    """Workers of a Ray cluster.

    Args:
        settings: Of the run.
        shards: Address of the folder of shards, which all workers can reach.
        address: Of the cluster, or 'local' for one on this machine.
        workers: Actors, a core each.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when Ray is not installed or not there.
    """

    def __init__(
        self, settings: EngineSettings, shards: str, *, address: str, workers: int
    ) -> None:
        try:
            import ray
        except ImportError as error:
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE,
                "Ray is not installed: pip install 'dex1b_core[cluster]', or leave --ray-address "
                'out to use processes of this machine',
            ) from error
        self._ray: Any = ray
        try:
            if not ray.is_initialized():
                ray.init(address=address, log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE, f'no Ray cluster at {address}: {error}'
            ) from error
        # an actor that dies is started again; its task is tried again
        self._actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=ATTEMPTS)(TaskWorker)
        self._initial = (settings, shards)
        self._workers = workers

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, int]]:
        """See `Runner`."""
        ray = self._ray
        waiting = list(tasks)
        actors = [self._actor.remote(*self._initial) for _ in range(min(self._workers, len(tasks)))]
        running: dict[Any, tuple[Any, Task]] = {}
        free = list(actors)
        while waiting or running:
            while waiting and free:
                actor, task = free.pop(), waiting.pop(0)
                running[actor.run.remote(task)] = (actor, task)
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            actor, task = running.pop(done)
            try:
                rows = ray.get(done)
            except ray.exceptions.ActorDiedError:
                raise _plague(task) from None
            except ray.exceptions.RayTaskError as error:
                raise error.as_instanceof_cause() from None
            free.append(actor)
            yield task, rows
        for actor in actors:
            ray.kill(actor)


_worker: TaskWorker | None = None


def _start(settings: EngineSettings, shards: str) -> None:
    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = TaskWorker(settings, shards)


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers, which would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_any([parent.sentinel])
        os._exit(1)


def _do(task: Task) -> int:
    assert _worker is not None
    return _worker.run(task)


def _plague(task: Task) -> Dex1bError:
    return Dex1bError(
        ErrorCode.SIM_ERROR,
        f'workers died {ATTEMPTS} times over task {task.name}; everything before it is kept. Run '
        'the command again, with fewer workers if memory is short',
    )
