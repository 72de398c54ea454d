"""What every physics engine has to do alike."""

from dataclasses import fields, replace
from functools import partial

import numpy as np
import pinocchio
import pytest
from known_grasps import CUBE, DRIVE, JAWS, SIDE, jaws_source, judge, pinch, scene_of, wrapped
from scipy.spatial.transform import Rotation

from dex1b_core.geometry import make_transform
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.engine import ENGINES, OBJECT, SUPPORT, make_engine
from dex1b_core.simulation.hold_check import HoldChecker, Postures
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.scene_description import ObjectDescription, SceneDescription
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree

HERE = np.eye(4)
AWAY = make_transform(np.eye(3), np.array([0.0, 0.5, 0.3]))
OPEN = np.array([-0.04])
PALM_ON_SLIDES = 3  # index of the body
POSE_ERROR = {'mujoco': 1e-9, 'sapien': 1e-5}  # the latter has single precision

PROBE_URDF = """
<robot name="probe">
  <link name="base"/>
  <link name="tip"><collision><origin xyz="0.01 0 0" rpy="{rpy}"/>
    <geometry>{geometry}</geometry></collision></link>
  <joint name="slide" type="prismatic"><parent link="base"/><child link="tip"/>
    <axis xyz="1 0 0"/><limit lower="-0.2" upper="0.2" effort="20" velocity="1"/></joint>
</robot>
"""


@pytest.fixture(params=ENGINES)
def name(request):
    return request.param


@pytest.fixture
def make(name):
    return partial(make_engine, name)


@pytest.fixture
def jaws_engine(make, jaws):
    return make(scene_of(jaws, pinch()))


def hand_source(hand):
    return TreeSource.of_hand(hand)


def follower_errors(engine):
    """Of each mimic joint, how far it is from where its leader wants it [rad or m]."""
    tree, poses = engine.scene.robot, engine.body_poses()
    wanted = tree.complete(engine.joint_positions())
    errors = []
    for index, body in enumerate(tree.bodies):
        if body.joint is None or body.joint.mimic is None:
            continue
        moved = np.linalg.inv(poses[body.parent] @ body.parent_T_body) @ poses[index]
        turn = Rotation.from_matrix(moved[:3, :3]).as_rotvec()
        position = (moved[:3, 3] if body.joint.slides else turn) @ body.joint.axis
        errors.append(abs(position - wanted[body.joint.name]))
    return errors


def close_around(engine, grasps, look):
    """Pregrasp to squeeze in ten steps, calling `look` after each."""
    start, end = grasps.pregrasp[0], grasps.squeeze[0]
    engine.place(grasps.object_T_hand[0], start, HERE)
    for share in np.linspace(0.1, 1.0, 10):
        engine.command(start + share * (end - start))
        assert engine.advance(0.08)
        look()


@pytest.mark.parametrize('hand_name', ['ability_right', 'shadow_right'])
def test_links_are_where_pinocchio_puts_them(make, name, need_hand, hand_name):
    hand = need_hand(hand_name)
    engine = make(scene_of(hand_source(hand), pinch()))
    tree = engine.scene.robot
    model = pinocchio.buildModelFromUrdf(str(hand.urdf_path))
    data = model.createData()
    rng = np.random.default_rng(0)
    world_T_root = wrapped().object_T_hand[0]
    for _ in range(5):
        driven = np.array([rng.uniform(*tree.joints[j].limits) for j in tree.joint_names])
        engine.place(world_T_root, driven, AWAY)
        q = pinocchio.neutral(model)
        for joint, position in tree.complete(driven).items():
            q[model.joints[model.getJointId(joint)].idx_q] = position
        pinocchio.framesForwardKinematics(model, data, q)
        poses = [data.oMf[model.getFrameId(b.name)].homogeneous for b in tree.bodies]
        expected = world_T_root @ np.linalg.inv(poses[0]) @ poses
        np.testing.assert_allclose(engine.body_poses(), expected, atol=POSE_ERROR[name])
        np.testing.assert_allclose(engine.joint_positions(), driven, atol=POSE_ERROR[name])
        np.testing.assert_allclose(engine.object_pose(), AWAY, atol=POSE_ERROR[name])


def test_driven_joints_reach_commands(make, need_hand):
    hand = need_hand('ability_right')
    engine = make(scene_of(hand_source(hand), pinch(), HoldProtocol().drive))
    start, target = wrapped().pregrasp[0], wrapped().grasp[0]
    engine.place(HERE, start, AWAY)
    engine.command(target)
    assert engine.advance(1.0)
    np.testing.assert_allclose(engine.joint_positions(), target, atol=2e-3)


def test_mimic_joints_follow_under_load(make, need_hand):
    hand = need_hand('ability_right')
    grasps, errors = wrapped(), []
    engine = make(scene_of(hand_source(hand), grasps, HoldProtocol().drive))
    close_around(engine, grasps, lambda: errors.extend(follower_errors(engine)))
    assert max(errors) < 0.02
    lag = np.abs(engine.joint_positions() - grasps.squeeze[0])
    assert lag.max() > 0.1  # and they were loaded


def test_mimic_joints_have_offsets(make, tmp_path):
    engine = make(scene_of(jaws_source(tmp_path, offset=0.005), pinch()))
    engine.place(HERE, OPEN, AWAY)
    assert max(follower_errors(engine)) < 1e-6
    engine.command(OPEN - 0.02)
    assert engine.advance(0.5)
    assert max(follower_errors(engine)) < 1e-4
    assert engine.body_poses()[2, 0, 3] == pytest.approx(0.055, abs=1e-3)


def test_body_poses_are_those_of_the_joints_while_they_move(jaws_engine):
    jaws_engine.place(HERE, OPEN, AWAY)
    jaws_engine.command(OPEN - 0.03)
    jaws_engine.advance(0.02)
    position = jaws_engine.joint_positions()
    assert position[0] < -0.06
    assert jaws_engine.body_poses()[1, 0, 3] == pytest.approx(position[0], abs=1e-6)


def test_free_object_accelerates_as_force_by_mass(jaws_engine):
    for mass in (0.1, 0.4):
        jaws_engine.set_conditions(friction=0.6, mass=mass)
        jaws_engine.place(HERE, OPEN, AWAY)
        jaws_engine.push(np.array([0.0, 2.0, 0.0]))
        assert jaws_engine.advance(0.2)
        moved = jaws_engine.object_pose()[:3, 3] - AWAY[:3, 3]
        np.testing.assert_allclose(moved, [0.0, 2.0 / mass * 0.2**2 / 2, 0.0], rtol=0.03, atol=1e-6)
        assert jaws_engine.object_speed() == pytest.approx(2.0 / mass * 0.2, rel=1e-3)
        np.testing.assert_allclose(jaws_engine.object_pose()[:3, :3], np.eye(3), atol=1e-6)


def test_push_acts_on_the_centre_of_mass(make, jaws):
    """The object's frame is outside of it; the push turns nothing."""
    engine = make(scene_of(jaws, pinch(object_parts=(CUBE + np.array([0.0, 0.2, 0.0]),))))
    engine.place(HERE, OPEN, AWAY)
    engine.push(np.array([1.0, 0.0, 0.0]))
    assert engine.advance(0.2)
    np.testing.assert_allclose(engine.object_pose()[:3, :3], np.eye(3), atol=1e-5)
    assert engine.object_speed() == pytest.approx(2.0, rel=1e-3)


def test_friction_is_that_of_the_conditions(jaws_engine):
    """2.5 N on each of two faces carry 1.5 N at .3, 2.5 N at .5."""
    for friction, slips in ((0.3, True), (0.5, False), (0.3, True)):
        jaws_engine.set_conditions(friction=friction, mass=0.1)
        jaws_engine.place(HERE, np.array([-0.025]), HERE)
        jaws_engine.command(np.array([-0.02]))
        jaws_engine.advance(0.2)
        jaws_engine.push(np.array([0.0, 2.0, 0.0]))
        jaws_engine.advance(0.1)
        assert (jaws_engine.object_pose()[1, 3] > 0.01) == slips


def test_restore_returns_to_the_same_state(jaws_engine):
    def look():
        engine = jaws_engine
        return [engine.object_pose(), engine.joint_positions(), engine.body_poses(),
                engine.object_speed()]  # fmt: skip

    def compare(one, other, tolerance):
        for value, expected in zip(one, other, strict=True):
            np.testing.assert_allclose(value, expected, atol=tolerance)

    jaws_engine.place(HERE, OPEN, HERE)
    jaws_engine.command(np.array([-0.01]))
    jaws_engine.push(np.array([0.0, 30.0, 0.0]))  # more than friction carries
    jaws_engine.advance(0.1)
    state, then = jaws_engine.save(), look()
    jaws_engine.advance(0.1)
    later = look()
    assert later[0][1, 3] > then[0][1, 3] + 0.05
    jaws_engine.push(np.zeros(3))
    jaws_engine.command(OPEN)
    jaws_engine.advance(0.1)
    jaws_engine.restore(state)
    compare(look(), then, 1e-6)
    jaws_engine.advance(0.1)  # push and command are part of the state
    compare(look(), later, 5e-3)


def test_trajectories_since_a_reset_do_not_depend_on_what_came_before(jaws_engine):
    def trajectory(shift):
        jaws_engine.reset()
        jaws_engine.place(make_transform(np.eye(3), np.array([0.0, shift, 0.0])), OPEN, HERE)
        jaws_engine.command(np.array([-0.01]))
        jaws_engine.advance(0.3)
        jaws_engine.push(np.array([0.3, 4.0, 1.0]))
        jaws_engine.advance(0.1)
        return np.concatenate([jaws_engine.object_pose().ravel(), jaws_engine.joint_positions()])

    first = trajectory(0.015)
    trajectory(-0.02)
    np.testing.assert_array_equal(trajectory(0.015), first)


@pytest.mark.parametrize('depth', [0.0005, 0.002])
def test_overlap_with_the_object_is_what_the_drawing_says(jaws_engine, depth):
    jaws_engine.place(HERE, np.array([-SIDE / 2 + depth]), HERE)
    contacts = jaws_engine.contacts()
    assert contacts.deepest(OBJECT) == pytest.approx(depth, abs=1e-5)
    assert contacts.deepest() == 0.0
    assert contacts.bodies_at(OBJECT).tolist() == [1, 2]
    touching = contacts.other == OBJECT
    np.testing.assert_allclose(np.abs(contacts.point[touching, 0]), SIDE / 2, atol=0.003)


def test_overlap_with_itself_and_the_support_is_what_the_drawing_says(make, jaws):
    """On slides: a fixed palm and the support are no pair of bodies that could collide."""
    engine = make(scene_of(jaws, pinch(), has_support=True).on_slides())
    low = make_transform(np.eye(3), np.array([0.0, 0.0, 0.069]))  # the palm reaches 70 mm down
    engine.place(low, np.array([0.0, 0.0, 0.0, 0.0015]), AWAY)
    contacts = engine.contacts()
    assert contacts.deepest() == pytest.approx(0.003, abs=1e-5)
    assert contacts.deepest(SUPPORT) == pytest.approx(0.001, abs=1e-5)
    assert contacts.deepest(OBJECT) == 0.0
    assert contacts.bodies_at(SUPPORT).tolist() == [PALM_ON_SLIDES]


def test_contact_forces_are_those_of_the_drive(jaws_engine):
    """15 mm of 1000 N/m, shared by the two faces."""
    jaws_engine.place(HERE, OPEN, HERE)
    jaws_engine.command(np.array([-0.01]))
    jaws_engine.advance(1.0)
    contacts = jaws_engine.contacts()
    for jaw in (1, 2):
        force = contacts.force[(contacts.body == jaw) & (contacts.other == OBJECT)].sum()
        assert force == pytest.approx(7.5, rel=0.05)


@pytest.mark.parametrize(
    ('geometry', 'rpy', 'reach'),
    [
        ('<box size="0.02 0.03 0.04"/>', '0 0 0', 0.01),
        ('<box size="0.02 0.03 0.04"/>', '0 1.5707963 0', 0.02),
        ('<sphere radius="0.012"/>', '0 0 0', 0.012),
        ('<capsule radius="0.01" length="0.03"/>', '0 0 0', 0.01),
        ('<capsule radius="0.01" length="0.03"/>', '0 1.5707963 0', 0.025),
        ('<cylinder radius="0.01" length="0.03"/>', '0 0 0', 0.01),
        ('<cylinder radius="0.01" length="0.03"/>', '0 1.5707963 0', 0.015),
    ],
)
def test_shapes_lie_where_the_urdf_puts_them(make, tmp_path, geometry, rpy, reach):
    """The shape's foremost point is 2 mm inside the cube."""
    path = tmp_path / 'probe.urdf'
    path.write_text(PROBE_URDF.format(geometry=geometry, rpy=rpy))
    tree = read_body_tree(TreeSource(path, 'base', ('slide',)))
    target = ObjectDescription.of_parts([CUBE], 0.1)
    engine = make(SceneDescription(tree, {'slide': DRIVE}, target, 0.6))
    engine.place(HERE, np.array([-SIDE / 2 + 0.002 - 0.01 - reach]), HERE)
    assert engine.contacts().deepest(OBJECT) == pytest.approx(0.002, abs=5e-5)


def test_robot_on_slides_moves_by_commands(make, jaws):
    """And takes along what it holds."""
    engine = make(scene_of(jaws, pinch()).on_slides())
    turn = Rotation.from_euler('z', 90, degrees=True).as_matrix()
    world_T_root = make_transform(turn, np.array([0.1, 0.2, 0.3]))
    open_, closed = np.array([0.0, 0.0, 0.0, -0.025]), np.array([0.0, 0.0, 0.0, -0.01])
    engine.place(world_T_root, open_, world_T_root)
    before = engine.body_poses()
    np.testing.assert_allclose(before[PALM_ON_SLIDES], world_T_root, atol=1e-6)
    engine.command(closed)
    engine.advance(0.2)
    way = np.array([0.05, 0.02, 0.1])
    for time in np.arange(0.0, 1.0, engine.timestep):
        share = 0.5 - 0.5 * np.cos(np.pi * time)
        engine.command(closed + np.array([*share * way, 0.0]))
        assert engine.advance(engine.timestep)
    engine.advance(0.2)
    after = engine.body_poses()[PALM_ON_SLIDES]
    np.testing.assert_allclose(after[:3, 3], world_T_root[:3, 3] + turn @ way, atol=1e-3)
    np.testing.assert_allclose(after[:3, :3], turn, atol=1e-3)
    held = engine.object_pose()
    np.testing.assert_allclose(held[:3, 3], after[:3, 3], atol=1e-3)
    np.testing.assert_allclose(held[:3, :3], turn, atol=0.01)


def test_firm_pinch_holds(name, jaws):
    verdicts = judge(pinch(), JAWS, hand=jaws, engine=name)
    assert verdicts.success.all()
    assert verdicts.directions.tolist() == [[1] * 6]
    assert verdicts.fingers.tolist() == [2]


def test_hand_20_cm_away_and_open_hand_miss(name, jaws):
    for grasps in (pinch(shift=(0.0, 0.2, 0.0)), pinch(grasp=-0.03, squeeze=-0.03)):
        verdicts = judge(grasps, JAWS, hand=jaws, engine=name)
        assert verdicts.reason.tolist() == [FailureReason.MISSED]
        assert verdicts.contacts.tolist() == [0]
        assert verdicts.fingers.tolist() == [0]


def test_same_grasp_same_trial_whatever_came_before(name, need_hand):
    hand = need_hand('ability_right')
    grasps = wrapped()
    protocol = HoldProtocol(hold_s=0.5, force=3.0, keeps_pose=False, all_directions=True)
    postures = Postures(grasps.pregrasp[0], grasps.grasp[0], grasps.squeeze[0])
    pose = grasps.object_T_hand[0]
    beside = np.array(pose)
    beside[2, 3] += 0.03

    def checker():
        tree = read_body_tree(hand_source(hand))
        return HoldChecker(tree, grasps.object_parts, protocol, name)

    one = checker()
    first = one.run(pose, postures)
    one.run(beside, replace(postures, squeeze=postures.grasp), friction=0.2, mass_scale=2.0)
    for trial in (one.run(pose, postures), checker().run(pose, postures)):
        for field in fields(first):
            np.testing.assert_array_equal(getattr(trial, field.name), getattr(first, field.name))
    assert first.fingers >= 4
    assert (first.directions >= 0).all()
