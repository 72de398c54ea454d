"""One execute_grasp goal: plan from the measured state, validate, carry out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import ExecutionSettings, PickExecution, Progress
from dex1b_core.motion import PickPlan, Stage
from dex1b_core.planning import Rejection
from dex1b_ros import conversions
from dex1b_ros.pick_request import PickRequest
from dex1b_ros.ros_robot import RosRobot

if TYPE_CHECKING:  # it loads pinocchio and coal
    from dex1b_core.motion import ArmMotion

_WAY_BACK = (Stage.SQUEEZE, Stage.VERIFY)
"""Stages in which an empty hand may go back the way it came: nothing has been carried yet."""


@dataclass
class PickReport:
    """What came of it; filled while it runs."""

    progress: Progress = field(default_factory=Progress)
    candidate_id: str = ''
    rejections: list[Rejection] = field(default_factory=list)
    plan: PickPlan | None = None

    @property
    def object_held(self) -> bool:
        """By the hand's own latest evidence."""
        return self.progress.grip is not None and self.progress.grip.held

    def write(self, result: Any) -> None:
        """Fill in an ExecuteGrasp.Result, but for its error."""
        grip = self.progress.grip
        result.executed_id, result.object_held = self.candidate_id, self.object_held
        result.mean_squeeze_effort = grip.mean_effort if grip is not None else 0.0
        result.rejections = [conversions.rejection_msg(r) for r in self.rejections]
        result.timings = [conversions.timing_msg(*timing) for timing in self.progress.timings]


class PickRun:
    """Runs one request in a worker thread."""

    def __init__(
        self,
        motion: ArmMotion,
        robot: RosRobot,
        settings: ExecutionSettings,
        *,
        log: Any,
        on_progress: Callable[[PickReport], None],
    ) -> None:
        self._motion = motion
        self._robot = robot
        self._settings = settings
        self._log = log
        self._on_progress = on_progress
        self.report = PickReport()

    def run(self, request: PickRequest) -> PickReport:
        """Plan the first candidate that can be planned and carry it out.

        Candidates are given up for the next one only here, before anything has moved.

        Raises:
            Dex1bError: why it ended early; `report` holds what happened until then.
        """
        plan = self._plan(request)
        self.report.plan, self.report.candidate_id = plan, plan.candidate.id
        self._log.info(
            f"'{plan.candidate.id}': "
            + ', '.join(f'{s.stage.name} {s.duration:.2f} s' for s in plan.stages)
            + f'; lift {1e3 * plan.lift_height:.0f} mm; planned in {plan.planning_seconds:.2f} s'
        )
        if request.dry_run:
            return self.report
        execution = PickExecution(
            self._motion.robot,
            self._robot,
            self._settings,
            validate=lambda trajectory, start, tolerance: self._motion.validate(
                trajectory,
                scaling=request.velocity_scaling,
                start=start,
                start_tolerance=tolerance,
            ),
            resume=lambda trajectory, elapsed: self._motion.resume(
                trajectory, elapsed, scaling=request.velocity_scaling
            ),
            on_progress=self._progressed,
        )
        self.report.progress = execution.progress
        try:
            execution.run(plan, stop_after=request.stop_after, hold_duration=request.hold_duration)
        except Dex1bError as error:
            self._after_failure(error, execution, plan, request)
            raise
        return self.report

    def _plan(self, request: PickRequest) -> PickPlan:
        joints = self._motion.robot
        errors: list[Dex1bError] = []
        for candidate in request.candidates:
            self._robot.check()
            try:
                return self._motion.plan_pick(
                    candidate,
                    request.observation,
                    arm_start=self._robot.named(joints.arm.joints),
                    hand_start=self._robot.named(joints.hand.joints),
                    velocity_scaling=request.velocity_scaling,
                    lift_height=request.lift_height,
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

    def _after_failure(
        self, error: Dex1bError, execution: PickExecution, plan: PickPlan, request: PickRequest
    ) -> None:
        failed_in = execution.progress.stage
        self._robot.wait_until_still(3.0)
        if error.error_code == ErrorCode.NOT_HELD and request.retreat and failed_in in _WAY_BACK:
            try:
                execution.retreat(plan)
            except Dex1bError as second:
                raise Dex1bError(
                    error.error_code,
                    f'{error.message}; the way back failed too: [{second.error_code.name}] '
                    f'{second.message}',
                ) from second
