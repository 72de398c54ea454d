"""Judges sets of grasps by protocols, in this process or on workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np

from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning import FailureReason
from dex1b_core.robots import load_hand
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.hold_check import HoldTrial
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.judge_server import (
    JudgeRequest,
    JudgeServer,
    JudgeServerSource,
    JudgeWorld,
)
from dex1b_core.simulation.lift_protocol import LiftProtocol
from dex1b_core.simulation.perturbation import UNPERTURBED, Perturbation
from dex1b_core.simulation.urdf_bodies import TreeSource
from dex1b_core.simulation.verdicts import Verdicts
from dex1b_core.simulation.worker_crew import Job, WorkerCrew
from dex1b_core.simulation.worker_messages import Reply

ATTEMPTS = 2  # a worker may die of what another process did


class GraspJudge(AbstractContextManager['GraspJudge', None]):
    """Judges grasps of one hand; use as a context manager.

    Every grasp gets exactly one verdict for each perturbation: a grasp that breaks its worker
    `ATTEMPTS` times counts as UNSTABLE.

    Args:
        hand: The hand as a body tree's source; `source_of` finds it for a set of grasps.
        workers: Processes; 0 works in this one.
    """

    def __init__(self, hand: TreeSource, *, workers: int = 0) -> None:
        self._source = JudgeServerSource(hand)
        self._crew = WorkerCrew(self._source, workers) if workers > 0 else None
        self._server: JudgeServer | None = None

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return () if self._crew is None else self._crew.pids

    def close(self) -> None:
        """End the workers."""
        if self._crew is not None:
            self._crew.close()

    def judge(
        self,
        grasps: GraspSet,
        protocol: HoldProtocol | LiftProtocol,
        engine: EngineName = 'mujoco',
        *,
        perturbations: Sequence[Perturbation] = (UNPERTURBED,),
        cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> tuple[Verdicts, ...]:
        """Verdicts for each perturbation.

        Args:
            grasps: Of this hand.
            protocol: What is asked of them.
            engine: Which simulates.
            perturbations: Worlds to try every grasp in.
            cancelled: Polled; ends the work.
            on_progress: Called with (done, total) trials.

        Raises:
            Dex1bError: INVALID_REQUEST when the grasps are another hand's; CANCELED; SIM_ERROR
                when workers keep dying.
        """
        _require_fit(grasps, self._source.hand)
        world = JudgeWorld(grasps.object_parts, protocol, engine, grasps.plane)
        keys = [(p, row) for row in range(len(grasps)) for p in range(len(perturbations))]
        requests = {key: _request(grasps, key[1], perturbations[key[0]]) for key in keys}
        found: dict[tuple[int, int], tuple[HoldTrial, float]] = {}

        def put(key: tuple[int, int], result: tuple[HoldTrial, float]) -> None:
            found[key] = result
            on_progress(len(found), len(keys))

        if self._crew is None:
            self._here(world, requests, put, cancelled)
        else:
            _on_workers(self._crew, world, requests, put, cancelled)
        if len(found) < len(keys):
            raise Dex1bError(
                ErrorCode.CANCELED, f'canceled after {len(found)} of {len(keys)} trials'
            )
        return tuple(
            Verdicts.of(*_columns(found[p, row] for row in range(len(grasps))))
            for p in range(len(perturbations))
        )

    def _here(
        self,
        world: JudgeWorld,
        requests: dict[tuple[int, int], JudgeRequest],
        put: Callable[[tuple[int, int], tuple[HoldTrial, float]], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._server = self._server or self._source.make()
        self._server.tell(world)
        for key, request in requests.items():
            if cancelled():
                return
            put(key, self._server.answer(request))


def source_of(grasps: GraspSet) -> TreeSource:
    """The hand of a set of grasps, driven in the order of its joints.

    Raises:
        Dex1bError: the hand is unknown, or INVALID_REQUEST when its joints are others.
    """
    hand = load_hand(grasps.hand)
    if set(hand.joints) != set(grasps.joint_names):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'joints of the grasps, {", ".join(grasps.joint_names)}, are not those of hand '
            f"'{grasps.hand}': {', '.join(hand.joints)}",
        )
    return TreeSource(hand.urdf_path, hand.root_link, grasps.joint_names)


def _on_workers(
    crew: WorkerCrew,
    world: JudgeWorld,
    requests: dict[tuple[int, int], JudgeRequest],
    put: Callable[[tuple[int, int], tuple[HoldTrial, float]], None],
    cancelled: Callable[[], bool],
) -> None:
    waiting = list(reversed(requests))
    deaths: dict[tuple[int, int], int] = {}
    broken = HoldTrial(FailureReason.UNSTABLE, 'start')

    def take() -> tuple[tuple[int, int], JudgeRequest] | None:
        return (waiting[-1], requests[waiting.pop()]) if waiting else None

    def receive(key: tuple[int, int], reply: Reply | None) -> None:
        if reply is None:
            deaths[key] = deaths.get(key, 0) + 1
            if deaths[key] < ATTEMPTS:
                waiting.insert(
                    0, key
                )  # last: one bad grasp after the other would look like a plague
            else:
                put(key, (broken, float('nan')))
        elif reply.error is not None:
            raise Dex1bError(*reply.error)
        else:
            put(key, reply.value)

    crew.work(Job(time.monotonic() + 1e9, cancelled, world), take, receive)


def _request(grasps: GraspSet, row: int, perturbation: Perturbation) -> JudgeRequest:
    postures = np.stack([grasps.pregrasp[row], grasps.grasp[row], grasps.squeeze[row]])
    approach = None if grasps.approach is None else grasps.approach[row]
    pose = np.asarray(grasps.object_T_hand[row], dtype=float)
    return JudgeRequest(pose, postures, approach, perturbation)


def _columns(
    found: Iterator[tuple[HoldTrial, float]],
) -> tuple[list[HoldTrial], list[float]]:
    pairs = list(found)
    return [trial for trial, _ in pairs], [seconds for _, seconds in pairs]


def _require_fit(grasps: GraspSet, hand: TreeSource) -> None:
    if grasps.joint_names != hand.joint_names:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'the grasps are for joints {", ".join(grasps.joint_names)}; expected those of the '
            f'hand in this order: {", ".join(hand.joint_names)}',
        )
