"""One execute_articulation goal: plan from the measured state, validate, carry out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.articulation_execution import ArticulationExecution
from dex1b_core.execution.articulation_limits import Lead
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_ros.articulation_request import ArticulationRequest
from dex1b_ros.goal_run import GoalReport, GoalRun, failed_too

_LET_GO = (ErrorCode.LIMITS, ErrorCode.TRACKING, ErrorCode.NOT_HELD)
"""After these the open hand keeps neither the part nor itself under load."""
_TOO_MUCH = 'the part was let go; the arm stays where it is'


@dataclass
class ArticulationReport(GoalReport):
    """What came of an opening; `displacement` [rad or m] is the planned one."""

    displacement: float = 0.0
    lead: Lead = field(default_factory=Lead)

    def write(self, result: Any) -> None:
        """Fill in an ExecuteArticulation.Result, but for its error."""
        super().write(result)
        result.displacement = self.lead.share * self.displacement
        result.max_force = self.lead.max_force


class ArticulationRun(GoalRun):
    """Runs one opening in a worker thread."""

    Report = ArticulationReport
    report: ArticulationReport

    def run(self, request: ArticulationRequest) -> None:
        """Plan the first candidate that can be planned and carry it out.

        Raises:
            Dex1bError: why it ended early; `report` holds what happened until then.
        """
        plan = self._plan_first(
            request,
            partial(
                self._motion.plan_articulation,
                joint=request.joint,
                displacement=request.displacement,
            ),
        )
        self.report.displacement = plan.displacement
        self._announce(plan, f'by {plan.displacement:.3f} {"m" if plan.joint.slides else "rad"}')
        if request.dry_run:
            return
        execution = self._execution(request)
        self.report.progress, self.report.lead = execution.progress, execution.lead
        try:
            execution.run_articulation(plan)
        except Dex1bError as error:
            if error.error_code not in _LET_GO:
                raise
            raise self._after(error, execution, plan) from error
        finally:
            lead = execution.lead
            self._log.info(
                f'led {lead.share:.0%} of the way with at most {lead.max_force:.0f} N; gave way by '
                f'{1e3 * lead.shift:.1f} mm and rested {lead.rests} times for it'
            )

    def _execution(self, request: ArticulationRequest) -> ArticulationExecution:
        from dex1b_core.motion.part_compliance import PartCompliance  # it loads pinocchio and coal

        return ArticulationExecution(
            self._motion.robot,
            self._robot,
            self._settings,
            limits=request.limits,
            hand_force=self._motion.hand_force,
            compliance=PartCompliance(self._motion, request.velocity_scaling),
            **self._guards(request.velocity_scaling),
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
            return failed_too(error, 'opening the hand', second)
        return Dex1bError(error.error_code, f'{error.message}; {_TOO_MUCH}')
