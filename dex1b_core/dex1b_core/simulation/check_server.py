"""What a worker of the check pool does: cut shapes, simulate trials on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial

if TYPE_CHECKING:
    from dex1b_core.simulation.lift_check import CheckObject, LiftChecker


@dataclass(frozen=True)
class Prepare:
    """Cut a shape; answered with a CheckObject."""

    shape: ShapeHypothesis
    plane: Plane


@dataclass(frozen=True)
class Objects:
    """What the trials to come are about, by shape index."""

    objects: tuple[CheckObject, ...]
    plane: Plane


@dataclass(frozen=True)
class Run:
    """Simulate a trial; answered with a TrialResult."""

    candidate: GraspCandidate
    trial: Trial


@dataclass(frozen=True)
class CheckServerSource:
    """Makes `CheckServer`s."""

    robot: RobotDescription
    settings: CheckSettings

    def make(self) -> CheckServer:
        """Import physics and build the world."""
        import open3d  # noqa: F401  (takes seconds, which the first shape would pay)

        return CheckServer(self.robot, self.settings)


class CheckServer:
    """Warm physics scenes, one for each shape that trials have been about."""

    def __init__(self, robot: RobotDescription, settings: CheckSettings) -> None:
        from dex1b_core.simulation import lift_check

        self._robot, self._settings, self._lift_check = robot, settings, lift_check
        self._objects: Objects | None = None
        self._checkers: dict[int, LiftChecker] = {}
        # reads the hand and starts the engine, for which the first trial would wait
        lift_check.LiftChecker.of_robot(robot, lift_check.cube(0.05), settings)

    def tell(self, context: Objects) -> None:
        """What the trials to come are about."""
        self._objects, self._checkers = context, {}

    def answer(self, request: Prepare | Run) -> Any:
        """Cut or simulate."""
        if isinstance(request, Prepare):
            return self._lift_check.prepare_object(request.shape, request.plane)
        if self._objects is None:
            raise Dex1bError(ErrorCode.PRECONDITION, 'a trial came before its objects')
        return self._checker(self._objects, request.trial.shape).run(
            request.candidate, self._objects.plane, request.trial
        )

    def _checker(self, objects: Objects, shape: int) -> LiftChecker:
        if shape not in self._checkers:
            self._checkers[shape] = self._lift_check.LiftChecker.of_robot(
                self._robot, objects.objects[shape], self._settings
            )
        return self._checkers[shape]
