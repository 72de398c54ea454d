"""Doors and drawers: what every physics engine has to do alike with an object on a joint."""

from dataclasses import replace

import numpy as np
import pytest
from known_grasps import DRIVE
from scipy.spatial.transform import Rotation

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.simulation.engine import BASE, ENGINES, OBJECT, make_engine
from dex1b_core.simulation.filmed_engine import FilmedEngine
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.scene_description import ObjectDescription, SceneDescription
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree

MASS = 2.0  # [kg]
WIDTH, THICKNESS, HEIGHT = 0.4, 0.02, 0.4  # [m] of the door, along x, y and z; hinge at x = 0
LEVER = WIDTH / 2  # [m] of its centre about the hinge
INERTIA = MASS * ((WIDTH**2 + THICKNESS**2) / 12 + LEVER**2)  # [kg m^2] about the hinge
HINGE = ObjectJoint('revolute', np.array([0.0, 0.0, 1.0]), np.zeros(3), 0.0, 1.5)
RAIL = ObjectJoint('prismatic', np.array([0.0, 1.0, 0.0]), np.zeros(3), 0.0, 0.4)
TILTED = make_transform(Rotation.from_euler('xyz', [0.4, -0.3, 0.8]).as_matrix(), np.ones(3))
HERE = np.eye(4)
AWAY = np.array([-0.4])  # finger clear of everything, [m]

# A finger along y, whose tip, a ball of 10 mm radius, is at y = slide.
FINGER_URDF = """
<robot name="finger">
  <link name="hand"/>
  <link name="tip"><collision><geometry><sphere radius="0.01"/></geometry></collision></link>
  <joint name="slide" type="prismatic"><parent link="hand"/><child link="tip"/>
    <axis xyz="0 1 0"/><limit lower="-0.5" upper="0.5" effort="20" velocity="1"/></joint>
</robot>
"""


def block(size, centre):
    """Vertices (8, 3) [m]."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return 0.5 * signs * size + centre


DOOR = block([WIDTH, THICKNESS, HEIGHT], [LEVER, 0.0, 0.0])
POST = block([0.06, 0.06, HEIGHT], [-0.02, 0.0, 0.0])  # overlaps the door by 10 mm


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / 'finger.urdf'
    path.write_text(FINGER_URDF)
    return read_body_tree(TreeSource(path, 'hand', ('slide',)))


@pytest.fixture(params=ENGINES)
def name(request):
    return request.param


@pytest.fixture
def make(tree, name):
    """An engine with a door or drawer on a joint, the same board either way."""

    def make(joint, name=name, fixed=(POST,)):
        target = ObjectDescription.of_parts([DOOR], MASS, joint, fixed)
        return make_engine(name, SceneDescription(tree, {'slide': DRIVE}, target, 0.6))

    return make


def placed(engine, world_T_object=HERE, position=0.0):
    """The same engine with the finger out of the way."""
    engine.reset()
    engine.place(
        TILTED @ make_transform(np.eye(3), np.full(3, 3.0)), AWAY, world_T_object, position
    )
    return engine


def spinning(engine):
    """[rad/s] of a door."""
    return engine.object_speed() / LEVER


def test_door_accelerates_as_torque_by_inertia(make):
    """Also tilted, heavier, pushed obliquely and from half open."""
    engine = make(HINGE)
    for mass, pose, start, torque in (
        (MASS, HERE, 0.0, 0.1),
        (3 * MASS, TILTED, 0.0, 0.1),
        (MASS, TILTED, 0.8, -0.1),
    ):
        engine.set_conditions(friction=0.6, mass=mass)
        placed(engine, pose, start)
        across = pose[:3, :3] @ Rotation.from_euler('z', start).apply([0.0, 1.0, 0.0])
        along = pose[:3, :3] @ Rotation.from_euler('z', start).apply([1.0, 0.0, 0.0])
        engine.push(torque / LEVER * across + 0.1 * along + 5.0 * pose[:3, 2])
        assert engine.advance(0.5)
        expected = torque / (INERTIA * mass / MASS)
        opened = engine.object_joint() - start
        assert np.sign(opened) * spinning(engine) / 0.5 == pytest.approx(expected, rel=0.02)
        assert opened == pytest.approx(0.5 * expected * 0.5**2, rel=0.02)


def test_spring_gives_way_as_force_by_stiffness(make):
    engine = placed(make(replace(RAIL, friction=0.0, damping=20.0, stiffness=20.0)), TILTED, 0.3)
    for force in (2.0, 0.0):
        engine.push(force * TILTED[:3, :3] @ RAIL.axis)
        assert engine.advance(8.0)
        assert engine.object_joint() == pytest.approx(force / 20.0, abs=2e-3)


def test_hinge_is_at_its_origin(make):
    """At the far edge, the same push turns the door the other way."""
    engine = placed(make(replace(HINGE, origin=np.array([WIDTH, 0.0, 0.0]), lower=-1.5)), TILTED)
    engine.push(0.1 / LEVER * TILTED[:3, 1])
    assert engine.advance(0.5)
    assert engine.object_joint() == pytest.approx(-0.5 * 0.1 / INERTIA * 0.5**2, rel=0.02)
    assert spinning(engine) == pytest.approx(0.1 / INERTIA * 0.5, rel=0.02)


def test_moving_part_is_where_the_joint_has_it(make, name):
    for joint in (replace(HINGE, origin=np.array([0.4, 0.1, 0.2])), RAIL):
        engine = placed(make(joint), TILTED, 0.3)
        expected = TILTED @ joint.motion(0.3)
        tolerance = {'mujoco': 1e-9, 'sapien': 1e-6}[name]
        np.testing.assert_allclose(engine.object_pose(), expected, atol=tolerance)
        assert engine.object_joint() == pytest.approx(0.3, abs=tolerance)
        engine.push(TILTED[:3, 1])
        engine.advance(0.1)
        opened = engine.object_joint()
        assert abs(opened - 0.3) > 1e-3
        np.testing.assert_allclose(engine.object_pose(), TILTED @ joint.motion(opened), atol=1e-5)


def test_motion_about_a_hinge_leaves_its_axis_alone():
    joint = replace(HINGE, origin=np.array([0.4, 0.0, 0.0]))
    np.testing.assert_allclose(joint.motion(0.0), np.eye(4))
    np.testing.assert_allclose((joint.motion(0.7) @ [0.4, 0.0, 5.0, 1.0])[:3], [0.4, 0.0, 5.0])
    moved = joint.motion(np.pi / 2) @ [0.5, 0.0, 0.0, 1.0]
    np.testing.assert_allclose(moved[:3], [0.4, 0.1, 0.0], atol=1e-12)


@pytest.mark.parametrize('joint', [replace(HINGE, upper=0.3), RAIL])
def test_stops_at_its_limits(make, joint):
    engine = make(joint)
    for start, force, limit in ((0.0, 5.0, joint.upper), (0.2, -5.0, joint.lower)):
        placed(engine, HERE, start)
        engine.push(np.array([0.0, force, 0.0]))
        farthest = []
        for _ in range(100):
            assert engine.advance(0.02)
            farthest.append(engine.object_joint() * np.sign(force))
        assert max(farthest) < limit * np.sign(force) + 0.01
        assert engine.object_joint() == pytest.approx(limit, abs=2e-3)
        assert engine.object_speed() < 1e-3


def test_knobs_turn_more_than_once(make):
    """Friction brakes them as well after three turns."""
    engine = placed(make(replace(HINGE, lower=-30.0, upper=30.0, friction=0.4)))
    duration = np.sqrt(2.0 * 6.0 * np.pi * INERTIA / (1.0 - 0.4))
    steps = round(duration / engine.timestep)
    for _ in range(steps):
        turned = Rotation.from_euler('z', engine.object_joint())
        engine.push(turned.apply([0.0, 1.0 / LEVER, 0.0]))
        assert engine.advance(engine.timestep)
    assert engine.object_joint() == pytest.approx(6.0 * np.pi, rel=0.02)


@pytest.mark.parametrize('joint', [HINGE, RAIL])
def test_friction_holds_what_pushes_less_and_slows_what_pushes_more(make, joint):
    """An effort of 1 against friction of 1.05 and of 0.5."""
    effort = np.array([0.0, 1.0 if joint.slides else 1.0 / LEVER, 0.0])
    engine = placed(make(replace(joint, friction=1.05)))
    engine.push(effort)
    assert engine.advance(1.0)
    assert abs(engine.object_joint()) < 1e-3
    engine = placed(make(replace(joint, friction=0.5)))
    engine.push(effort)
    assert engine.advance(0.2)
    speed = (1.0 - 0.5) / (MASS if joint.slides else INERTIA) * 0.2
    assert engine.object_speed() == pytest.approx(speed * (1 if joint.slides else LEVER), rel=0.02)
    engine.push(np.zeros(3))  # it stops after as long again, and does not come back
    assert engine.advance(0.3)
    rest = engine.object_joint()
    assert engine.object_speed() < 1e-3
    assert engine.advance(0.3)
    assert engine.object_joint() == pytest.approx(rest, abs=1e-4)


@pytest.mark.parametrize('friction', [0.0, 1.0])
def test_damping_gives_a_terminal_velocity(make, friction):
    """Of the positions: the speed of an instant varies within SAPIEN's step."""
    engine = placed(make(replace(RAIL, damping=20.0, friction=friction)))
    engine.push(np.array([0.0, 4.0, 0.0]))
    assert engine.advance(1.0)
    before = engine.object_joint()
    assert engine.advance(0.5)
    assert (engine.object_joint() - before) / 0.5 == pytest.approx((4.0 - friction) / 20, rel=0.01)


@pytest.mark.parametrize(
    'joint',
    [HINGE, replace(HINGE, damping=0.2, friction=0.1), replace(RAIL, damping=5.0, friction=0.5)],
)
def test_engines_open_alike(make, joint):
    opened = []
    for name in ENGINES:
        engine = placed(make(joint, name), TILTED)
        engine.push(2.0 * TILTED[:3, 1])
        assert engine.advance(0.5)
        opened.append(engine.object_joint())
    assert opened[0] == pytest.approx(opened[1], rel=0.02)
    assert opened[0] > 0.05


def test_restore_returns_to_the_same_state(make):
    def look():
        return np.r_[engine.object_joint(), engine.object_speed(), engine.object_pose().ravel()]

    engine = placed(make(replace(HINGE, friction=0.1, damping=0.1)), TILTED, 0.1)
    engine.push(2.0 * TILTED[:3, 1])
    engine.advance(0.2)
    state, then = engine.save(), look()
    engine.advance(0.2)
    later = look()
    assert later[0] > then[0] + 0.1
    engine.push(np.zeros(3))
    engine.advance(0.1)
    engine.restore(state)
    np.testing.assert_allclose(look(), then, atol=1e-6)
    engine.advance(0.2)
    np.testing.assert_allclose(look(), later, atol=1e-5)


def push_open(engine, goal):
    """Openings while the finger, in front of the closed door, reaches through it in a second."""
    engine.reset()
    start = make_transform(np.eye(3), np.array([0.3, 0.0, 0.0]))
    engine.place(start, np.array([-0.03]), HERE)
    opened, touched = [], set()
    for share in np.linspace(0.02, 1.0, 50):
        engine.command(np.array([-0.03 + share * (goal + 0.03)]))
        assert engine.advance(0.02)
        opened.append(engine.object_joint())
        touched |= set(engine.contacts().other.tolist())
    assert touched == {OBJECT}
    return opened


def test_finger_pushes_the_door_open(make):
    """Friction leaves the door resting on the ball."""
    engine = make(replace(HINGE, friction=0.2))
    opened = push_open(engine, 0.1)
    radius = 0.01 + THICKNESS / 2  # tip and half the door, across the plane of the door
    x, y = 0.3, engine.body_poses()[1][1, 3]
    expected = np.arctan2(y, x) + np.arcsin(radius / np.hypot(x, y))
    assert opened[-1] == pytest.approx(expected, abs=0.005)
    assert push_open(engine, 0.1) == opened


def test_finger_cannot_open_what_friction_holds(make):
    """20 N at 0.3 m are 6 N m."""
    assert max(push_open(make(replace(HINGE, friction=7.0)), 0.2)) < 0.01
    assert push_open(make(replace(HINGE, friction=5.0)), 0.2)[-1] > 0.1


def test_finger_touches_the_base_but_the_door_does_not(make):
    engine = make(HINGE)
    mount = make_transform(np.eye(3), np.array([-0.02, 0.0, 0.0]))
    engine.place(mount, np.array([-0.03 - 0.01 + 0.002]), TILTED)
    assert len(engine.contacts().body) == 0
    engine.place(mount, np.array([-0.03 - 0.01 + 0.002]), HERE)
    contacts = engine.contacts()
    assert contacts.deepest(BASE) == pytest.approx(0.002, abs=1e-4)
    assert contacts.deepest(OBJECT) == 0.0
    assert contacts.bodies_at(BASE).tolist() == [1]
    engine.command(np.array([0.1]))  # into the post, which stays
    assert engine.advance(0.5)
    assert engine.joint_positions()[0] < -0.03
    assert abs(engine.object_joint()) < 1e-6
    assert engine.contacts().force.sum() == pytest.approx(20.0, rel=0.02)


def test_filmed_engines_have_joints(make):
    engine = FilmedEngine(make(RAIL))
    placed(engine, HERE, 0.2)
    assert engine.object_joint() == pytest.approx(0.2)


def test_positions_without_meaning_are_refused(make):
    engine = make(RAIL)
    for position in (-0.1, 0.5, np.nan):
        with pytest.raises(Dex1bError, match=r'expected 0.0 to 0.4') as caught:
            placed(engine, HERE, position)
        assert caught.value.error_code == ErrorCode.INVALID_REQUEST
    free = make(None, fixed=())
    with pytest.raises(Dex1bError, match='a free object has no joint'):
        placed(free, HERE, 0.1)
    assert placed(free).object_joint() == 0.0


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'kind': 'ball'}, "kind 'ball'"),
        ({'axis': np.zeros(3)}, 'axis .*expected a unit vector'),
        ({'axis': np.array([0.0, np.nan, 1.0])}, 'axis .*expected a unit vector'),
        ({'axis': np.array([0.0, 1.0])}, 'axis .*expected a unit vector'),
        ({'origin': np.array([0.0, np.inf, 1.0])}, 'origin'),
        ({'lower': 1.5}, r'limits 1.5 and 1.5'),
        ({'lower': np.nan}, 'limits nan'),
        ({'upper': np.inf}, 'limits 0.0 and inf; expected finite'),
        ({'friction': -0.1}, r'friction -0.1'),
        ({'damping': np.nan}, 'damping nan'),
    ],
)
def test_malformed_joints_are_refused(changes, message):
    with pytest.raises(Dex1bError, match=message) as caught:
        replace(HINGE, **changes)
    assert caught.value.error_code == ErrorCode.INVALID_CONFIGURATION


def test_malformed_objects_are_refused():
    with pytest.raises(Dex1bError, match='free object with 1 fixed parts') as caught:
        ObjectDescription.of_parts([DOOR], MASS, fixed=[POST])
    assert caught.value.error_code == ErrorCode.INVALID_CONFIGURATION
    with pytest.raises(Dex1bError, match=r'base has 1 convex parts with \[3\]') as caught:
        ObjectDescription.of_parts([DOOR], MASS, HINGE, [POST[:3]])
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID
