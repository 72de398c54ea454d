"""The referee on hands whose outcome is known beforehand."""

import dataclasses
import json

import mujoco
import numpy as np
import pytest
import trimesh
from known_grasps import NO_PLANE, wrapped

from benchmarks.referee import (
    Candidates,
    HandSpec,
    Settings,
    __main__,
    judge,
    read_candidates,
    write_candidates,
)
from benchmarks.referee.hand import read_hand
from benchmarks.referee.shapes import hull
from benchmarks.referee.trial import (
    BELOW,
    EJECTED,
    HELD,
    LOST,
    NOT_FINITE,
    SLIPPED,
    START,
    TURNED,
    UNSTABLE,
)
from benchmarks.referee.union import Union
from benchmarks.referee.verdicts import wilson
from benchmarks.referee.world import World, volume_inertia
from dex1b_core.errors import ConfigurationError, Dex1bError
from dex1b_core.geometry.convex_points import box
from dex1b_core.robots import load_hand

SIDE = 0.05  # [m] of the cube
CUBE = np.asarray(trimesh.creation.box([SIDE] * 3).vertices)
TABLE = np.array([0.0, 0.0, 1.0, SIDE / 2])
JAWS = Settings(kp=1000.0, kv=10.0, limit=20.0)

# Two jaws along x, 10 mm thick; `left` at q has its inner face at x = q, `right` mirrors it.
JAWS_URDF = """
<robot name="jaws">
  <link name="world"/>
  <link name="palm">
    <collision><origin xyz="0 0 -0.06"/><geometry><box size="0.2 0.04 0.02"/></geometry></collision>
  </link>
  <link name="left">
    <inertial><mass value="{mass}"/><inertia ixx="{i}" ixy="0" ixz="0" iyy="{i}" iyz="0" izz="{i}"/>
    </inertial>
    <collision><origin xyz="-0.005 0 0"/><geometry><box size="{jaw}"/></geometry>
    </collision>
  </link>
  <link name="right">
    <collision><origin xyz="0.005 0 0"/><geometry><box size="{jaw}"/></geometry>
    </collision>
  </link>
  <joint name="mount" type="fixed"><parent link="world"/><child link="palm"/></joint>
  <joint name="left_slide" type="prismatic"><parent link="palm"/><child link="left"/>
    <axis xyz="1 0 0"/><limit lower="-0.1" upper="0.02" effort="20" velocity="1"/></joint>
  <joint name="right_slide" type="prismatic"><parent link="palm"/><child link="right"/>
    <axis xyz="-1 0 0"/><limit lower="-0.1" upper="0.02" effort="20" velocity="1"/>
    <mimic joint="left_slide" multiplier="1" offset="0"/></joint>
</robot>
"""


def jaws_spec(folder, mass=0.02, inertia=1e-5, jaw='0.01 0.03 0.09', **changes):
    path = folder / 'jaws.urdf'
    path.write_text(JAWS_URDF.format(mass=mass, i=inertia, jaw=jaw))
    return dataclasses.replace(HandSpec(path, 'palm', ('left_slide',)), **changes)


@pytest.fixture
def jaws(tmp_path):
    return jaws_spec(tmp_path)


def pinch(n=1, *, pregrasp=-0.04, grasp=-0.025, squeeze=-0.01, shift=(0.0, 0.0, 0.0), **changes):
    """The jaws around the cube: faces at +-`grasp`, the object's centre between them."""
    pose = np.eye(4)
    pose[:3, 3] = shift
    made = Candidates(
        hand='jaws',
        object='cube',
        joint_names=('left_slide',),
        object_T_hand=np.repeat(pose[None], n, axis=0),
        pregrasp=np.full((n, 1), pregrasp),
        grasp=np.full((n, 1), grasp),
        squeeze=np.full((n, 1), squeeze),
        object_parts=(CUBE,),
        support_plane=NO_PLANE,
    )
    return dataclasses.replace(made, **changes)


def test_firm_pinch_holds_and_is_clean(jaws):
    verdicts = judge(pinch(), JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [HELD]
    assert verdicts.directions.tolist() == [[1] * 6]
    assert verdicts.clean.all()
    assert verdicts.fingers.tolist() == [2]
    assert verdicts.contacts[0] >= 2


def test_firm_wrap_of_a_whole_hand_holds_at_the_default_settings():
    verdicts = judge(wrapped())
    assert verdicts.reason.tolist() == [HELD]
    assert verdicts.fingers[0] >= 4
    assert verdicts.penetration[0] > 0.01  # the posture reaches through the cylinder
    assert not verdicts.clean.any()


def test_hand_20_cm_away_never_holds(jaws):
    shifts = np.vstack([np.eye(3), -np.eye(3)]) * 0.2
    poses = np.repeat(np.eye(4)[None], 6, axis=0)
    poses[:, :3, 3] = shifts
    verdicts = judge(pinch(6, object_T_hand=poses), JAWS, hand=jaws)
    assert verdicts.success.sum() == 0
    assert set(verdicts.reason.tolist()) == {LOST}
    assert verdicts.contacts.sum() == 0


def test_open_hand_loses_the_object(jaws):
    verdicts = judge(pinch(squeeze=-0.04, grasp=-0.04), JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [LOST]


def test_without_friction_the_object_slides_out(jaws):
    slippery = dataclasses.replace(JAWS, friction=0.0, torsion=0.0, all_directions=True)
    verdicts = judge(pinch(), slippery, hand=jaws)
    assert verdicts.reason.tolist() == [SLIPPED + '+y']
    assert verdicts.directions.tolist() == [[1, 1, 0, 0, 0, 1]]  # the palm is below


def test_friction_bounds_what_is_held(jaws):
    """5 mm of 1000 N/m, shared by two jaws: 2.5 N on each face, so 1.5 N along them at .3."""
    squeezed = pinch(squeeze=-0.02)
    for force, friction, held in ((1.0, 0.3, True), (2.0, 0.3, False), (2.0, 0.5, True)):
        settings = dataclasses.replace(JAWS, force=force, friction=friction, torsion=0.0)
        assert judge(squeezed, settings, hand=jaws).held.all() == held, (force, friction)


def test_early_exit_leaves_directions_untried(jaws):
    slippery = dataclasses.replace(JAWS, friction=0.0, torsion=0.0)
    assert judge(pinch(), slippery, hand=jaws).directions.tolist() == [[1, 1, 0, -1, -1, -1]]


def test_closing_from_one_side_ejects_the_object(jaws):
    low = pinch(shift=(0.0, 0.022, 0.0), grasp=-0.02, squeeze=0.0)
    turned = np.array(low.object_T_hand)
    turn = np.deg2rad(40.0)
    turned[0, :2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    verdicts = judge(dataclasses.replace(low, object_T_hand=turned), JAWS, hand=jaws)
    assert verdicts.reason[0] in {EJECTED, TURNED}
    assert (verdicts.directions == -1).all()


@pytest.mark.parametrize('depth', [0.0, 0.002, 0.004])
def test_penetration_is_what_the_drawing_says(jaws, depth):
    verdicts = judge(pinch(grasp=-SIDE / 2 + depth), JAWS, hand=jaws)
    assert verdicts.penetration[0] == pytest.approx(depth, abs=1e-5)
    assert verdicts.self_penetration[0] == 0.0
    assert verdicts.clean[0] == (depth < 0.003)


def test_penetration_into_parts_counts_to_the_outside_of_the_whole(tmp_path):
    """Needles 2 mm thick, 4 mm deep in a cube of 2 mm slices: 2 mm aside they leave a slice."""
    needles = jaws_spec(tmp_path, jaw='0.01 0.002 0.002')
    middles = np.arange(-0.024, 0.025, 0.002)
    slices = tuple(box([SIDE, SIDE, 0.002]) + np.array([0.0, 0.0, z]) for z in middles)
    sliced = pinch(grasp=-SIDE / 2 + 0.004, object_parts=slices)
    verdicts = judge(sliced, JAWS, hand=needles)
    assert verdicts.penetration[0] == pytest.approx(0.004, abs=1e-4)


def test_depth_in_a_union_ignores_faces_that_parts_share():
    halves = [hull(box([0.04, 0.04, 0.02]) + np.array([0.0, 0.0, z])) for z in (-0.01, 0.01)]
    union = Union(halves)
    for depth in (0.0, 0.0005, 0.002, 0.01, 0.02):
        point = np.array([[0.0, 0.0, 0.02 - depth], [1.0, 1.0, 1.0]])
        assert union.depth(point) == pytest.approx(depth, abs=1e-4)
    assert union.depth(np.array([[0.0, 0.0, 0.0201]])) == 0.0


def test_self_penetration_is_what_the_drawing_says(jaws):
    """Jaws whose faces pass each other by twice 1.5 mm, the object elsewhere."""
    verdicts = judge(pinch(grasp=0.0015, shift=(0.0, 0.2, 0.0)), JAWS, hand=jaws)
    assert verdicts.self_penetration[0] == pytest.approx(0.003, abs=1e-5)
    assert verdicts.penetration[0] == 0.0


def test_deep_pregrasp_is_not_simulated(jaws):
    verdicts = judge(pinch(pregrasp=-SIDE / 2 + 0.011), JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [START]
    assert verdicts.start_penetration[0] == pytest.approx(0.011, abs=1e-5)
    assert (verdicts.directions == -1).all()


def test_instability_is_a_failure(jaws):
    """MuJoCo resets a state that blew up and goes on: the hand would be back and hold nothing."""
    absurd = dataclasses.replace(JAWS, kp=1e12, kv=0.0, limit=1e15)
    assert judge(pinch(), absurd, hand=jaws).reason.tolist() == [UNSTABLE]


def test_not_finite_candidates_fail_and_harm_no_other(jaws):
    candidates = pinch(2)
    candidates.grasp[0] = np.nan
    assert judge(candidates, JAWS, hand=jaws).reason.tolist() == [NOT_FINITE, HELD]


def test_nothing_of_the_hand_may_be_below_the_support(jaws):
    """The jaws reach 45 mm below the centre, the cube 25 mm; the palm 70 mm."""
    on_table = pinch(support_plane=TABLE)
    verdicts = judge(on_table, JAWS, hand=jaws)
    assert verdicts.reason.tolist() == [BELOW]
    assert verdicts.held.all()
    assert verdicts.below[0, :2] == pytest.approx([0.045, 0.045])
    assert np.isnan(verdicts.below[0, 2])
    over = dataclasses.replace(on_table, support_plane=np.array([0.0, 0.0, -1.0, 0.0455]))
    assert judge(over, JAWS, hand=jaws).success.all()


def test_approach_counts_from_where_it_starts(jaws):
    plane = np.array([0.0, 0.0, -1.0, 0.05])  # hand from above in a world upside down
    approach = np.array([[0.0, 0.0, -1.0]])
    candidates = pinch(support_plane=plane, approach=approach)
    assert judge(candidates, JAWS, hand=jaws).below[0] == pytest.approx([0.0, 0.0, 0.075])
    away = dataclasses.replace(candidates, approach=-approach)
    assert judge(away, JAWS, hand=jaws).below[0] == pytest.approx([0.0, 0.0, 0.0])


def test_mimic_joints_follow_under_load():
    candidates = wrapped()
    hand = load_hand('ability_right')
    spec = HandSpec(hand.urdf_path, hand.root_link, candidates.joint_names)
    world = World(spec, candidates.object_parts, Settings())
    world.place(candidates.object_T_hand[0], candidates.pregrasp[0])
    errors, loads = [], []
    for share in np.linspace(0.1, 1.0, 10):
        start, end = candidates.pregrasp[0], candidates.squeeze[0]
        world.data.ctrl[:] = start + share * (end - start)
        mujoco.mj_step(world.model, world.data, 20)
        driven = np.array([world.data.joint(name).qpos[0] for name in candidates.joint_names])
        whole = world.hand.complete(driven)
        errors += [abs(world.data.joint(name).qpos[0] - q) for name, q in whole.items()]
        loads.append(np.abs(world.data.actuator_force).max())
    assert max(errors) < 0.01
    assert max(loads) > 0.5  # and they were loaded


def test_same_candidates_same_verdicts_on_any_number_of_processes(jaws):
    candidates = pinch(20)
    candidates.object_T_hand[:, 0, 3] += np.linspace(-0.02, 0.02, 20)
    candidates.squeeze[:, 0] += np.linspace(-0.02, 0.01, 20)
    one, two = (judge(candidates, JAWS, hand=jaws, jobs=jobs) for jobs in (1, 2))
    for name in ('reason', 'directions', 'penetration', 'contacts', 'fingers'):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert 0 < one.success.sum() < 20


def test_published_inertia_stays_when_possible_and_is_replaced_when_not(tmp_path):
    def left(**published):
        spec = jaws_spec(tmp_path, **published)
        read_hand.cache_clear()
        return next(body for body in read_hand(spec).bodies if body.name == 'left')

    mass, centre, inertia = left(mass=0.02, inertia=1e-5).inertia
    assert (mass, inertia[0, 0]) == (0.02, 1e-5)
    np.testing.assert_array_equal(centre, 0.0)
    mass, centre, inertia = left(mass=0.02, inertia=1e-2).inertia  # 0.7 m from the axis
    assert mass == pytest.approx(1000.0 * 0.01 * 0.03 * 0.09)
    np.testing.assert_allclose(centre, [-0.005, 0.0, 0.0], atol=1e-9)
    assert inertia[0, 0] == pytest.approx(mass * (0.03**2 + 0.09**2) / 12.0)


def test_object_inertia_of_overlapping_parts_counts_nothing_twice():
    size = np.array([0.06, 0.04, 0.10])
    whole = volume_inertia([hull(box(size))])
    half = box(size * [1.0, 1.0, 0.6])
    parts = [hull(half + np.array([0.0, 0.0, 0.02])), hull(half - [0.0, 0.0, 0.02])]
    for one, other in zip(whole, volume_inertia(parts), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.02, atol=1e-9)
    volume, centre, inertia = whole
    assert volume == pytest.approx(size.prod(), rel=0.03)
    np.testing.assert_allclose(centre, 0.0, atol=1e-9)
    expected = volume / 12.0 * np.diag((size**2).sum() - size**2)
    np.testing.assert_allclose(inertia, expected, rtol=0.03, atol=1e-9)


def test_file_round_trip(tmp_path):
    table = pinch(3, support_plane=TABLE, approach=np.tile([0.0, 0.0, -1.0], (3, 1)), kp=5.0)
    table = dataclasses.replace(table, object_parts=(CUBE, CUBE + 0.02))
    write_candidates(tmp_path / 'c.npz', table)
    read = read_candidates(tmp_path / 'c.npz')
    for field in dataclasses.fields(Candidates):
        if field.name != 'object_parts':
            one, other = getattr(table, field.name), getattr(read, field.name)
            np.testing.assert_array_equal(one, other)
    for one, other in zip(table.object_parts, read.object_parts, strict=True):
        assert sorted(one.tolist()) == sorted(other.tolist())


def test_files_that_are_none(tmp_path):
    (tmp_path / 'text.npz').write_text('no')
    np.savez(tmp_path / 'few.npz', hand='ability_right')
    with pytest.raises(Dex1bError, match='not a readable candidate file'):
        read_candidates(tmp_path / 'text.npz')
    with pytest.raises(Dex1bError, match='lacks grasp, joint_names'):
        read_candidates(tmp_path / 'few.npz')
    with pytest.raises(Dex1bError, match=r'expected \(N, 4, 4\) and \(N, 1\)'):
        pinch(2, squeeze=0.0, grasp=0.0, object_T_hand=np.eye(4)[None])


def test_hands_that_are_none(tmp_path, jaws):
    with pytest.raises(ConfigurationError, match="no link 'fist'; its links are: left, palm"):
        read_hand(dataclasses.replace(jaws, root_link='fist'))
    with pytest.raises(ConfigurationError, match='no movable joint grip'):
        read_hand(dataclasses.replace(jaws, joint_names=('grip',)))
    with pytest.raises(Dex1bError, match="not those of hand 'ability_right'"):
        judge(pinch(hand='ability_right'))


def test_wilson_interval():
    assert wilson(8, 10) == pytest.approx((49.02, 94.33), abs=0.01)
    assert wilson(0, 10) == pytest.approx((0.0, 27.75), abs=0.01)
    assert wilson(0, 0) is None


def test_command_line(tmp_path, monkeypatch, capsys):
    write_candidates(tmp_path / 'one.npz', wrapped())
    write_candidates(tmp_path / 'far.npz', wrapped(shift=(0.0, 0.242, 0.10)))
    arguments = [str(tmp_path / 'one.npz'), str(tmp_path / 'far.npz'), '--jobs', '1']
    arguments += ['--json', str(tmp_path / 'verdicts.json'), '--joint-limit', 'thumb_q1=1.2']
    monkeypatch.setattr('sys.argv', ['referee', *arguments])
    assert __main__.main() == 0
    shown = capsys.readouterr().out
    assert 'one' in shown
    assert 'lost contact 1' in shown
    report = json.loads((tmp_path / 'verdicts.json').read_text())
    assert report['total']['n'] == 2
    assert report['total']['success_percent'] == 50.0
    assert report['settings']['limits'] == {'thumb_q1': 1.2}
    assert [file['success'] for file in report['files'].values()] == [[True], [False]]
    monkeypatch.setattr('sys.argv', ['referee', str(tmp_path / 'none.npz')])
    assert __main__.main() == 2
    assert 'none.npz' in capsys.readouterr().err


def test_quick_says_the_same_of_firm_loose_and_creeping_pinches(jaws):
    """Loads from far below to far above what friction carries, some of which only creep."""
    candidates = pinch(squeeze=-0.02)
    for force in (0.5, 1.0, 1.4, 1.6, 2.0, 4.0):
        settings = dataclasses.replace(JAWS, friction=0.3, force=force)
        full = judge(candidates, settings, hand=jaws)
        quick = judge(candidates, dataclasses.replace(settings, quick=True), hand=jaws)
        assert full.success == quick.success, force


def test_links_are_where_pinocchio_puts_them():
    import pinocchio

    candidates = wrapped()
    hand = load_hand('ability_right')
    spec = HandSpec(hand.urdf_path, hand.root_link, candidates.joint_names)
    world = World(spec, candidates.object_parts, Settings())
    model = pinocchio.buildModelFromUrdf(str(hand.urdf_path))
    data = model.createData()
    joints = [body.joint for body in world.hand.bodies if body.joint is not None]
    limits = {joint.name: joint.limits for joint in joints}
    rng = np.random.default_rng(0)
    for _ in range(5):
        driven = np.array([rng.uniform(*limits[name]) for name in candidates.joint_names])
        world.place(candidates.object_T_hand[0], driven)
        q = pinocchio.neutral(model)
        for name, position in world.hand.complete(driven).items():
            q[model.joints[model.getJointId(name)].idx_q] = position
        pinocchio.framesForwardKinematics(model, data, q)
        poses = {b.name: data.oMf[model.getFrameId(b.name)].homogeneous for b in world.hand.bodies}
        root = candidates.object_T_hand[0] @ np.linalg.inv(poses[hand.root_link])
        for name, pose in poses.items():
            body = world.data.body(name)
            np.testing.assert_allclose(body.xpos, (root @ pose)[:3, 3], atol=1e-9)
            np.testing.assert_allclose(body.xmat.reshape(3, 3), (root @ pose)[:3, :3], atol=1e-9)
