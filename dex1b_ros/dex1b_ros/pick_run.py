"""One execute_grasp goal: plan from the measured state, validate, carry out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import PickExecution
from dex1b_core.motion import PickPlan, Stage
from dex1b_ros.goal_run import GoalReport, GoalRun, failed_too
from dex1b_ros.pick_request import PickRequest

_WAY_BACK = (Stage.SQUEEZE, Stage.VERIFY)
"""Stages in which an empty hand may go back the way it came: nothing has been carried yet."""


@dataclass
class PickReport(GoalReport):
    """What came of a pick."""

    @property
    def object_held(self) -> bool:
        """By the hand's own latest evidence."""
        return self.progress.grip is not None and self.progress.grip.held

    def write(self, result: Any) -> None:
        """Fill in an ExecuteGrasp.Result, but for its error."""
        super().write(result)
        grip = self.progress.grip
        result.object_held = self.object_held
        result.mean_squeeze_effort = grip.mean_effort if grip is not None else 0.0


class PickRun(GoalRun):
    """Runs one pick in a worker thread."""

    Report = PickReport

    def run(self, request: PickRequest) -> None:
        """Plan the first candidate that can be planned and carry it out.

        Raises:
            Dex1bError: why it ended early; `report` holds what happened until then.
        """
        plan = self._plan_first(
            request, partial(self._motion.plan_pick, lift_height=request.lift_height)
        )
        lift, seconds = 1e3 * plan.lift_height, plan.planning_seconds
        self._announce(plan, f'lift {lift:.0f} mm; planned in {seconds:.2f} s')
        if request.dry_run:
            return
        execution = PickExecution(
            self._motion.robot,
            self._robot,
            self._settings,
            **self._guards(request.velocity_scaling),
        )
        self.report.progress = execution.progress
        try:
            execution.run(plan, stop_after=request.stop_after, hold_duration=request.hold_duration)
        except Dex1bError as error:
            self._after_failure(error, execution, plan, request)
            raise

    def _after_failure(
        self, error: Dex1bError, execution: PickExecution, plan: PickPlan, request: PickRequest
    ) -> None:
        failed_in = execution.progress.stage
        self._robot.wait_until_still(3.0)
        if error.error_code == ErrorCode.NOT_HELD and request.retreat and failed_in in _WAY_BACK:
            try:
                execution.retreat(plan)
            except Dex1bError as second:
                raise failed_too(error, 'the way back', second) from second
