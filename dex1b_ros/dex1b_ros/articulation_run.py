"""One execute_articulation goal: plan from the measured state, validate, carry out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import ExecutionSettings, Progress
from dex1b_core.execution.articulation_execution import ArticulationExecution, Lead
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.planning import Rejection
from dex1b_ros import conversions
from dex1b_ros.articulation_request import ArticulationRequest
from dex1b_ros.ros_robot import RosRobot

if TYPE_CHECKING:  # it loads pinocchio and coal
    from dex1b_core.motion.part_motion import PartMotion

_LET_GO = (ErrorCode.LIMITS, ErrorCode.TRACKING, ErrorCode.NOT_HELD)
"""After these the open hand keeps neither the part nor itself under load."""
_TOO_MUCH = 'the part was let go; the arm stays where it is'


@dataclass
class ArticulationReport:
    """What came of it; filled while it runs."""

    progress: Progress = field(default_factory=Progress)
    candidate_id: str = ''
    rejections: list[Rejection] = field(default_factory=list)
    plan: ArticulationPlan | None = None
    lead: Lead = field(default_factory=Lead)
    object_held: bool = False

    def write(self, result: Any) -> None:
        """Fill in an ExecuteArticulation.Result, but for its error."""
        result.executed_id = self.candidate_id
        displacement = 0.0 if self.plan is None else self.plan.displacement
        result.displacement = self.lead.share * displacement
        result.max_force = self.lead.max_force
        result.rejections = [conversions.rejection_msg(r) for r in self.rejections]
        result.timings = [conversions.timing_msg(*timing) for timing in self.progress.timings]


class ArticulationRun:
    """Runs one request in a worker thread."""

    def __init__(
        self,
        motion: PartMotion,
        robot: RosRobot,
        settings: ExecutionSettings,
        *,
        log: Any,
        on_progress: Callable[[Any], None],
    ) -> None:
        self._motion, self._robot, self._settings = motion, robot, settings
        self._log, self._on_progress = log, on_progress
        self.report = ArticulationReport()

    def run(self, request: ArticulationRequest) -> ArticulationReport:
        """Plan the first candidate that can be planned and carry it out.

        Raises:
            Dex1bError: why it ended early; `report` holds what happened until then.
        """
        plan = self._plan(request)
        self.report.plan, self.report.candidate_id = plan, plan.candidate.id
        self._log.info(
            f"'{plan.candidate.id}': "
            + ', '.join(f'{s.stage.name} {s.duration:.2f} s' for s in plan.stages)
            + f'; by {plan.displacement:.3f} {"m" if plan.joint.slides else "rad"}'
        )
        if request.dry_run:
            return self.report
        execution = self._execution(request)
        self.report.progress, self.report.lead = execution.progress, execution.lead
        try:
            execution.run_articulation(plan)
        except Dex1bError as error:
            if error.error_code not in _LET_GO:
                raise
            raise self._after(error, execution, plan) from error
        return self.report

    def _execution(self, request: ArticulationRequest) -> ArticulationExecution:
        motion = self._motion
        return ArticulationExecution(
            motion.robot,
            self._robot,
            self._settings,
            limits=request.limits,
            hand_force=motion.hand_force,
            validate=lambda trajectory, start, tolerance: motion.validate(
                trajectory,
                scaling=request.velocity_scaling,
                start=start,
                start_tolerance=tolerance,
            ),
            resume=lambda trajectory, elapsed: motion.resume(
                trajectory, elapsed, scaling=request.velocity_scaling
            ),
            on_progress=self._progressed,
        )

    def _after(
        self, error: Dex1bError, execution: ArticulationExecution, plan: ArticulationPlan
    ) -> Dex1bError:
        """Let go once the arm is still; says so."""
        if not execution.progress.touched:
            return error
        self._robot.wait_until_still(3.0)
        try:
            execution.let_go(plan)
        except Dex1bError as second:
            return Dex1bError(
                error.error_code,
                f'{error.message}; opening the hand failed too: [{second.error_code.name}] '
                f'{second.message}',
            )
        return Dex1bError(error.error_code, f'{error.message}; {_TOO_MUCH}')

    def _plan(self, request: ArticulationRequest) -> ArticulationPlan:
        robot = self._motion.robot
        errors: list[Dex1bError] = []
        for candidate in request.candidates:
            self._robot.check()
            try:
                return self._motion.plan_articulation(
                    candidate,
                    request.observation,
                    request.joint,
                    request.displacement,
                    arm_start=self._robot.named(robot.arm.joints),
                    hand_start=self._robot.named(robot.hand.joints),
                    velocity_scaling=request.velocity_scaling,
                    seed=request.seed,
                )
            except Dex1bError as error:
                if error.error_code == ErrorCode.PRECONDITION:
                    raise
                errors.append(error)
                self.report.rejections.append(
                    Rejection(error.error_code, 'execute', 1, f"'{candidate.id}': {error.message}")
                )
        raise Dex1bError(
            errors[0].error_code,
            f'none of {len(errors)} candidates has a motion; the best one: {errors[0].message}',
        )

    def _progressed(self, progress: Progress) -> None:
        self._log.info(f'stage {progress.stage.name}')
        self._on_progress(self.report)
