"""Physics checks in worker processes; this side imports no physics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.check_schedule import CheckSchedule
from dex1b_core.simulation.check_server import CheckServerSource, Objects, Prepare, Run
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import draw_trials, judged
from dex1b_core.simulation.worker_crew import Job, WorkerCrew
from dex1b_core.simulation.worker_messages import Reply

if TYPE_CHECKING:
    from dex1b_core.simulation.lift_check import CheckObject

MAX_APPROACH = 0.5  # [m]


class CheckPool(AbstractContextManager['CheckPool', None]):
    """Checks candidates in physics on worker processes with warm worlds.

    Workers start with the first check, or with `start`; idle ones use no processor time. A
    worker that dies costs its trial, not the check. One `check` at a time.
    """

    def __init__(
        self,
        robot: RobotDescription,
        *,
        workers: int = 2,
        settings: CheckSettings | None = None,
    ) -> None:
        self.settings = settings or CheckSettings()
        self._robot = robot
        self._crew = WorkerCrew(CheckServerSource(robot, self.settings), workers)
        self._lock = threading.Lock()
        self._closed = False

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return self._crew.pids

    def start(self) -> None:
        """Start the workers, so that the first check does not wait for imports."""
        with self._exclusive():
            self._crew.start()

    def close(self) -> None:
        """End the workers; a check that runs meanwhile raises CANCELED."""
        self._closed = True
        with self._lock:
            self._crew.close()

    def check(
        self,
        candidates: Sequence[GraspCandidate],
        observation: ObjectObservation,
        *,
        seed: int = 0,
        enough: int = 0,
        time_budget_s: float = 60.0,
        on_progress: Callable[[int, int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[GraspCandidate, ...]:
        """Fill in `sim_check` and `score`, same order.

        Args:
            candidates: Best first.
            observation: Its shapes are what is simulated, on its support plane.
            seed: Draws the perturbations.
            enough: Stop after this many passed; 0 checks all.
            time_budget_s: Stop after this many wall-clock seconds; what was not tried by then
                stays NOT_RUN, what was tried in part is judged by that part.
            on_progress: Called with (done, passed, total) after each trial.
            cancelled: Polled; ends the check.

        Raises:
            Dex1bError: INVALID_REQUEST, SHAPE_INVALID, BUSY, CANCELED; SIM_ERROR when workers
                keep dying; ASSET_MISSING when the hand's model is not there.
        """
        deadline = time.monotonic() + time_budget_s
        for candidate in candidates:
            _require_fit(candidate, self._robot)
        if not observation.shapes:
            raise Dex1bError(
                ErrorCode.SHAPE_INVALID,
                'the scene holds no shape to check grasps on; expected at least one closed mesh: '
                'capture the scene again',
            )

        def stopped() -> bool:
            return self._closed or (cancelled is not None and cancelled())

        with self._exclusive():
            objects = self._prepare(Job(deadline, stopped), observation)
            trials = draw_trials(self.settings, shapes=max(1, len(objects)), seed=seed)
            schedule = CheckSchedule(len(candidates), trials, self.settings, enough=enough)
            if objects:
                world = Objects(objects, observation.support_plane)
                job = Job(deadline, lambda: schedule.satisfied or stopped(), world)
                self._simulate(job, schedule, candidates, on_progress)
        if stopped():
            raise Dex1bError(
                ErrorCode.CANCELED, f'canceled after {schedule.done} of {len(candidates)} checks'
            )
        return tuple(judged(c, schedule.verdict(i)) for i, c in enumerate(candidates))

    def _prepare(self, job: Job, observation: ObjectObservation) -> tuple[CheckObject, ...]:
        """Cut the shapes; an unsound one is left out unless it is the first."""
        found: dict[int, CheckObject] = {}
        left = list(enumerate(observation.shapes))

        def take() -> tuple[int, Prepare] | None:
            if not left:
                return None
            index, shape = left.pop(0)
            return index, Prepare(shape, observation.support_plane)

        def put(index: int, reply: Reply | None) -> None:
            if reply is not None and reply.error is None:
                found[index] = reply.value
            elif index == 0:
                died = (ErrorCode.SIM_ERROR, 'the physics worker died while it cut the shape')
                raise Dex1bError(*(died if reply is None or reply.error is None else reply.error))

        self._crew.work(job, take, put)
        return tuple(found[index] for index in sorted(found)) if 0 in found else ()

    def _simulate(
        self,
        job: Job,
        schedule: CheckSchedule,
        candidates: Sequence[GraspCandidate],
        on_progress: Callable[[int, int, int], None] | None,
    ) -> None:
        def take() -> tuple[tuple[int, int], Run] | None:
            item = schedule.next()
            return None if item is None else (item[:2], Run(candidates[item[0]], item[2]))

        def put(key: tuple[int, int], reply: Reply | None) -> None:
            if reply is not None and reply.error is not None:
                raise Dex1bError(*reply.error)
            schedule.put(*key, None if reply is None else reply.value)
            if on_progress is not None:
                on_progress(schedule.done, schedule.passed, len(candidates))

        self._crew.work(job, take, put)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise Dex1bError(
                ErrorCode.BUSY, 'the physics check is at work on another request; try again later'
            )
        try:
            if self._closed:
                raise Dex1bError(ErrorCode.PRECONDITION, 'the physics check has been closed')
            yield
        finally:
            self._lock.release()


def _require_fit(candidate: GraspCandidate, robot: RobotDescription) -> None:
    """The candidate is a command for this hand."""
    joints = robot.hand.joints
    if candidate.hand != robot.hand.key or set(candidate.joint_names) != set(joints):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"candidate '{candidate.id}' is for hand '{candidate.hand}' with joints "
            f"{list(candidate.joint_names)}; expected '{robot.hand.key}' with {list(joints)}",
        )
    values = [candidate.planning_T_wrist, candidate.pregrasp, candidate.grasp, candidate.squeeze]
    finite = all(np.isfinite(value).all() for value in [*values, candidate.approach])
    is_unit = abs(float(np.linalg.norm(candidate.approach)) - 1.0) < 1e-3
    if not finite or not is_unit or not 0 <= candidate.approach_distance <= MAX_APPROACH:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"candidate '{candidate.id}' approaches along {candidate.approach.tolist()} by "
            f'{candidate.approach_distance} m; expected a unit direction, 0 to {MAX_APPROACH} m, '
            'and finite numbers throughout',
        )
