import numpy as np
import pytest
import trimesh

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_robot
from dex1b_core.simulation.camera import load_camera
from dex1b_core.simulation.objects import MASS_RANGE
from dex1b_core.simulation.world import OBJECT, Placement, SimWorld, object_body, table_body


@pytest.fixture(scope='module')
def description():
    return load_robot('xarm7_ability')


@pytest.fixture(scope='module')
def bottle():
    return load_object('mustard_bottle')


def test_the_seed_decides_where_the_object_stands(description, bottle):
    poses = [SimWorld(description, bottle, seed=seed).start_pose for seed in (1, 1, 2)]
    np.testing.assert_array_equal(poses[0], poses[1])
    assert np.abs(poses[0] - poses[2]).max() > 0.01
    for pose in poses:
        assert 0.37 < pose[0, 3] < 0.49
        assert abs(pose[1, 3]) < 0.13
        assert abs(pose[2, 3]) < 2e-3
        assert pose[2, 2] > 0.999  # upright


def test_placement_draws_within_its_ranges():
    places = np.array([Placement().draw(seed)[:2, 3] for seed in range(200)])
    assert places[:, 0].min() >= 0.38
    assert places[:, 0].max() <= 0.48
    assert np.ptp(places[:, 1]) > 0.2


def test_time_passes_only_in_steps_and_changes_nothing_at_rest(description, bottle):
    world = SimWorld(description, bottle, seed=3)
    assert world.time == 0
    world.step(240)
    assert world.time == pytest.approx(1.0)
    np.testing.assert_allclose(world.object_pose(), world.start_pose, atol=1e-4)


def test_an_object_beside_the_table_is_refused(description, bottle):
    with pytest.raises(Dex1bError, match='does not come to rest') as caught:
        SimWorld(description, bottle, placement=Placement(x=(3.0, 3.0)))
    assert caught.value.error_code == ErrorCode.SIM_ERROR


def test_the_camera_sees_table_and_object_unhidden(description, bottle):
    for seed in range(3):
        world = SimWorld(description, bottle, seed=seed)
        camera = load_camera('front_side')
        picture = world.camera(camera).look(moved=True, colour=True)
        seen = picture.ids == picture.names.index(OBJECT)
        assert seen.sum() > 3000
        rows, columns = np.nonzero(seen)
        assert rows.min() > 5
        assert rows.max() < 474
        assert columns.min() > 5
        assert columns.max() < 634
        points = camera.intrinsics.deproject(picture.depth)[seen]
        world_points = points @ camera.world_T_camera[:3, :3].T + camera.world_T_camera[:3, 3]
        in_object = (world_points - world.start_pose[:3, 3]) @ world.start_pose[:3, :3]
        visible = object_body(bottle).vertices
        assert (in_object.min(axis=0) > visible.min(axis=0) - 1e-3).all()
        assert (in_object.max(axis=0) < visible.max(axis=0) + 1e-3).all()


def test_a_published_mesh_stands_centred_on_its_origin(bottle):
    vertices = object_body(bottle).vertices
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    np.testing.assert_allclose(lower[:2], -upper[:2], atol=1e-6)
    assert lower[2] == pytest.approx(0, abs=1e-6)
    assert 0.18 < upper[2] < 0.20


def test_the_mass_is_plausible_or_as_asked(description, bottle):
    assert MASS_RANGE[0] < SimWorld(description, bottle).mass < MASS_RANGE[1]
    assert SimWorld(description, bottle, mass=0.5).mass == 0.5


def test_a_shape_stands_like_a_scan(description):
    world = SimWorld(description, load_object('shape:mug'), seed=1)
    assert abs(world.start_pose[2, 3]) < 2e-3
    assert world.start_pose[2, 2] > 0.999


def test_the_table_is_a_closed_board_with_its_top_at_zero():
    table = table_body()
    mesh = trimesh.Trimesh(table.vertices, table.faces)
    assert mesh.is_watertight
    assert mesh.volume > 0
    assert mesh.bounds[1, 2] == 0


def side_grasp(world, description):
    """Arm postures that bring the palm beside the bottle, at it, and above."""
    pytest.importorskip('pinocchio')
    from dex1b_core.motion.ik import ArmIk
    from dex1b_core.motion.robot_model import RobotModel

    ik = ArmIk(RobotModel(description))
    # fingers along +x, palm towards +y, thumb on top
    rotation = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    target = world.start_pose[:3, 3] + [0, 0, 0.095]
    grasp = make_transform(rotation, target - rotation @ [-0.01, 0.037, 0.10])

    def path(start, end, posture, count):
        postures = []
        for u in np.linspace(0, 1, count):
            pose = grasp.copy()
            pose[:3, 3] += (1 - u) * np.array(start) + u * np.array(end)
            posture = ik.solve(pose, posture)
            if posture is None:
                return None
            postures.append(posture)
        return postures

    generator = np.random.default_rng(0)
    for _ in range(200):
        start = np.array(description.arm.home) + generator.normal(scale=0.5, size=7)
        approach = path([-0.1, 0, 0], [0, 0, 0], start, 200)
        lift = approach and path([0, 0, 0], [0, 0, 0.15], approach[-1], 320)
        if lift:
            return approach, lift
    raise AssertionError('the arm does not reach the grasp')


def close(world, description, squeeze):
    """Each finger closes until it touches, then its target moves on by `squeeze` [rad]."""
    robot, hand = world.robot, description.hand
    targets = dict(zip(hand.joints, hand.open, strict=True))
    closing = {finger: f'{finger}_q1' for finger in hand.fingers} | {'thumb': 'thumb_q2'}
    touching: set[str] = set()
    for _ in range(220):
        contacts = robot.contacts(world.scene, world.entity)
        links = {link for link, contact in contacts.items() if contact.impulse > 0}
        for finger, joint in closing.items():
            if links & set(hand.fingers[finger].links):
                touching.add(finger)
            elif finger not in touching:
                targets[joint] = min(targets[joint] + 0.008, 1.6)
        robot.set_targets(list(targets), list(targets.values()))
        world.step()
    start = np.array(list(targets.values()))
    extra = np.array([squeeze if joint in closing.values() else 0.0 for joint in targets])
    for u in np.linspace(0, 1, 150):
        robot.set_targets(list(targets), start + u * extra)
        world.step()
    world.step(72)
    return touching


@pytest.mark.parametrize(('squeeze', 'lifted'), [(0.35, True), (0.0, False)])
def test_a_squeezed_bottle_is_lifted_and_one_merely_touched_is_not(
    description, bottle, squeeze, lifted
):
    # turn the bottle's narrow side to the palm
    axes = np.linalg.eigh(np.cov(bottle.mesh.vertices[:, :2].T))[1]
    yaw = np.pi / 2 - np.arctan2(axes[1, 0], axes[0, 0])
    place = Placement(x=(0.45, 0.45), y=(0.0, 0.0), yaw=(yaw, yaw))
    world = SimWorld(description, bottle, placement=place)
    approach, lift = side_grasp(world, description)
    world.robot.set_positions(description.arm.joints, approach[0])
    for posture in approach:
        world.robot.set_targets(description.arm.joints, posture)
        world.step()
    world.step(48)
    assert {'thumb', 'index', 'middle'} <= close(world, description, squeeze)
    for posture in lift:
        world.robot.set_targets(description.arm.joints, posture)
        world.step()
    world.step(480)
    height = world.object_pose()[2, 3] - world.start_pose[2, 3]
    assert (height > 0.10) == lifted
    if not lifted:
        assert height < 0.02
