"""The lift with arm and hand."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.geometry import Plane, invert
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial
from dex1b_core.simulation.lift_check import LiftChecker, prepare_object
from dex1b_core.simulation.wrist_carrier import ArmCarrier, UnreachableError, WristWay

sys.path.insert(0, str(Path(__file__).parent))
import grasp_scenes as scenes

TABLE = Plane(np.array([0.0, 0.0, 1.0]), 0.0)


def lift_checker(engine, robot=scenes.ROBOT, shape=None, plane=TABLE):
    target = prepare_object(shape or scenes.can(), plane)
    return LiftChecker.of_robot(robot, target, CheckSettings(engine=engine, body='robot'))


@pytest.fixture(scope='module', params=['sapien', 'mujoco'])
def engine(request):
    return request.param


@pytest.fixture(scope='module')
def checker(engine):
    return lift_checker(engine)


def test_good_grasp_lifts_the_can(engine, checker):
    result = checker.run(scenes.good(), TABLE, Trial())
    assert result.held, result
    assert result.lift_height == pytest.approx(CheckSettings().lift, abs=0.02)
    assert result.fingers_in_contact >= 3
    assert checker.run(scenes.good(), TABLE, Trial()) == result
    assert lift_checker(engine).run(scenes.good(), TABLE, Trial()) == result


def test_perturbed_trials_move_the_object_not_the_robot(checker):
    assert checker.run(scenes.good(), TABLE, Trial(shift=(0.003, 0.0, 0.0), yaw=0.03)).held
    assert not checker.run(scenes.good(), TABLE, Trial(shift=(0.0, 0.06, 0.0))).held


@pytest.mark.parametrize(
    ('candidate', 'reason'),
    [
        (scenes.in_the_air(), FailureReason.MISSED),
        (scenes.in_the_can(), FailureReason.INITIAL_PENETRATION),
        (scenes.without_thumb(), FailureReason.TOO_FEW_FINGERS),
    ],
    ids=['air', 'overlap', 'thumb'],
)
def test_bad_grasp_fails_with_its_reason(checker, candidate, reason):
    assert checker.run(candidate, TABLE, Trial()).reason is reason


def test_what_is_out_of_reach_is_not_simulated(checker, monkeypatch):
    pose = scenes.good().planning_T_wrist.copy()
    pose[0, 3] += 2.0
    for call in ('reset', 'place', 'advance'):
        monkeypatch.setattr(checker.engine, call, None)
    result = checker.run(replace(scenes.good(), planning_T_wrist=pose), TABLE, Trial())
    assert result.reason is FailureReason.UNREACHABLE


def test_what_the_fingers_cannot_hold_is_lost(checker):
    heavy = checker.run(scenes.good(), TABLE, Trial(mass_scale=200.0))
    assert heavy.reason in {
        FailureReason.SLIPPED, FailureReason.DROPPED, FailureReason.ROTATED,
    }  # fmt: skip


def test_the_arm_is_no_stronger_than_its_drives(engine):
    """The can of .36 kg stays in the fingers, but 1.2 N m do not carry it 0.45 m away."""
    can = Trial(mass_scale=2.0)
    assert lift_checker(engine).run(scenes.good(), TABLE, can).held
    weak = lift_checker(engine, arm_changed(effort_limits=(1.2,) * 7))
    result = weak.run(scenes.good(), TABLE, can)
    assert result.reason is FailureReason.SLIPPED
    assert result.fingers_in_contact >= 3
    assert result.lift_height < 0.01
    assert result.slip < 0.01


def test_the_arm_follows_without_lag(checker, monkeypatch):
    lags = []
    targets = checker.carrier.targets

    def watched(joints, rate):
        before = joints - rate * checker.engine.timestep
        lags.append(np.abs(checker.engine.joint_positions()[: len(joints)] - before).max())
        return targets(joints, rate)

    monkeypatch.setattr(checker.carrier, 'targets', watched)
    assert checker.run(scenes.good(), TABLE, Trial()).held
    assert max(lags) < 0.01


@pytest.mark.parametrize('height', [-0.1, 0.0, 0.05])
def test_the_base_may_stand_on_the_support_or_in_it(engine, height):
    plane = Plane(np.array([0.0, 0.0, 1.0]), -height)
    checker = lift_checker(engine, shape=scenes.can(table=height), plane=plane)
    assert checker.run(scenes.side_grasp(up=height), plane, Trial()).held


def test_other_links_hit_the_support(engine):
    plane = Plane(np.array([0.0, 0.0, 1.0]), -0.2)  # inside the first links
    checker = lift_checker(engine, shape=scenes.can(table=0.2), plane=plane)
    result = checker.run(scenes.side_grasp(up=0.2), plane, Trial())
    assert result.reason is FailureReason.TABLE_HIT


def test_links_that_the_description_lets_pass_never_collide(checker):
    scene = checker.engine.scene
    owner = {link: i for i, body in enumerate(scene.robot.bodies) for link in body.links}
    assert (owner['link4'], owner['link6']) in scene.no_contact
    assert (owner['link2'], owner['link5']) not in scene.no_contact
    # in a group too, but what fingers do is as without the arm
    assert (owner['index_L2'], owner['middle_L2']) not in scene.passing


def test_the_wrist_keeps_to_its_way():
    carrier, model = ArmCarrier(scenes.ROBOT), RobotModel(scenes.ROBOT)
    way = way_of(scenes.good())
    assert carrier.begin(way) is way.world_T_planning
    for approached, lifted in [(part, 0.0) for part in np.linspace(0, 1, 83)] + [
        (1.0, height) for height in np.linspace(0, 0.12, 83)
    ]:
        error = invert(way.world_T_grasp) @ model.wrist_pose(carrier.joints(approached, lifted))
        wanted = way.start_pose()[:3, 3] + way.offset(approached, lifted)
        off = way.world_T_grasp[:3, :3] @ error[:3, 3] - (wanted - way.world_T_grasp[:3, 3])
        assert np.linalg.norm(off) < 2e-5
        assert np.abs(error[:3, :3] - np.eye(3)).max() < 1e-3


def test_the_posture_that_the_planner_found_comes_first():
    carrier, way = ArmCarrier(scenes.ROBOT), way_of(scenes.good())
    carrier.begin(way)
    usual = carrier.joints(1.0, 0.0)
    found = 0
    for other in other_postures(way, usual):
        try:
            carrier.begin(replace(way, arm_positions=other))
        except UnreachableError:
            continue
        found += np.abs(carrier.joints(1.0, 0.0) - other).max() < 1e-4
    assert found > 0


def other_postures(way, usual):
    solutions = ArmIk(RobotModel(scenes.ROBOT)).solutions(
        way.world_T_grasp, seeds=[usual], restarts=20, rng=np.random.default_rng(1)
    )
    return [solution.positions for solution in solutions][1:]


def way_of(candidate):
    travel = candidate.approach * candidate.approach_distance
    return WristWay(np.eye(4), candidate.planning_T_wrist, travel, 0.12, np.zeros(0))


def arm_changed(**changes):
    """The robot with other drives of the arm."""
    simulation = scenes.ROBOT.simulation
    simulation = simulation.model_copy(update={'arm': simulation.arm.model_copy(update=changes)})
    return scenes.ROBOT.model_copy(update={'simulation': simulation})
