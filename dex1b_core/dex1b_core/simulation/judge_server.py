"""What a worker does for `GraspJudge`: grasps of one hand through protocols."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.lift_protocol import LiftProtocol
from dex1b_core.simulation.perturbation import UNPERTURBED, Perturbation
from dex1b_core.simulation.urdf_bodies import TreeSource

if TYPE_CHECKING:
    from dex1b_core.simulation.engine import EngineName
    from dex1b_core.simulation.hold_check import HoldTrial

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JudgeWorld:
    """What the requests to come are about.

    Attributes:
        parts: Vertices (V, 3) of each convex part of the object [m].
        protocol: What is asked.
        engine: Which simulates.
        plane: (4,) unit normal and offset of the support, object frame; None when it floats.
    """

    parts: tuple[Array, ...]
    protocol: HoldProtocol | LiftProtocol
    engine: EngineName
    plane: Array | None = None


@dataclass(frozen=True, eq=False)
class JudgeRequest:
    """One grasp in one world; answered with its trial and the processor time it took [s].

    Attributes:
        object_T_root: (4, 4) of the hand.
        postures: (3, J) pregrasp, grasp, squeeze [rad].
        approach: (3,) unit direction; None when there is none.
        perturbation: What differs from the world that the grasp was planned for.
    """

    object_T_root: Array
    postures: Array
    approach: Array | None = None
    perturbation: Perturbation = UNPERTURBED


@dataclass(frozen=True)
class JudgeServerSource:
    """Makes `JudgeServer`s."""

    hand: TreeSource

    def make(self) -> JudgeServer:
        """Import physics and read the hand."""
        return JudgeServer(self.hand)


class JudgeServer:
    """A hand, and a warm scene of the object that requests are about."""

    def __init__(self, hand: TreeSource) -> None:
        from dex1b_core.simulation import grasp_trials

        self._trials = grasp_trials
        self._hand = hand
        self._world: JudgeWorld | None = None
        self._runner: Callable[[JudgeRequest], HoldTrial] | None = None

    def tell(self, context: JudgeWorld) -> None:
        """Take note; the scene is built by the first request, whose errors are heard."""
        self._world, self._runner = context, None

    def answer(self, request: JudgeRequest) -> tuple[HoldTrial, float]:
        """Simulate one grasp."""
        if self._world is None:
            raise Dex1bError(ErrorCode.PRECONDITION, 'a grasp came before its object')
        if self._runner is None:
            self._runner = self._trials.trial_runner(self._hand, self._world)
        start = time.process_time()
        trial = self._runner(request)
        return trial, time.process_time() - start
