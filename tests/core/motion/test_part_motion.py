"""A hand that opens a part: it keeps its hold along the joint, or it is said why it cannot."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import invert
from dex1b_core.motion import Stage
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.part_motion import BACK, PartMotion
from dex1b_core.motion.part_timing import SPEED
from dex1b_core.planning import ReachResult
from dex1b_core.simulation.object_joint import ObjectJoint

PLAN = {'velocity_scaling': 0.5, 'seed': 1}
UP, LEFT, AHEAD = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
DRAWER = ObjectJoint('prismatic', LEFT, np.zeros(3), 0.0, 1.0)
AWAY = replace(DRAWER, axis=AHEAD)
DOOR = ObjectJoint('revolute', UP, np.array([0.42, -0.3, 0.0]), 0.0, 1.5)
WHOLE, LESS, _ = BACK  # [m] back at the end


@pytest.fixture(scope='module')
def parts(robot) -> PartMotion:
    return PartMotion(robot)


def led_poses(parts, plan, count=100):
    """(N, 4, 4) of the wrist while the part moves, as a controller interpolates."""
    lead = plan.stage(Stage.ARTICULATE).arm
    positions = lead.sample(np.linspace(0.0, lead.duration, count))[0]
    return np.array([parts.model.wrist_pose(q) for q in positions])


def joint_positions(joint, poses):
    """(N,) of a joint that moves with the hand, from what it does to one point or direction."""
    if joint.slides:
        return (poses[:, :3, 3] - poses[0, :3, 3]) @ joint.axis
    arms = poses[:, :3, 3] - joint.origin
    arms -= np.outer(arms @ joint.axis, joint.axis)
    return np.unwrap(np.arctan2(np.cross(arms[0], arms) @ joint.axis, arms @ arms[0]))


@pytest.mark.parametrize(
    ('joint', 'displacement'),
    [
        (DRAWER, 0.2),
        (AWAY, 0.15),
        (replace(DRAWER, lower=-0.3), -0.2),
        (DOOR, 0.8),
        (replace(DOOR, axis=-UP, origin=np.array([0.42, 0.3, 0.0])), 0.8),
    ],
    ids=['left', 'ahead', 'shut', 'door', 'other_hinge'],
)
def test_the_hand_keeps_its_hold_along_the_joint(
    parts, scene, grasp, start, joint, displacement
) -> None:
    plan = parts.plan_articulation(grasp(), scene(), joint, displacement, **start, **PLAN)
    poses = led_poses(parts, plan)
    moved = joint_positions(joint, poses)
    np.testing.assert_allclose(moved[[0, -1]], [0.0, displacement], atol=1e-5)
    assert (np.diff(np.sign(displacement) * moved) > -1e-6).all()  # it never turns back
    on_part = np.array(
        [invert(joint.motion(s)) @ pose for s, pose in zip(moved, poses, strict=True)]
    )
    np.testing.assert_allclose(
        on_part, np.broadcast_to(grasp().planning_T_wrist, on_part.shape), atol=2e-4
    )
    assert plan.displacement == displacement


def test_the_stages_follow_one_another_within_limits(parts, robot, scene, grasp, start) -> None:
    plan = parts.plan_articulation(grasp(), scene(), DOOR, 0.8, **start, **PLAN)
    assert [stage.stage for stage in plan.stages] == [
        Stage.PREGRASP, Stage.APPROACH, Stage.CLOSE, Stage.SQUEEZE, Stage.ARTICULATE,
        Stage.RETREAT, Stage.RETREAT,
    ]  # fmt: skip
    arm, hand = np.array(robot.arm.home), np.array(robot.hand.open)
    for stage in plan.stages:
        if stage.arm is not None:
            parts.validate(stage.arm, scaling=0.5, start=arm, start_tolerance=1e-6)
            arm = stage.arm.positions[-1]
        if stage.hand is not None:
            parts.validate(stage.hand, scaling=1.0)
            np.testing.assert_allclose(stage.hand.positions[0], hand, atol=1e-6)
            hand = stage.hand.positions[-1]
    np.testing.assert_allclose(hand, grasp().pregrasp, atol=1e-6)
    reach = plan.candidate.reachability
    assert reach.result == ReachResult.REACHABLE
    assert reach.min_joint_margin >= robot.arm.joint_margin


def test_the_hand_draws_back_from_where_the_part_has_gone(parts, scene, grasp, start) -> None:
    sideways = grasp(approach=(0.6, 0.0, -0.8))
    plan = parts.plan_articulation(sideways, scene(), DOOR, 0.8, **start, **PLAN)
    end, back = led_poses(parts, plan)[-1], plan.stages[-1].arm.positions[-1]
    shift = parts.model.wrist_pose(back)[:3, 3] - end[:3, 3]
    turned = DOOR.motion(0.8)[:3, :3] @ sideways.approach
    np.testing.assert_allclose(shift, -WHOLE * turned, atol=1e-4)


def test_it_draws_back_less_where_the_arm_is_stretched(parts, scene, grasp, start) -> None:
    plan = parts.plan_articulation(grasp(), scene(), DRAWER, 0.62, **start, **PLAN)
    end, back = led_poses(parts, plan)[-1], plan.stages[-1].arm.positions[-1]
    np.testing.assert_allclose(
        parts.model.wrist_pose(back)[:3, 3] - end[:3, 3], LESS * UP, atol=1e-4
    )


def test_a_part_is_led_slowly_whatever_the_arm_can_do(parts, scene, grasp, start) -> None:
    for scaling in (0.5, 1.0):
        options = PLAN | {'velocity_scaling': scaling}
        plan = parts.plan_articulation(grasp(), scene(), DRAWER, 0.4, **start, **options)
        assert plan.stage(Stage.ARTICULATE).arm.duration >= 0.4 / SPEED - 1e-6


def test_reach_tells_reasons_apart(parts, robot, scene, grasp) -> None:
    candidates = (
        grasp(),
        grasp(wrist=(0.85, 0.0, 1.1)),
        grasp(wrist=(2.0, 0.0, 0.2)),
        grasp(wrist=(0.35, 0.0, 0.08)),
    )
    judged = parts.reach_part(candidates, scene(), DRAWER, 0.2, seed=1)
    assert [c.reachability.result for c in judged] == [
        ReachResult.REACHABLE,
        ReachResult.NO_IK,
        ReachResult.OUT_OF_WORKSPACE,
        ReachResult.IK_IN_COLLISION,
    ]
    reach = judged[0].reachability
    pose = parts.model.wrist_pose(reach.positions)
    np.testing.assert_allclose(pose, candidates[0].planning_T_wrist, atol=1e-5)
    assert reach.joint_names == robot.arm.joints


def test_reach_looks_along_the_whole_joint(parts, scene, grasp) -> None:
    for displacement, result in ((0.3, ReachResult.REACHABLE), (0.6, ReachResult.NO_PATH)):
        judged = parts.reach_part((grasp(),), scene(), AWAY, displacement, seed=1)[0]
        assert judged.reachability.result == result


@pytest.mark.parametrize(
    ('wrist', 'code'),
    [((0.85, 0.0, 1.1), ErrorCode.NO_IK), ((2.0, 0.0, 0.2), ErrorCode.OUT_OF_WORKSPACE)],
)
def test_a_handle_out_of_reach_is_refused(parts, scene, grasp, start, wrist, code) -> None:
    with pytest.raises(Dex1bError) as caught:
        parts.plan_articulation(grasp(wrist=wrist), scene(), DRAWER, 0.2, **start, **PLAN)
    assert caught.value.error_code == code


def test_an_end_out_of_reach_says_how_far_the_arm_gets(parts, scene, grasp, start) -> None:
    with pytest.raises(Dex1bError, match=r'after 0\.\d+ of 0\.600 m; ask for less') as caught:
        parts.plan_articulation(grasp(), scene(), AWAY, 0.6, **start, **PLAN)
    assert caught.value.error_code == ErrorCode.NO_PATH
    reached = float(caught.value.message.split(' after ')[1].split()[0])
    parts.plan_articulation(grasp(), scene(), AWAY, reached - 0.02, **start, **PLAN)
    with pytest.raises(Dex1bError, match=r"along the part's joint"):
        parts.plan_articulation(grasp(), scene(), AWAY, reached + 0.02, **start, **PLAN)


def test_an_end_beyond_the_workspace_is_refused(robot, scene, grasp, start) -> None:
    box = robot.workspace.model_copy(update={'upper': (0.9, 0.15, 1.2)})
    narrow = PartMotion(robot.model_copy(update={'workspace': box}))
    narrow.plan_articulation(grasp(), scene(), DRAWER, 0.1, **start, **PLAN)
    with pytest.raises(Dex1bError, match="after 100% of the part's way") as caught:
        narrow.plan_articulation(grasp(), scene(), DRAWER, 0.2, **start, **PLAN)
    assert caught.value.error_code == ErrorCode.OUT_OF_WORKSPACE


def test_what_stands_in_the_hands_way_is_told(parts, scene, grasp, start) -> None:
    in_the_way = scene(obstacles=np.array([[0.35, 0.2, 0.2]]))
    parts.plan_articulation(grasp(), in_the_way, DRAWER, 0.05, **start, **PLAN)
    with pytest.raises(Dex1bError, match="'obstacles' after 100% of the part's way") as caught:
        parts.plan_articulation(grasp(), in_the_way, DRAWER, 0.2, **start, **PLAN)
    assert caught.value.error_code == ErrorCode.SCENE_COLLISION


@pytest.mark.parametrize('displacement', [0.31, -0.01, 0.0, float('nan'), float('inf')])
def test_a_part_is_not_led_nowhere_or_beyond_its_joint(
    parts, scene, grasp, start, displacement
) -> None:
    short = replace(DRAWER, upper=0.3)
    parts.plan_articulation(grasp(), scene(), short, 0.3, **start, **PLAN)
    for call in (
        lambda: parts.plan_articulation(grasp(), scene(), short, displacement, **start, **PLAN),
        lambda: parts.reach_part((grasp(),), scene(), short, displacement, seed=1),
    ):
        with pytest.raises(Dex1bError, match=r'0\.0000 to 0\.3000, what the joint has') as caught:
            call()
        assert caught.value.error_code == ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'velocity_scaling': float('nan')}, 'velocity_scaling'),
        ({'arm_start': {'joint1': 0.0}}, "lacks joints \\['joint2'"),
        ({'hand_start': {}}, "lacks joints \\['index_q1'"),
    ],
)
def test_bad_requests_are_refused(parts, scene, grasp, start, change, message) -> None:
    with pytest.raises(Dex1bError, match=message) as caught:
        parts.plan_articulation(grasp(), scene(), DRAWER, 0.2, **(start | PLAN | change))
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_joints_that_the_hand_lacks_are_refused(parts, scene, grasp, start) -> None:
    wrong = replace(grasp(), joint_names=('finger1', *grasp().joint_names[1:]))
    for call in (
        lambda: parts.plan_articulation(wrong, scene(), DRAWER, 0.2, **start, **PLAN),
        lambda: parts.reach_part((wrong,), scene(), DRAWER, 0.2, seed=1),
    ):
        with pytest.raises(Dex1bError, match="unknown joints \\['finger1'\\]") as caught:
            call()
        assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_a_part_that_was_not_seen_is_refused(parts, scene, grasp, start) -> None:
    unseen = replace(scene(), points=np.zeros((0, 3)), normals=np.zeros((0, 3)))
    with pytest.raises(Dex1bError, match='no points of the moving part') as caught:
        parts.plan_articulation(grasp(), unseen, DRAWER, 0.2, **start, **PLAN)
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID


def test_the_force_of_the_hand_is_read_from_efforts(parts, robot) -> None:
    positions, force = np.array(robot.arm.home) + 0.1, np.array([12.0, -5.0, 30.0])
    efforts = ArmIk(parts.model).jacobian(positions)[:3].T @ force
    assert parts.hand_force(positions, efforts) == pytest.approx(np.linalg.norm(force))
    assert parts.hand_force(positions, np.zeros(7)) == 0.0
