"""Carries out the opening of a part; stops when it takes more force than it should."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.articulation_limits import (
    ArticulationLimits,
    Compliance,
    HandForce,
    Lead,
)
from dex1b_core.execution.pick_execution import PickExecution, planned_since
from dex1b_core.execution.port import Measured, Motion
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.motion.giving_way import GivingWay
from dex1b_core.motion.plan import PickStage, Stage
from dex1b_core.motion.timing import rest_to_rest
from dex1b_core.motion.trajectory import JointTrajectory

Array = NDArray[np.float64]
LEAST_FORCE = 3.0  # [N] of a hand that leads anything
MOST_RESTS = 6  # on the way, to give way
MOST_STEPS = 10  # each time
FELL = 0.7  # of the force before a step: more says that the contact is soft
EASED = 0.6  # of the force to which it gives way: less is left alone
SHORT = 0.015  # [m] before the grasp, where a hand that meets the part may close
EASE_S = 0.1  # [s] to settle after each step
EASE_PATIENCE_S = 4.0  # [s] that a force may be too large while the hand gives way to it
AT_ONCE = 1.5  # times the largest force: so much is no knock
EASING = 1.8  # times the largest force, at once, while the hand gives way


@dataclass
class _Watch:
    """What force the hand exerts: efforts against those in which it stood before the part."""

    baseline: Array = field(default_factory=lambda: np.zeros(0))
    over_since: float | None = None
    bears: bool = False


class ArticulationExecution(PickExecution):
    """One execution of one articulation plan; see `PickExecution` for the arguments.

    Args:
        limits: Of force and tracking while the part is led.
        hand_force: Force of the hand [N] from (A,) arm positions [rad] and efforts [N m].
        compliance: How the hand gives way; it never does when None.
    """

    def __init__(
        self,
        *args: Any,
        limits: ArticulationLimits,
        hand_force: HandForce,
        compliance: Compliance | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        # a part is squeezed gently: what stays out of reach of the command is little
        self._settings = self._settings.model_copy(update={'grip_error': limits.grip_error})
        self._limits, self._hand_force, self._compliance = limits, hand_force, compliance
        self._watch = _Watch()
        self.lead = Lead()
        self._touched = False
        self._way: JointTrajectory | None = None  # along the joint, from where the hand is
        self._led = 0.0  # share of the way before the motion that is under way
        self._easing = self._met = False
        self._offset = np.zeros(len(self._robot.arm.joints))  # [rad] by giving way

    def run_articulation(self, plan: ArticulationPlan) -> None:
        """Execute all stages.

        Raises:
            Dex1bError: why it ended early: NOT_HELD when it led nothing, LIMITS when
                the part takes too much force, TRACKING when the arm falls behind.
        """
        judge = self._judge(plan)
        self._way = plan.stage(Stage.ARTICULATE).arm
        try:
            for stage in plan.stages:
                with self._stage(stage.stage):
                    if stage.stage is Stage.ARTICULATE:
                        stage = replace(stage, arm=self._way)
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

    # -- giving way ----------------------------------------------------------------------------

    def _interrupts(self) -> bool:
        may = not self._easing and self._may_yield() and self.lead.rests < MOST_RESTS
        rests = may and self._watch.bears
        if rests:
            self.lead.rests += 1
        self._met = rests and self.progress.stage is Stage.APPROACH
        return super()._interrupts() or rests

    def _may_yield(self) -> bool:
        touches = self.progress.stage in (Stage.APPROACH, Stage.ARTICULATE)
        able = touches and self._compliance is not None
        return able and self.lead.shift < self._limits.most_shift

    def _execute(self, stage: PickStage) -> None:
        """Ways along the joint are shifted where the hand bears on the part, and all after them."""
        arm = stage.arm
        if arm is not None and not self._easing:
            if stage.stage is Stage.APPROACH and self._met:
                self._stay(arm)
                return
            if stage.stage is Stage.ARTICULATE:
                self._led = self.lead.share
                arm = self._eased(arm)
            elif stage.stage is Stage.RETREAT:
                arm = replace(arm, positions=arm.positions + self._offset)
        super()._execute(replace(stage, arm=arm))

    def _stay(self, rest: JointTrajectory) -> None:
        """Close the hand where it met the part, just before the grasp, but off it."""
        assert self._compliance is not None
        assert self._way is not None
        self._met = False
        end = self._way.positions[-1]
        moved = self._compliance.moved_to(self._way, rest.positions[0])
        self._offset = self._offset + moved.positions[-1] - end
        self._way = self._eased(moved)

    def _eased(self, trajectory: JointTrajectory) -> JointTrajectory:
        """Give way step by step, before the arm leads on; the way from there."""
        end = trajectory.positions[-1]
        self._easing = True
        try:
            before, softer = np.inf, 0
            for _ in range(MOST_STEPS):
                bearing = self._bearing(trajectory)
                softer += int(bearing > FELL * before)
                before = bearing
                way = self._way_aside(trajectory, bearing, softer)
                if way is None:
                    break
                super()._execute(PickStage(Stage.ARTICULATE, way.aside, settle=EASE_S))
                self.lead.shift += way.shift
                trajectory = way.rest
        finally:
            self._easing = self._watch.bears = False
        self._offset = self._offset + trajectory.positions[-1] - end
        return trajectory

    def _bearing(self, trajectory: JointTrajectory) -> float:
        """At rest, at the beginning of a way along the joint [N]; NaN where it is not measured."""
        state = self._port.measure(trajectory.names)
        efforts = state.efforts - self._watch.baseline
        if self._compliance is None or not np.isfinite(efforts).all():
            return float('nan')
        return self._compliance.bearing(trajectory, 0.0, state.positions, efforts)

    def _way_aside(
        self, trajectory: JointTrajectory, bearing: float, softer: int
    ) -> GivingWay | None:
        """Out of what bears on the hand at rest; None where that is little, or may not be."""
        little = not bearing > EASED * self._limits.yield_force
        if little or self._compliance is None or not self._may_yield():
            return None
        state = self._port.measure(trajectory.names)
        efforts = state.efforts - self._watch.baseline
        try:
            return self._compliance.give_way(trajectory, state.positions, efforts, softer)
        except Dex1bError:
            return None  # the arm cannot: it goes on as planned, and the force is watched

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
        if self.progress.stage is Stage.ARTICULATE and not self._easing:
            share = float(np.clip(elapsed / trajectory.duration, 0.0, 1.0))
            self.lead.share = self._led + (1.0 - self._led) * share
        self._check_lag(trajectory, elapsed, state)
        self._check_force(state.positions, state.efforts)
        self._look_for_bearing(trajectory, elapsed, state.positions, state.efforts)

    def _look_for_bearing(
        self, trajectory: JointTrajectory, elapsed: float, positions: Array, efforts: Array
    ) -> None:
        self._watch.bears = False
        efforts = efforts - self._watch.baseline
        if self._compliance is None or not np.isfinite(efforts).all():
            return
        if self.progress.stage is Stage.APPROACH:
            near = self._compliance.left(trajectory, elapsed) <= SHORT
            bearing = self._hand_force(positions, efforts) if near else 0.0
        else:
            bearing = self._compliance.bearing(trajectory, elapsed, positions, efforts)
        self._watch.bears = bearing > self._limits.yield_force

    def _check_lag(self, trajectory: JointTrajectory, elapsed: float, state: Measured) -> None:
        error = np.abs(state.positions - planned_since(state, trajectory, elapsed))
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
        patience = EASE_PATIENCE_S if self._easing else self._limits.force_time
        at_once = (EASING if self._easing else AT_ONCE) * self._limits.max_force
        if force > at_once or now - since >= patience:
            raise self._too_much(force)

    def _too_much(self, force: float) -> Dex1bError:
        return Dex1bError(
            ErrorCode.LIMITS,
            f'the hand meets {force:.0f} N in {self.progress.stage.name}, '
            f'{self.lead.share:.0%} of the way along the joint, having given way by '
            f'{1e3 * self.lead.shift:.1f} mm; '
            f'{self._limits.max_force:.0f} N are allowed: is the part locked, the model '
            'wrong, or something in the way?',
        )
