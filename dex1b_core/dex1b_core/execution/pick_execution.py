"""Carries out a planned pick, stage by stage, and judges each by what the joints say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution.grip import Grip, GripJudge
from dex1b_core.execution.port import Measured, Motion, RobotPort
from dex1b_core.execution.retreat import way_back
from dex1b_core.execution.settings import ExecutionSettings
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.motion.plan import PickPlan, PickStage, Stage
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.robots import RobotDescription

Array = NDArray[np.float64]
Validate = Callable[[JointTrajectory, Array | None, float], None]
Resume = Callable[[JointTrajectory, float], JointTrajectory]

_FREE = (Stage.HOME, Stage.PREGRASP)  # nothing but air in the way
_STOP_BEGINS = 0.1  # s until a ramp has certainly begun
_PLACES = 2001  # on a motion, to find where the arm is
_INSTANTS = 9  # since a state was measured


@dataclass
class Progress:
    """What has happened so far; the one thing that an execution changes.

    Attributes:
        stage: What is being done.
        touched: Whether the hand has begun to close: from here no other candidate is tried.
        grip: Latest judgement.
        timings: (stage, wall-clock seconds) of finished stages.
        robot_seconds: (stage, robot time) of finished stages.
        max_tracking_error: Largest arm deviation from the commanded path [rad].
        max_effort: Largest hand effort [N m].
    """

    stage: Stage = Stage.IDLE
    touched: bool = False
    grip: Grip | None = None
    timings: list[tuple[str, float]] = field(default_factory=list)
    robot_seconds: list[tuple[str, float]] = field(default_factory=list)
    max_tracking_error: float = 0.0
    max_effort: float = 0.0


def planned_since(state: Measured, trajectory: JointTrajectory, elapsed: float) -> Array:
    """(J,) nearest of what a motion planned since `state.age` before now, its `elapsed` [s].

    On a busy machine the plan moves on while a message waits; that is not the arm's error.
    """
    instants = elapsed - np.linspace(0.0, max(state.age, 0.0), _INSTANTS)
    planned = trajectory.sample(np.clip(instants, 0.0, None))[0]
    nearest: Array = planned[np.abs(planned - state.positions).max(axis=1).argmin()]
    return nearest


class PickExecution:
    """One execution of one plan. On any error the arm is brought to rest before it is raised.

    Args:
        robot: The robot's description.
        port: The robot.
        settings: Tolerances.
        validate: Last check of a trajectory, given the measured start (None = do not compare) and
            how far it may be from the planned one [rad].
        resume: Time the rest of an arm motion from rest, given where on it the arm is [s].
        on_progress: Called when the stage changes.
    """

    def __init__(
        self,
        robot: RobotDescription,
        port: RobotPort,
        settings: ExecutionSettings,
        *,
        validate: Validate,
        resume: Resume,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._robot = robot
        self._port = port
        self._settings = settings
        self._validate = validate
        self._resume = resume
        self._on_progress = on_progress
        self.progress = Progress()

    def run(
        self, plan: PickPlan, *, stop_after: Stage = Stage.UNKNOWN, hold_duration: float = 0.0
    ) -> Progress:
        """Execute the stages up to `stop_after` (UNKNOWN = to the end), then hold.

        Raises:
            Dex1bError: why the pick ended early; NOT_HELD when the hand is empty.
        """
        judge = self._judge(plan)
        try:
            for stage in plan.stages:
                with self._stage(stage.stage):
                    self._execute(stage)
                    self._judge_stage(stage.stage, judge, stop_after)
                if stage.stage is stop_after:
                    return self.progress
            with self._stage(Stage.HOLD):
                self._hold(judge, hold_duration)
        except BaseException:
            self._port.stop_arm()
            raise
        return self.progress

    def retreat(self, plan: PickPlan) -> None:
        """Go back the way it came: down, open, back to the stand-off and to the start.

        Raises:
            Dex1bError: as `run`.
        """
        try:
            with self._stage(Stage.RETREAT):
                for stage in way_back(plan, self._port, self._robot, self._settings):
                    self._execute(stage)
        except BaseException:
            self._port.stop_arm()
            raise

    # -- stages --------------------------------------------------------------------------------

    @contextmanager
    def _stage(self, stage: Stage) -> Iterator[None]:
        self.progress.stage = stage
        self._on_progress(self.progress)
        wall, robot = time.monotonic(), self._port.now()
        try:
            yield
        finally:
            name = stage.name.lower()
            self.progress.timings.append((name, time.monotonic() - wall))
            self.progress.robot_seconds.append((name, self._port.now() - robot))

    def _execute(self, stage: PickStage) -> None:
        self._port.check()
        self._wait_while_paused()
        self.progress.touched |= stage.stage is Stage.CLOSE
        if stage.hand is not None:
            self._validate(stage.hand, None, np.inf)
        if stage.arm is not None:
            settings = self._settings
            before_contact = stage.stage in (*_FREE, Stage.APPROACH)
            tolerance = settings.start_tolerance if before_contact else settings.contact_tolerance
            start = self._port.measure(stage.arm.names).positions
            self._validate(stage.arm, start, tolerance)
        hand = None if stage.hand is None else self._port.send(stage.hand)
        arm = None if stage.arm is None else self._port.send(stage.arm)
        if not self._follow(stage, arm, hand):
            assert stage.arm is not None
            self._stop_for_a_while()
            rest = self._resume(stage.arm, self._place_on(stage.arm))
            self._execute(replace(stage, arm=rest, hand=None))
            self._require_hand(stage)
            return
        if stage.arm is not None:
            free = stage.stage in _FREE
            settings = self._settings
            self._arrive(
                stage.arm, settings.arrival_tolerance if free else settings.contact_tolerance
            )
        self._require_hand(stage)
        if stage.settle > 0:
            self._wait(stage.settle, stage.settle, f'{stage.stage.name} to settle')

    def _follow(self, stage: PickStage, arm: Motion | None, hand: Motion | None) -> bool:
        """Watch until both motions are over: the arm by its controller, the hand by time.

        Returns whether it came to that; not so when the arm is to rest on its way.
        """
        interrupted = False

        def over() -> bool:
            nonlocal interrupted
            if arm is not None and stage.arm is not None:
                interrupted = self._interrupts() and not arm.finished()
                if interrupted:
                    return True
                self._check_tracking(stage.arm, arm)
                if not arm.finished():
                    return False
                if arm.failure():
                    raise Dex1bError(
                        ErrorCode.TRACKING,
                        f"the arm's controller ended {stage.stage.name}: {arm.failure()}",
                    )
            return hand is None or stage.hand is None or hand.elapsed() >= stage.hand.duration

        self._until(over, stage.duration, f'{stage.stage.name} to end')
        return not interrupted

    # -- pause ---------------------------------------------------------------------------------

    def _interrupts(self) -> bool:
        """Whether the arm shall come to rest on its way, and go on from there."""
        return self._port.paused()

    def _stop_for_a_while(self) -> None:
        """Ramp the arm down on its path; a hand that moves ends what it does."""
        self._port.stop_arm()

        def still() -> bool:
            velocities = self._port.measure(self._robot.arm.joints).velocities
            return bool((np.nan_to_num(np.abs(velocities)) < self._settings.rest_velocity).all())

        self._wait(_STOP_BEGINS, self._settings.arrival_timeout, 'the stop to begin')
        self._until(still, 0.0, 'the arm to rest', limit=self._settings.arrival_timeout)

    def _wait_while_paused(self) -> None:
        if not self._port.paused():
            return
        stage = self.progress.stage
        self.progress.stage = Stage.PAUSED
        self._on_progress(self.progress)
        while self._port.paused():
            self._port.check()
            self._port.measure(self._robot.arm.joints)  # raises when nothing is known any more
            self._port.pause(self._settings.poll_period)
        self.progress.stage = stage
        self._on_progress(self.progress)

    def _place_on(self, trajectory: JointTrajectory) -> float:
        """Path time [s] at which a motion is closest to where the arm is."""
        measured = self._port.measure(trajectory.names).positions
        times = np.linspace(trajectory.times[0], trajectory.duration, _PLACES)
        away = np.abs(trajectory.sample(times)[0] - measured).max(axis=1)
        return float(times[int(away.argmin())])

    # -- arm -----------------------------------------------------------------------------------

    def _check_tracking(self, trajectory: JointTrajectory, motion: Motion) -> None:
        if motion.finished():
            return
        state = self._port.measure(trajectory.names)
        measured, planned = state.positions, planned_since(state, trajectory, motion.elapsed())
        error = np.abs(measured - planned)
        worst = int(error.argmax())
        self.progress.max_tracking_error = max(
            self.progress.max_tracking_error, float(error[worst])
        )
        if error[worst] > self._settings.tracking_tolerance:
            raise Dex1bError(
                ErrorCode.TRACKING,
                f"joint '{trajectory.names[worst]}' is at {measured[worst]:.3f} rad, planned is "
                f'{planned[worst]:.3f}; {self._settings.tracking_tolerance:.2f} rad are allowed: '
                'is the controller active and the arm free?',
            )

    def _arrive(self, trajectory: JointTrajectory, tolerance: float) -> None:
        """Wait until joints rest where their motion ends: drives lag behind their commands."""
        settings = self._settings
        goal = trajectory.positions[-1]

        def arrived() -> bool:
            state = self._port.measure(trajectory.names)
            slow = np.nan_to_num(np.abs(state.velocities)) < settings.rest_velocity
            near = np.abs(state.positions - goal) < tolerance
            return bool(slow.all() and near.all())

        try:
            self._until(arrived, 0.0, 'arrival', limit=settings.arrival_timeout)
        except Dex1bError as error:
            if error.error_code is not ErrorCode.DEADLINE:
                raise
            measured = self._port.measure(trajectory.names).positions
            worst = int(np.abs(measured - goal).argmax())
            raise Dex1bError(
                ErrorCode.TRACKING,
                f"joint '{trajectory.names[worst]}' stays at {measured[worst]:.4f} rad, "
                f'{abs(measured[worst] - goal[worst]):.4f} from its goal; '
                f'{tolerance:.3f} rad are allowed: is it blocked?',
            ) from error

    def _require_hand(self, stage: PickStage) -> None:
        """A finger that jams in free air would meet the object where nobody planned it."""
        if stage.hand is not None and stage.stage in _FREE:
            self._arrive(stage.hand, self._settings.hand_tolerance)

    # -- grip ----------------------------------------------------------------------------------

    def _judge(self, plan: PickPlan | ArticulationPlan) -> GripJudge:
        squeeze = plan.stage(Stage.SQUEEZE).hand
        assert squeeze is not None
        return GripJudge(
            self._robot.hand, squeeze.positions[0], squeeze.positions[-1], self._settings
        )

    def _judge_stage(self, stage: Stage, judge: GripJudge, stop_after: Stage) -> None:
        if stage is Stage.SQUEEZE:
            judge.remember(self._port.measure(self._robot.hand.joints).positions)
        if stage in (Stage.SQUEEZE, Stage.VERIFY, Stage.LIFT):
            self._require_grip(judge, stage.name)

    def _require_grip(self, judge: GripJudge, when: str) -> None:
        state = self._port.measure(self._robot.hand.joints)
        grip = judge.judge(state.positions, state.efforts)
        self.progress.grip = grip
        if not grip.held:
            raise Dex1bError(ErrorCode.NOT_HELD, f'the hand is empty after {when}: {grip.reason}')

    def _hold(self, judge: GripJudge, duration: float) -> None:
        begin = self._port.now()

        def over() -> bool:
            self._require_grip(judge, f'{self._port.now() - begin:.1f} s of HOLD')
            return self._port.now() - begin >= duration

        self._until(over, duration, 'HOLD to end')

    # -- time ----------------------------------------------------------------------------------

    def _wait(self, seconds: float, duration: float, what: str) -> None:
        begin = self._port.now()
        self._until(lambda: self._port.now() - begin >= seconds, duration, what)

    def _until(
        self,
        over: Callable[[], bool],
        duration: float,
        what: str,
        *,
        limit: float | None = None,
    ) -> None:
        """Poll; a deadline in robot time, and one in wall time in case robot time stands still."""
        settings = self._settings
        if limit is None:
            limit = duration * settings.deadline_factor + settings.deadline_margin
        robot_begin, wall_begin = self._port.now(), time.monotonic()
        while True:
            self._port.check()
            efforts = self._port.measure(self._robot.hand.joints).efforts
            if np.isfinite(efforts).any():
                self.progress.max_effort = max(
                    self.progress.max_effort, float(np.nanmax(np.abs(efforts)))
                )
            if over():
                return
            robot, wall = self._port.now() - robot_begin, time.monotonic() - wall_begin
            if robot > limit or wall > limit * settings.wall_deadline_factor:
                raise Dex1bError(
                    ErrorCode.DEADLINE,
                    f'waited {robot:.1f} s of robot time ({wall:.1f} s wall clock) for {what}; '
                    f'{limit:.1f} s are allowed',
                )
            self._port.pause(settings.poll_period)
