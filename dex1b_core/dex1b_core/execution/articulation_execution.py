"""Carries out the opening of a part; stops when it takes more force than it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dex1b_core.config import StrictModel
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.pick_execution import PickExecution
from dex1b_core.execution.port import Motion
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.motion.plan import PickStage, Stage
from dex1b_core.motion.timing import rest_to_rest
from dex1b_core.motion.trajectory import JointTrajectory

Array = NDArray[np.float64]
HandForce = Callable[[Array, Array], float]


LEAST_FORCE = 3.0  # [N] of a hand that leads anything
AT_ONCE = 1.5  # times the largest force: so much is no knock


class ArticulationLimits(StrictModel):
    """What leading a part may take."""

    max_force: float = Field(
        100.0, gt=0, le=500, description='of the hand while it approaches and while it leads [N]'
    )
    force_time: float = Field(
        0.1, ge=0, description='so long a force may be larger before the arm stops [s]'
    )
    grip_error: float = Field(
        0.005, gt=0, description='command to position of a finger that touches the part [rad]'
    )
    tracking_tolerance: float = Field(
        0.1, gt=0, description='arm to its trajectory meanwhile [rad]'
    )


@dataclass
class Lead:
    """How far a part was led, and with what force.

    Attributes:
        share: Of the commanded way that was executed, 0 to 1.
        max_force: Largest force of the hand [N]; NaN where efforts are not measured.
    """

    share: float = 0.0
    max_force: float = float('nan')


@dataclass
class _Watch:
    """What force the hand exerts: efforts against those in which it stood before the part."""

    baseline: Array = field(default_factory=lambda: np.zeros(0))
    over_since: float | None = None


class ArticulationExecution(PickExecution):
    """One execution of one articulation plan; see `PickExecution` for the arguments.

    Args:
        limits: Of force and tracking while the part is led.
        hand_force: Force of the hand [N] from (A,) arm positions [rad] and efforts [N m].
    """

    def __init__(
        self, *args: Any, limits: ArticulationLimits, hand_force: HandForce, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        # a part is squeezed gently: what stays out of reach of the command is little
        self._settings = self._settings.model_copy(update={'grip_error': limits.grip_error})
        self._limits, self._hand_force = limits, hand_force
        self._watch = _Watch()
        self.lead = Lead()
        self._touched = False

    def run_articulation(self, plan: ArticulationPlan) -> None:
        """Execute all stages.

        Raises:
            Dex1bError: why it ended early: NOT_HELD when it led nothing, LIMITS when
                the part takes too much force, TRACKING when the arm falls behind.
        """
        judge = self._judge(plan)
        try:
            for stage in plan.stages:
                with self._stage(stage.stage):
                    if stage.stage is Stage.APPROACH:
                        self._remember_efforts()
                    self._execute(stage)
                    if stage.stage in (Stage.SQUEEZE, Stage.ARTICULATE):
                        self._look_for_touch(judge)
                    if stage.stage is Stage.ARTICULATE:
                        self._require_touch()
                        self.lead.share = 1.0
        except BaseException:
            self._port.stop_arm()
            raise

    def let_go(self, plan: ArticulationPlan) -> None:
        """Open the hand where the arm stopped, slowly; the arm stays.

        Raises:
            Dex1bError: as `run_articulation`.
        """
        opened = plan.stage(Stage.CLOSE).hand
        assert opened is not None
        names = self._robot.hand.joints
        start = self._port.measure(names).positions
        hand = rest_to_rest(names, start, opened.positions[0], 1.5 * opened.duration)
        with self._stage(Stage.RETREAT):
            self._execute(PickStage(Stage.RETREAT, hand=hand))

    # -- watching ------------------------------------------------------------------------------

    def _remember_efforts(self) -> None:
        state = self._port.measure(self._robot.arm.joints)
        self._watch = _Watch(state.efforts)
        if np.isfinite(state.efforts).all():
            self.lead.max_force = 0.0

    def _look_for_touch(self, judge: Any) -> None:
        state = self._port.measure(self._robot.hand.joints)
        self.progress.grip = judge.judge(state.positions, state.efforts)
        self._touched |= bool(self.progress.grip.loaded)

    def _require_touch(self) -> None:
        """A hook touches only once it pulls: judged where the way ends."""
        felt = self.lead.max_force > LEAST_FORCE
        if self._touched or felt or self.progress.grip is None:
            return
        raise Dex1bError(
            ErrorCode.NOT_HELD,
            f'no finger touched the part and the hand felt {self.lead.max_force:.1f} N on its '
            f'way: {self.progress.grip.reason}',
        )

    def _check_tracking(self, trajectory: JointTrajectory, motion: Motion) -> None:
        super()._check_tracking(trajectory, motion)
        if self.progress.stage not in (Stage.APPROACH, Stage.ARTICULATE) or motion.finished():
            return
        state = self._port.measure(trajectory.names)
        elapsed = motion.elapsed()
        if self.progress.stage is Stage.ARTICULATE:
            self.lead.share = float(np.clip(elapsed / trajectory.duration, 0.0, 1.0))
        self._check_lag(trajectory, elapsed, state.positions)
        self._check_force(state.positions, state.efforts)

    def _check_lag(self, trajectory: JointTrajectory, elapsed: float, measured: Array) -> None:
        planned = trajectory.sample([elapsed])[0][0]
        error = np.abs(measured - planned)
        worst = int(error.argmax())
        if error[worst] > self._limits.tracking_tolerance:
            raise Dex1bError(
                ErrorCode.TRACKING,
                f"joint '{trajectory.names[worst]}' is {error[worst]:.3f} rad from its way in "
                f'{self.progress.stage.name}; {self._limits.tracking_tolerance:.3f} rad are '
                'allowed: does the part move as the model says?',
            )

    def _check_force(self, positions: Array, efforts: Array) -> None:
        if not np.isfinite(efforts).all() or not np.isfinite(self._watch.baseline).all():
            return
        force = self._hand_force(positions, efforts - self._watch.baseline)
        self.lead.max_force = max(self.lead.max_force, force)
        if force <= self._limits.max_force:
            self._watch.over_since = None
            return
        now = self._port.now()
        since = self._watch.over_since = self._watch.over_since or now
        if force > AT_ONCE * self._limits.max_force or now - since >= self._limits.force_time:
            raise Dex1bError(
                ErrorCode.LIMITS,
                f'the hand meets {force:.0f} N in {self.progress.stage.name}, '
                f'{self.lead.share:.0%} of the way along the joint; '
                f'{self._limits.max_force:.0f} N are allowed: is the part locked, the model '
                'wrong, or something in the way?',
            )
