"""What the executor does for a goal of any kind: plan from the measured state, watch, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import ExecutionSettings, Progress
from dex1b_core.motion.plan import StagedPlan
from dex1b_core.planning import Rejection
from dex1b_ros import conversions
from dex1b_ros.ros_robot import RosRobot

if TYPE_CHECKING:  # it loads pinocchio and coal
    from dex1b_core.motion.part_motion import PartMotion

Planned = TypeVar('Planned', bound=StagedPlan)


@dataclass
class GoalReport:
    """What came of a goal; filled while it runs."""

    progress: Progress = field(default_factory=Progress)
    candidate_id: str = ''
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def object_held(self) -> bool:
        """By the hand's own latest evidence; what is only led is let go."""
        return False

    def write(self, result: Any) -> None:
        """Fill in what results of all kinds have, but for the error."""
        result.executed_id = self.candidate_id
        result.rejections = [conversions.rejection_msg(r) for r in self.rejections]
        result.timings = [conversions.timing_msg(*timing) for timing in self.progress.timings]


class GoalRun:
    """Runs one request in a worker thread; `report` holds what happened until now."""

    Report: type[GoalReport] = GoalReport
    report: GoalReport

    def __init__(
        self,
        motion: PartMotion,
        robot: RosRobot,
        settings: ExecutionSettings,
        *,
        log: Any,
        on_progress: Callable[[GoalReport], None],
    ) -> None:
        self._motion, self._robot, self._settings = motion, robot, settings
        self._log, self._on_progress = log, on_progress
        self.report = self.Report()

    def _plan_first(self, request: Any, plan: Callable[..., Planned]) -> Planned:
        """What `plan` makes of the first candidate that has a motion, from the measured state.

        Candidates are given up for the next one only here, before anything has moved.

        Raises:
            Dex1bError: of the best candidate when none has a motion; why the goal must end.
        """
        joints = self._motion.robot
        errors: list[Dex1bError] = []
        for candidate in request.candidates:
            self._robot.check()
            try:
                return plan(
                    candidate,
                    request.observation,
                    arm_start=self._robot.named(joints.arm.joints),
                    hand_start=self._robot.named(joints.hand.joints),
                    velocity_scaling=request.velocity_scaling,
                    seed=request.seed,
                )
            except Dex1bError as error:
                self._robot.check()  # a search that was interrupted is no candidate's fault
                if error.error_code in (ErrorCode.PRECONDITION, ErrorCode.NODE_UNAVAILABLE):
                    raise
                errors.append(error)
                self.report.rejections.append(
                    Rejection(error.error_code, 'execute', 1, f"'{candidate.id}': {error.message}")
                )
        raise Dex1bError(
            errors[0].error_code,
            f'none of {len(errors)} candidates has a motion; the best one: {errors[0].message}',
        )

    def _announce(self, plan: StagedPlan, note: str) -> None:
        self.report.candidate_id = plan.candidate.id
        stages = ', '.join(f'{s.stage.name} {s.duration:.2f} s' for s in plan.stages)
        self._log.info(f"'{plan.candidate.id}': {stages}; {note}")

    def _guards(self, scaling: float) -> dict[str, Any]:
        """What an execution asks before it moves, and whom it tells."""
        motion = self._motion
        return {
            'validate': lambda trajectory, start, tolerance: motion.validate(
                trajectory, scaling=scaling, start=start, start_tolerance=tolerance
            ),
            'resume': lambda trajectory, elapsed: motion.resume(
                trajectory, elapsed, scaling=scaling
            ),
            'on_progress': self._progressed,
        }

    def _progressed(self, progress: Progress) -> None:
        self._log.info(f'stage {progress.stage.name}')
        self._on_progress(self.report)


def failed_too(error: Dex1bError, what: str, second: Dex1bError) -> Dex1bError:
    """An error whose remedy failed as well."""
    return Dex1bError(
        error.error_code,
        f'{error.message}; {what} failed too: [{second.error_code.name}] {second.message}',
    )
