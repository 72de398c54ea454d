"""Opening a part stage by stage, and stopping where it takes too much."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.execution import ExecutionSettings
from dex1b_core.execution.articulation_execution import ArticulationExecution
from dex1b_core.execution.articulation_limits import ArticulationLimits
from dex1b_core.geometry import make_transform
from dex1b_core.motion import JointLimits, Stage
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.motion.giving_way import GivingWay
from dex1b_core.motion.plan import PickStage
from dex1b_core.motion.timing import rest_to_rest, resumed
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import load_robot
from dex1b_core.simulation.object_joint import ObjectJoint

ROBOT = load_robot('xarm7_ability')
HOME = np.array(ROBOT.arm.home)
OPEN = np.array(ROBOT.hand.open)
GRASP = OPEN + np.array([0.7, 0.7, 0.7, 0.7, 0.0, 0.5])
SQUEEZE = GRASP + np.array([0.35, 0.35, 0.35, 0.35, 0.0, 0.35])
OBJECT = GRASP + np.array([0.02, 0.02, 0.02, 0.02, 0.0, 0.02])
ARM = JointLimits(ROBOT.arm.joints, np.full(7, -6.0), np.full(7, 6.0), np.full(7, 2.0),
                  np.full(7, 8.0))  # fmt: skip


def arm(start: float, goal: float):
    return rest_to_rest(ROBOT.arm.joints, HOME + start, HOME + goal, 1.0)


def hand(start, goal):
    return rest_to_rest(ROBOT.hand.joints, start, goal, 0.64)


@pytest.fixture
def plan() -> ArticulationPlan:
    candidate = GraspCandidate(
        ROBOT.hand.key, make_transform(np.eye(3), np.zeros(3)), ROBOT.hand.joints, OPEN, GRASP,
        SQUEEZE, np.array([0, 0, -1.0]), 0.08,
    )  # fmt: skip
    stages = (
        PickStage(Stage.PREGRASP, arm(0.0, 0.2), hand(OPEN, OPEN)),
        PickStage(Stage.APPROACH, arm(0.2, 0.3)),
        PickStage(Stage.CLOSE, hand=hand(OPEN, GRASP)),
        PickStage(Stage.SQUEEZE, hand=hand(GRASP, SQUEEZE)),
        PickStage(Stage.ARTICULATE, arm(0.3, 0.6)),
        PickStage(Stage.RETREAT, hand=hand(SQUEEZE, OPEN)),
        PickStage(Stage.RETREAT, arm(0.6, 0.5)),
    )
    joint = ObjectJoint('revolute', np.array([0.0, 0.0, 1.0]), np.zeros(3), 0.0, 1.0)
    return ArticulationPlan(candidate, joint, 0.5, stages, 0.0)


def execution(
    robot, force=lambda positions: 0.0, compliance=None, most_shift=0.015
) -> ArticulationExecution:
    """`force` of arm positions [N]; efforts are measured."""
    measure = robot.measure

    def with_efforts(names):
        state = measure(names)
        return replace(state, efforts=np.zeros(7)) if names == ROBOT.arm.joints else state

    robot.measure = with_efforts
    return ArticulationExecution(
        ROBOT, robot, ExecutionSettings(poll_period=0.02),
        validate=lambda trajectory, start, tolerance: None,
        resume=lambda t, s: resumed(t, s, ARM),
        limits=ArticulationLimits(max_force=40.0, yield_force=20.0, most_shift=most_shift),
        compliance=compliance,
        hand_force=lambda positions, efforts: force(positions),
    )  # fmt: skip


def test_all_stages_and_the_whole_way(plan, fake_robot) -> None:
    run = execution(fake_robot(OBJECT))
    run.run_articulation(plan)
    assert run.lead.share == 1.0
    assert run.lead.max_force == 0.0
    assert [name for name, _ in run.progress.timings][-3:] == ['articulate', 'retreat', 'retreat']


def test_a_locked_part_stops_the_arm_on_its_way(plan, fake_robot) -> None:
    robot = fake_robot(OBJECT)
    run = execution(robot, lambda positions: 400.0 * max(0.0, positions[0] - HOME[0] - 0.3))
    with pytest.raises(Dex1bError, match='is the part locked') as caught:
        run.run_articulation(plan)
    assert caught.value.error_code is ErrorCode.LIMITS
    assert robot.stops == 1
    assert 0.2 < run.lead.share < 0.8
    sent = len(robot.sent)
    run.let_go(plan)
    assert len(robot.sent) == sent + 1
    np.testing.assert_allclose(robot.sent[-1].positions[-1], OPEN)


class Sideways:
    """The second joint alone leads out of what bears on the hand."""

    def __init__(self, force) -> None:
        self._force = force

    def bearing(self, trajectory, elapsed, positions, efforts) -> float:
        return self._force(positions)

    def left(self, trajectory, elapsed) -> float:
        begin, end = trajectory.sample([elapsed, trajectory.duration])[0]
        return float(np.abs(end - begin).max())

    def moved_to(self, trajectory, positions):
        shift = positions - trajectory.positions[0]
        return replace(trajectory, positions=trajectory.positions + shift)

    def give_way(self, trajectory, positions, efforts, softer=0) -> GivingWay:
        shift = np.eye(7)[1] * 0.02
        start = trajectory.positions[0]
        aside = rest_to_rest(ROBOT.arm.joints, start, start + shift, 0.3)
        return GivingWay(
            aside, replace(trajectory, positions=trajectory.positions + shift), shift=0.003
        )


def jammed(positions) -> float:
    """More with every step along the way, less with every step aside [N]."""
    along, aside = positions[0] - HOME[0] - 0.3, positions[1] - HOME[1] - positions[0] + HOME[0]
    return 300.0 * max(0.0, along) - 600.0 * max(0.0, aside)


def test_a_hand_gives_way_to_what_bears_on_it_and_comes_back_beside_the_plan(
    plan, fake_robot
) -> None:
    robot = fake_robot(OBJECT)
    with pytest.raises(Dex1bError, match='is the part locked'):
        execution(robot, jammed).run_articulation(plan)
    robot = fake_robot(OBJECT)
    run = execution(robot, jammed, Sideways(jammed), most_shift=0.03)
    run.run_articulation(plan)
    assert run.lead.rests > 0
    assert run.lead.share == 1.0
    assert run.lead.max_force < 60.0
    aside = round(run.lead.shift / 0.003) * 0.02
    assert aside > 0.0
    ends = robot.arm.trajectory.positions
    np.testing.assert_allclose(ends[[0, -1], 1] - HOME[1], [0.6 + aside, 0.5 + aside])


@pytest.mark.parametrize(('meets', 'closes'), [(0.295, True), (0.25, False)])
def test_a_hand_that_meets_the_part_early_closes_there_or_stops(
    plan, fake_robot, meets, closes
) -> None:
    def force(positions) -> float:
        stage = run.progress.stage
        much = 25.0 if closes else 50.0
        return much if stage is Stage.APPROACH and positions[0] > HOME[0] + meets else 0.0

    robot = fake_robot(OBJECT)
    run = execution(robot, force, Sideways(lambda positions: 0.0))
    if closes:
        run.run_articulation(plan)
        assert run.lead.share == 1.0
        ends = robot.arm.trajectory.positions[:, 0] - HOME[0]
        assert 0.59 < ends[0] < 0.6 - 1e-4
        return
    with pytest.raises(Dex1bError, match='in APPROACH') as caught:
        run.run_articulation(plan)
    assert caught.value.error_code is ErrorCode.LIMITS
    assert not run.progress.touched


def test_a_hand_gives_way_by_no_more_than_it_may(plan, fake_robot) -> None:
    robot = fake_robot(OBJECT)
    run = execution(robot, jammed, Sideways(jammed), most_shift=0.003)
    with pytest.raises(Dex1bError, match=r'having given way by 3\.0 mm') as caught:
        run.run_articulation(plan)
    assert caught.value.error_code is ErrorCode.LIMITS
    assert robot.stops > 0


def test_a_force_that_grows_while_the_hand_gives_way_stops_it(plan, fake_robot) -> None:
    def worse(positions) -> float:
        """Every step aside, in the wrong direction, adds to it."""
        steps = (positions[1] - HOME[1] - positions[0] + HOME[0]) / 0.02
        return 30.0 * 1.15 ** max(0.0, steps) if positions[0] - HOME[0] > 0.4 else 0.0

    robot = fake_robot(OBJECT)
    run = execution(robot, worse, Sideways(worse), most_shift=0.05)
    with pytest.raises(Dex1bError, match='N in ARTICULATE') as caught:
        run.run_articulation(plan)
    assert caught.value.error_code is ErrorCode.LIMITS
    assert run.lead.max_force < 1.8 * 40.0 * 1.1
    assert robot.stops > 0


def test_a_short_knock_does_not_stop_it(plan, fake_robot) -> None:
    run = execution(fake_robot(OBJECT), lambda p: 90.0 if 0.4 < p[0] - HOME[0] < 0.405 else 0.0)
    run.run_articulation(plan)
    assert run.lead.max_force in (0.0, 90.0)


def test_a_hand_that_led_nothing_says_so(plan, fake_robot) -> None:
    robot = fake_robot()
    with pytest.raises(Dex1bError, match='no finger touched') as caught:
        execution(robot).run_articulation(plan)
    assert caught.value.error_code is ErrorCode.NOT_HELD
    np.testing.assert_allclose(robot.arm.trajectory.positions[-1], HOME + 0.6)


def test_a_hook_is_felt_once_it_pulls(plan, fake_robot) -> None:
    run = execution(fake_robot(), lambda positions: 12.0 if positions[0] > HOME[0] + 0.4 else 0.0)
    run.run_articulation(plan)
    assert run.lead.max_force == 12.0
