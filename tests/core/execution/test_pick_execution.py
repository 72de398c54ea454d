from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import ExecutionSettings, PickExecution
from dex1b_core.geometry import make_transform
from dex1b_core.motion import JointLimits, JointTrajectory, Stage, validate_trajectory
from dex1b_core.motion.plan import PickPlan, PickStage
from dex1b_core.motion.timing import rest_to_rest, resumed
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import load_robot

ROBOT = load_robot('xarm7_ability')
OPEN = np.array(ROBOT.hand.open)
GRASP = OPEN + np.array([0.7, 0.7, 0.7, 0.7, 0.0, 0.5])
SQUEEZE = GRASP + np.array([0.35, 0.35, 0.35, 0.35, 0.0, 0.35])
OBJECT = GRASP + np.array([0.02, 0.02, 0.02, 0.02, 0.0, 0.02])
ARM = JointLimits(ROBOT.arm.joints, np.full(7, -6.0), np.full(7, 6.0), np.full(7, 2.0),
                  np.full(7, 8.0))  # fmt: skip


def arm(start, goal):
    home = np.array(ROBOT.arm.home)
    return rest_to_rest(ROBOT.arm.joints, home + start, home + goal, 1.0)


def hand(start, goal):
    return rest_to_rest(ROBOT.hand.joints, start, goal, 0.64)


@pytest.fixture
def plan():
    candidate = GraspCandidate(
        ROBOT.hand.key, make_transform(np.eye(3), np.zeros(3)), ROBOT.hand.joints, OPEN, GRASP,
        SQUEEZE, np.array([0, 0, -1.0]), 0.08,
    )  # fmt: skip
    stages = (
        PickStage(Stage.PREGRASP, arm(0.0, 0.2), hand(OPEN, OPEN)),
        PickStage(Stage.APPROACH, arm(0.2, 0.3)),
        PickStage(Stage.CLOSE, hand=hand(OPEN, GRASP)),
        PickStage(Stage.SQUEEZE, hand=hand(GRASP, SQUEEZE), settle=0.3),
        PickStage(Stage.VERIFY, arm(0.3, 0.33)),
        PickStage(Stage.LIFT, arm(0.33, 0.5)),
    )
    return PickPlan(candidate, stages, 0.15, 0.0)


def execution(robot, **settings):
    def validate(trajectory: JointTrajectory, start: np.ndarray | None, tolerance: float):
        if trajectory.names == ARM.names:
            validate_trajectory(trajectory, ARM, start=start, start_tolerance=tolerance)

    return PickExecution(ROBOT, robot, ExecutionSettings(poll_period=0.02, **settings),
                         validate=validate, resume=lambda t, s: resumed(t, s, ARM))  # fmt: skip


def test_a_pick_that_holds(plan, fake_robot):
    robot = fake_robot(OBJECT)
    progress = execution(robot).run(plan, hold_duration=1.0)
    assert progress.grip.held
    assert [name for name, _ in progress.timings] == [
        'pregrasp', 'approach', 'close', 'squeeze', 'verify', 'lift', 'hold']  # fmt: skip
    assert dict(progress.robot_seconds)['hold'] >= 1.0
    assert dict(progress.robot_seconds)['squeeze'] >= 0.94
    assert progress.max_effort == pytest.approx(0.8)
    assert robot.stops == 0
    assert len(robot.sent) == 7


def test_a_pause_stops_on_the_path_and_goes_on_from_there(plan, fake_robot):
    robot = fake_robot(OBJECT)
    stages, still = [], []

    def set_pause(value):
        robot.pause_requested = value
        if not value:
            still.append(np.abs(robot.measure(ROBOT.arm.joints).velocities).max())

    robot.at = {0.5: lambda: set_pause(True), 3.0: lambda: set_pause(False)}
    run = execution(robot)
    run._on_progress = lambda progress: stages.append(progress.stage)
    progress = run.run(plan)
    assert progress.grip.held
    assert still == [0.0]
    assert stages[:4] == [Stage.PREGRASP, Stage.PAUSED, Stage.PREGRASP, Stage.APPROACH]
    goal = np.array(ROBOT.arm.home) + 0.5
    np.testing.assert_allclose(robot.measure(ROBOT.arm.joints).positions, goal, atol=1e-6)
    resumed_motion = robot.sent[2]
    assert 0.0 < resumed_motion.positions[0, 0] - ROBOT.arm.home[0] < 0.2
    assert len(robot.sent) == 8


def test_a_pause_while_the_hand_closes_takes_effect_before_the_arm_moves_on(plan, fake_robot):
    robot = fake_robot(OBJECT)

    def set_pause(value):
        robot.pause_requested = value

    robot.at = {3.0: lambda: set_pause(True), 8.0: lambda: set_pause(False)}
    progress = execution(robot).run(plan)
    assert progress.grip.held
    assert robot.stops == 0
    assert robot.time > 8.0 + 1.0


def test_a_state_that_is_late_is_no_tracking_error(plan, fake_robot):
    """At 0.375 rad/s the plan is 0.038 rad further when a state of 0.1 s ago is read."""
    robot = fake_robot(OBJECT)
    robot.lag = 0.1
    progress = execution(robot, tracking_tolerance=0.02).run(plan)
    assert progress.max_tracking_error < 0.01


@pytest.mark.parametrize('pause', [False, True])
def test_a_jammed_finger_ends_the_pick_before_the_approach(plan, fake_robot, pause):
    robot = fake_robot(OBJECT)
    robot.jammed = ROBOT.hand.joints[1]
    bent = OPEN + np.array([0.0, 0.3, 0.0, 0.0, 0.0, 0.0])
    first = replace(plan.stages[0], hand=hand(OPEN, bent))
    if pause:
        robot.at = {0.5: lambda: setattr(robot, 'pause_requested', True),
                    3.0: lambda: setattr(robot, 'pause_requested', False)}  # fmt: skip
    with pytest.raises(Dex1bError, match=f"'{robot.jammed}' stays at .* 0.3000 from") as caught:
        execution(robot).run(replace(plan, stages=(first, *plan.stages[1:])))
    assert caught.value.error_code == ErrorCode.TRACKING
    goal = np.array(ROBOT.arm.home) + 0.2
    np.testing.assert_allclose(robot.measure(ROBOT.arm.joints).positions, goal, atol=1e-6)


def test_a_hand_that_is_a_little_off_its_posture_goes_on(plan, fake_robot):
    robot = fake_robot(OBJECT)
    robot.jammed = ROBOT.hand.joints[4]
    bent = OPEN + np.array([0.0, 0.0, 0.0, 0.0, 0.1, 0.0])
    first = replace(plan.stages[0], hand=hand(OPEN, bent))
    progress = execution(robot).run(replace(plan, stages=(first, *plan.stages[1:])))
    assert progress.grip.held


def test_stop_after_ends_there(plan, fake_robot):
    robot = fake_robot(OBJECT)
    progress = execution(robot).run(plan, stop_after=Stage.APPROACH)
    assert not progress.touched
    assert [name for name, _ in progress.timings] == ['pregrasp', 'approach']


def test_an_empty_hand_is_an_error_before_the_lift(plan, fake_robot):
    robot = fake_robot()
    with pytest.raises(Dex1bError, match='empty after SQUEEZE') as caught:
        execution(robot).run(plan)
    assert caught.value.error_code == ErrorCode.NOT_HELD
    np.testing.assert_allclose(robot.arm.trajectory.positions[-1], np.array(ROBOT.arm.home) + 0.3)


def test_an_object_that_slips_out_while_lifting_is_noticed(plan, fake_robot):
    robot = fake_robot(OBJECT)
    run = execution(robot)
    robot.at[5.0] = lambda: setattr(robot, 'object_at', None)
    with pytest.raises(Dex1bError, match=r'empty after (VERIFY|LIFT)') as caught:
        run.run(plan, hold_duration=3.0)
    assert caught.value.error_code == ErrorCode.NOT_HELD


def test_retreat_opens_the_hand_and_goes_back_to_the_start(plan, fake_robot):
    robot = fake_robot()
    run = execution(robot)
    with pytest.raises(Dex1bError):
        run.run(plan)
    before = len(robot.sent)
    run.retreat(plan)
    groups = [t.names == ROBOT.arm.joints for t in robot.sent[before:]]
    assert groups == [False, True, True]
    np.testing.assert_allclose(robot.sent[before].positions[-1], OPEN, atol=1e-9)
    np.testing.assert_allclose(robot.measure(ROBOT.arm.joints).positions, ROBOT.arm.home, atol=1e-9)


def test_start_elsewhere_than_planned_is_refused_before_anything_moves(plan, fake_robot):
    robot = fake_robot(OBJECT)
    robot.rest['arm'] = np.array(ROBOT.arm.home) + 0.05
    with pytest.raises(Dex1bError, match='is measured at') as caught:
        execution(robot).run(plan)
    assert caught.value.error_code == ErrorCode.START_STATE_MISMATCH
    assert robot.sent == []


def test_commanded_but_not_moving_is_a_tracking_error(plan, fake_robot):
    robot = fake_robot()
    robot.controller_dead = True
    with pytest.raises(Dex1bError, match='controller active') as caught:
        execution(robot, tracking_tolerance=0.1).run(plan)
    assert caught.value.error_code == ErrorCode.TRACKING
    assert robot.stops == 1


def test_a_controller_that_never_answers_meets_the_deadline(plan, fake_robot):
    robot = fake_robot()
    robot.controller_dead = True
    with pytest.raises(Dex1bError, match='for PREGRASP to end') as caught:
        execution(robot).run(plan)
    assert caught.value.error_code == ErrorCode.DEADLINE
    assert robot.stops == 1
    assert robot.time < 5


def test_time_that_stands_still_meets_the_wall_deadline(plan, fake_robot):
    robot = fake_robot()
    robot.frozen = True
    with pytest.raises(Dex1bError, match=r'0\.0 s of robot time') as caught:
        execution(robot, wall_deadline_factor=0.05).run(plan)
    assert caught.value.error_code == ErrorCode.DEADLINE


def test_an_aborted_arm_goal_ends_the_pick(plan, fake_robot):
    robot = fake_robot()
    robot.at[0.5] = lambda: setattr(robot.arm, 'text', 'PATH_TOLERANCE_VIOLATED')
    with pytest.raises(Dex1bError, match='ended PREGRASP: PATH_TOLERANCE_VIOLATED') as caught:
        execution(robot).run(plan)
    assert caught.value.error_code == ErrorCode.TRACKING


def test_a_stop_while_approaching_stops_the_arm_and_nothing_is_sent_after_it(plan, fake_robot):
    robot = fake_robot(OBJECT)

    def cancel():
        raise Dex1bError(ErrorCode.CANCELED, 'canceled by the client')

    robot.at[1.5] = cancel
    with pytest.raises(Dex1bError) as caught:
        execution(robot).run(plan)
    assert caught.value.error_code == ErrorCode.CANCELED
    assert robot.stops == 1
    assert len(robot.sent) == 3


@pytest.mark.parametrize(('push', 'code'), [(0.03, None), (0.08, ErrorCode.TRACKING)])
def test_an_object_may_push_back_a_little_from_the_approach_on(plan, fake_robot, push, code):
    robot = fake_robot(OBJECT)
    measure = robot.measure

    def pushed(names):
        state = measure(names)
        touching = names == ROBOT.arm.joints and robot.time > 1.95
        return replace(state, positions=state.positions + push) if touching else state

    robot.measure = pushed
    if code is None:
        assert execution(robot).run(plan).grip.held
    else:
        with pytest.raises(Dex1bError, match='is it blocked') as caught:
            execution(robot).run(plan)
        assert caught.value.error_code == code
        assert not execution(robot).progress.touched
