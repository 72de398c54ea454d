"""The seam between planning and whatever makes grasp candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import GraspCandidate
from dex1b_core.planning.rejection import Rejection
from dex1b_core.robots import RobotDescription

BACKENDS = ('dexsimple', 'heuristic', 'optimizer')


@dataclass(frozen=True)
class GenerationResult:
    """Candidates for one object.

    Attributes:
        candidates: Best first.
        rejections: What was made and dropped, counted by reason; stage 'generate'.
        backend: Who made them.
    """

    candidates: tuple[GraspCandidate, ...]
    rejections: tuple[Rejection, ...]
    backend: str


class GraspGenerator(Protocol):
    """Makes grasp candidates; the same seed gives the same candidates."""

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> GenerationResult:
        """Make candidates.

        Args:
            observation: The object with at least one closed shape.
            count: At most how many to return.
            seed: Of every random draw.

        Raises:
            Dex1bError: SHAPE_INVALID without a usable shape, NO_CANDIDATES when all were dropped.
        """
        ...


def make_generator(backend: str, robot: RobotDescription) -> GraspGenerator:
    """Load a generator by name; imports torch.

    Args:
        backend: One of `BACKENDS`.
        robot: Whose hand grasps.

    Raises:
        UnknownNameError: no such backend.
        AssetError, ConfigurationError: the robot's model is missing or malformed.
        Dex1bError: MODEL_NOT_LOADED when there is no usable checkpoint for the hand.
    """
    if backend not in BACKENDS:
        raise UnknownNameError(
            ErrorCode.INVALID_CONFIGURATION, 'generator backend', backend, BACKENDS
        )
    if backend == 'heuristic':
        from dex1b_core.synthesis.heuristic import HeuristicGenerator

        return HeuristicGenerator(robot)
    if backend == 'dexsimple':
        from dex1b_core.model.generator import dexsimple_generator

        return dexsimple_generator(robot)
    from dex1b_core.synthesis.optimizer import OptimizerGenerator

    return OptimizerGenerator(robot)
