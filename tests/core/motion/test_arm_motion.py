from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import ArmMotion, MotionSettings, Stage
from dex1b_core.planning import ReachResult

PLAN = {'velocity_scaling': 0.5, 'lift_height': 0.15, 'seed': 1}


def _sheet(*ranges):
    grids = np.meshgrid(*(np.arange(*ends, 0.01) for ends in ranges))
    return np.stack([grid.ravel() for grid in grids], axis=1)


def test_reach_tells_reasons_apart(motion, robot, scene, grasp):
    candidates = (
        grasp(),
        grasp(wrist=(0.85, 0.0, 1.1)),
        grasp(wrist=(2.0, 0.0, 0.2)),
        grasp(wrist=(0.35, 0.0, 0.08)),
    )
    judged = motion.reach(candidates, scene(), seed=1)
    assert [c.reachability.result for c in judged] == [
        ReachResult.REACHABLE,
        ReachResult.NO_IK,
        ReachResult.OUT_OF_WORKSPACE,
        ReachResult.IK_IN_COLLISION,
    ]
    reach = judged[0].reachability
    assert reach.joint_names == robot.arm.joints
    pose = motion.model.wrist_pose(reach.positions)
    np.testing.assert_allclose(pose, candidates[0].planning_T_wrist, atol=1e-5)
    assert reach.min_joint_margin >= robot.arm.joint_margin
    assert reach.manipulability > 0.01
    assert judged[0].id == candidates[0].id


def test_explains_with_numbers(motion, scene, grasp):
    low = scene(x=0.6, size=(0.06, 0.06, 0.05))
    error = motion.explain(grasp(wrist=(0.35, 0.0, 0.08)), low, seed=1)
    assert error.error_code == ErrorCode.TABLE_COLLISION
    assert "'support plane'" in error.message
    assert motion.explain(grasp(), scene(), seed=1) is None


def test_joint_margin_is_its_own_reason(robot, scene, grasp):
    arm = robot.arm.model_copy(update={'joint_margin': 1.0})
    strict = ArmMotion(robot.model_copy(update={'arm': arm}))
    stretched = [0.0, 0.3, 0.0, 0.4, 0.0, 0.9, 0.0]
    candidate = replace(grasp(), planning_T_wrist=strict.model.wrist_pose(stretched))
    result = strict.reach((candidate,), scene(x=0.1, y=0.5), seed=1)[0].reachability.result
    assert result == ReachResult.JOINT_MARGIN


def test_pick_is_continuous_valid_and_reaches_the_grasp(motion, robot, scene, grasp, start):
    plan = motion.plan_pick(grasp(), scene(), **start, **PLAN)
    names = [stage.stage for stage in plan.stages]
    assert names == [Stage.PREGRASP, Stage.APPROACH, Stage.CLOSE, Stage.SQUEEZE, Stage.VERIFY,
                     Stage.LIFT]  # fmt: skip
    arm, hand = np.array(robot.arm.home), np.array(robot.hand.open)
    for stage in plan.stages:
        if stage.arm is not None:
            motion.validate(stage.arm, scaling=0.5, start=arm)
            arm = stage.arm.positions[-1]
        if stage.hand is not None:
            motion.validate(stage.hand, scaling=1.0)
            np.testing.assert_allclose(stage.hand.positions[0], hand, atol=1e-6)
            hand = stage.hand.positions[-1]
    at_grasp = motion.model.wrist_pose(plan.stage(Stage.APPROACH).arm.positions[-1])
    np.testing.assert_allclose(at_grasp, grasp().planning_T_wrist, atol=1e-5)
    assert plan.lift_height == pytest.approx(0.15)
    risen = motion.model.wrist_pose(arm)[:3, 3] - at_grasp[:3, 3]
    np.testing.assert_allclose(risen, [0, 0, 0.15], atol=1e-4)
    verified = motion.model.wrist_pose(plan.stage(Stage.VERIFY).arm.positions[-1])
    assert 0.015 < verified[2, 3] - at_grasp[2, 3] < 0.035
    np.testing.assert_allclose(hand, grasp().squeeze, atol=1e-6)


def test_pick_keeps_clear_of_everything_on_the_way(motion, scene, grasp, start):
    from dex1b_core.motion.collision import CollisionChecker, environment

    wall = _sheet([0.25, 0.6], [0.13, 0.14], [0.0, 0.3])
    observation = scene(y=0.28, obstacles=wall)
    candidate = grasp(wrist=(0.35, 0.28, 0.2))
    plan = motion.plan_pick(candidate, observation, **start, **PLAN)
    settings = MotionSettings(obstacle_margin=0.0, object_margin=0.0)
    checker = CollisionChecker(motion.model, environment(observation, settings), settings=settings)
    reach = plan.stage(Stage.PREGRASP).arm
    fine = reach.sample(np.linspace(0, reach.duration, 400))[0]
    whole = [motion.model.configuration(q, candidate.pregrasp) for q in fine]
    assert checker.first_on_path(whole) is None
    assert motion.wrist_poses(plan).shape[1:] == (4, 4)


def test_walled_in_object_has_no_path(robot, scene, grasp, start):
    quick = ArmMotion(robot, settings=MotionSettings(planning_time=0.3))
    roof = _sheet([0.2, 0.7], [-0.3, 0.3], [0.33, 0.34])
    with pytest.raises(Dex1bError) as caught:
        quick.plan_pick(grasp(), scene(obstacles=roof), **start, **PLAN)
    assert caught.value.error_code in (ErrorCode.SCENE_COLLISION, ErrorCode.NO_PATH)


def test_start_in_collision_says_what_touches(motion, scene, grasp, start):
    crowded = scene(obstacles=np.array([[0.36, 0.0, 0.42]]))
    with pytest.raises(Dex1bError, match="'obstacles' where the arm is now") as caught:
        motion.plan_pick(grasp(wrist=(0.35, 0.28, 0.2)), crowded, **start, **PLAN)
    assert caught.value.error_code == ErrorCode.SCENE_COLLISION


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'velocity_scaling': 0.0}, 'velocity_scaling'),
        ({'velocity_scaling': 1.5}, 'velocity_scaling'),
        ({'arm_start': {'joint1': 0.0}}, "lacks joints \\['joint2'"),
    ],
)
def test_bad_requests_are_refused(motion, scene, grasp, start, change, message):
    with pytest.raises(Dex1bError, match=message) as caught:
        motion.plan_pick(grasp(), scene(), **(start | PLAN | change))
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_wrong_hand_joints_are_refused(motion, scene, grasp):
    wrong = replace(grasp(), joint_names=('finger1', *grasp().joint_names[1:]))
    with pytest.raises(Dex1bError, match='finger1'):
        motion.reach((wrong,), scene(), seed=1)


def test_plan_is_the_same_for_the_same_seed(motion, scene, grasp, start):
    first = motion.plan_pick(grasp(), scene(), **start, **PLAN)
    again = motion.plan_pick(grasp(), scene(), **start, **PLAN)
    a, b = first.stage(Stage.PREGRASP).arm, again.stage(Stage.PREGRASP).arm
    np.testing.assert_array_equal(a.positions, b.positions)


def test_plan_to_goes_home(motion, robot, scene, start):
    away = dict(zip(robot.arm.joints, np.array(robot.arm.home) + 0.3, strict=True))
    trajectory = motion.plan_to(
        start['arm_start'], scene(x=0.8), arm_start=away, hand_posture=start['hand_start'],
        velocity_scaling=0.5, seed=1,
    )  # fmt: skip
    np.testing.assert_allclose(trajectory.positions[-1], robot.arm.home, atol=1e-9)
    motion.validate(trajectory, scaling=0.5)
