import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.geometry.convex import convex_part
from dex1b_core.robots import load_robot
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.simulation.objects import add_object
from dex1b_core.simulation.robot import SimulatedRobot
from dex1b_core.simulation.settings import PhysicsSettings


@pytest.fixture(scope='module')
def description():
    return load_robot('xarm7_ability')


@pytest.fixture
def scene():
    return PhysicsSettings().new_scene()


def steps(scene, count):
    for _ in range(count):
        scene.step()


def test_it_stays_at_home_with_an_open_hand(scene, description):
    robot = SimulatedRobot.load(scene, description)
    steps(scene, 240)
    positions = robot.positions()
    for group, start in (
        (description.arm, description.arm.home),
        (description.hand, description.hand.open),
    ):
        for name, value in zip(group.joints, start, strict=True):
            assert positions[name] == pytest.approx(value, abs=1e-3)
    assert max(abs(effort) for effort in robot.efforts().values()) < 0.01


def test_joints_go_by_name_and_mimic_joints_follow(scene, description):
    robot = SimulatedRobot.load(scene, description)
    robot.set_targets(['middle_q1', 'joint7'], [0.9, 0.4])
    for _ in range(240):
        scene.step()
        positions = robot.positions()
        for mimic in robot.mimic:
            expected = mimic.multiplier * positions[mimic.leader] + mimic.offset
            assert positions[mimic.name] == pytest.approx(expected, abs=0.02)
    assert positions['middle_q1'] == pytest.approx(0.9, abs=0.01)
    assert positions['joint7'] == pytest.approx(0.4, abs=0.01)
    assert positions['index_q1'] == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize('name', ['xarm7_ability', 'xarm7_allegro', 'xarm7_inspire'])
def test_no_finger_jams_in_free_air(scene, name):
    robot = SimulatedRobot.load(scene, load_robot(name))
    hand = robot.description.hand
    for posture in (hand.ready, hand.open):
        robot.set_targets(hand.joints, posture)
        steps(scene, 240)
        reached = [robot.positions()[joint] for joint in hand.joints]
        np.testing.assert_allclose(reached, posture, atol=0.02)


def test_parts_of_a_hand_that_overlap_by_design_do_not_collide(scene):
    robot = SimulatedRobot.load(scene, load_robot('xarm7_inspire'))
    links = {link.name: link for link in robot.articulation.links}
    base, thumb, finger = (
        links[name].collision_shapes[0].collision_groups[2]
        for name in (
            'right_hand_hand_base_link',
            'right_hand_thumb_metacarpal',
            'right_hand_index_middle',
        )
    )
    assert base & thumb
    assert not base & finger


def test_link_poses_agree_with_the_urdf(scene, description):
    robot = SimulatedRobot.load(scene, description)
    expected = LinkTree.from_urdf(description.urdf_path).link_poses(robot.positions())
    for name, pose in robot.link_poses().items():
        np.testing.assert_allclose(pose, expected[name], atol=1e-5)


def test_efforts_are_those_of_the_drives_within_their_limits(scene, description):
    robot = SimulatedRobot.load(scene, description)
    robot.set_targets(['thumb_q2'], [0.15 + 0.02])
    assert robot.efforts()['thumb_q2'] == pytest.approx(0.02 * 20.0, rel=1e-3)
    robot.set_targets(['thumb_q2'], [1.5])
    assert robot.efforts()['thumb_q2'] == pytest.approx(2.0)
    assert robot.efforts()['index_q2'] == 0.0


@pytest.mark.parametrize(
    ('names', 'values'),
    [
        (['joint9'], [0.0]),
        (['index_q2'], [0.0]),
        (['joint1'], [np.nan]),
        (['joint1'], [0.0, 1.0]),
    ],
)
def test_targets_that_make_no_sense_are_refused(scene, description, names, values):
    robot = SimulatedRobot.load(scene, description)
    with pytest.raises(Dex1bError, match='expected one finite value') as caught:
        robot.set_targets(names, values)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST
    assert 'joint7' in caught.value.message


def test_contacts_name_the_links_that_touch(scene, description):
    corners = np.array(np.meshgrid(*[(-0.02, 0.02)] * 3)).reshape(3, -1).T
    parts = [convex_part(corners)]
    robot = SimulatedRobot.load(scene, description)
    tip = robot.link_poses()['index_L2'][:3, 3]
    near = add_object(
        scene, parts, mass=0.1, world_T_object=make_transform(np.eye(3), tip), name='near'
    )
    far = add_object(
        scene, parts, mass=0.1, world_T_object=make_transform(np.eye(3), [2, 0, 1]), name='far'
    )
    scene.step()
    touching = {name for name, c in robot.contacts(scene, near).items() if c.impulse > 0}
    assert 'index_L2' in touching
    assert robot.contacts(scene, near)['index_L2'].separation < 0
    assert robot.contacts(scene, far) == {}


def test_links_of_one_group_never_collide(scene, description):
    robot = SimulatedRobot.load(scene, description)
    fingers = ['index_q1', 'middle_q1', 'ring_q1', 'pinky_q1']
    # neighbouring fingers overlap and share a group; they curl into the thumb's base, which shares
    # none with their tips
    robot.set_positions(fingers, [1.5, 1.1, 1.9, 1.7])
    robot.set_targets(fingers, [1.9] * 4)
    pairs = set()
    for _ in range(240):
        scene.step()
        for contact in scene.get_contacts():
            if any(np.linalg.norm(point.impulse) > 0 for point in contact.points):
                pairs.add(frozenset(body.entity.name for body in contact.bodies))
    assert frozenset(('index_L2', 'thumb_base')) in pairs
    for pair in pairs:
        assert not description.collision.disabled(*pair)
