"""Files in DexGraspBench's format; that its code accepts them was seen by running it."""

import dataclasses
import json
import os
import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np
import pytest
import trimesh
import yaml
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.dexgraspbench.export import dexgraspbench_command, export_dexgraspbench
from dex1b_core.benchmark.dexgraspbench.hand import PUBLISHED_HANDS, BenchHand
from dex1b_core.benchmark.dexgraspbench.model import write_bench_hand
from dex1b_core.benchmark.dexgraspbench.pickled_dict import read_pickled_dict
from dex1b_core.benchmark.dexgraspbench.reading import import_dexgraspbench
from dex1b_core.benchmark.dexgraspbench.results import read_dexgraspbench_results
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.scene_description import Drive
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree

PALM = '<collision><geometry><box size="0.1 0.1 0.02"/></geometry></collision>'
BAR = """<collision><origin xyz="0 0 0.03"/><geometry><box size="0.01 0.02 0.06"/></geometry>
</collision>"""
URDF = f"""<robot name="two">
<link name="palm">{PALM}</link><link name="a">{BAR}</link><link name="a_tip">{BAR}</link>
<link name="b"><collision><geometry><mesh filename="wedge.obj"/></geometry></collision></link>
<joint name="a_bend" type="revolute"><parent link="palm"/><child link="a"/><axis xyz="0 1 0"/>
<origin xyz="0.04 0 0.012"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
<joint name="a_tip_bend" type="revolute"><parent link="a"/><child link="a_tip"/><axis xyz="0 1 0"/>
<origin xyz="0 0 0.062"/><limit lower="-1" upper="2" effort="1" velocity="1"/>
<mimic joint="a_bend" multiplier="1.5" offset="0.1"/></joint>
<joint name="b_bend" type="revolute"><parent link="palm"/><child link="b"/><axis xyz="0 1 0"/>
<origin xyz="-0.04 0 0.012"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
</robot>"""
DRIVE = Drive(stiffness=5.0, damping=0.2, effort_limit=0.7, armature=0.001)
SIXTEEN = PUBLISHED_HANDS['allegro_right']
BOX = np.asarray(trimesh.creation.box([0.04, 0.05, 0.06]).vertices)


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """Two fingers; the tip of the first follows its base."""
    folder = tmp_path_factory.mktemp('two')
    trimesh.creation.cone(radius=0.01, height=0.06, sections=12).export(folder / 'wedge.obj')
    (folder / 'two.urdf').write_text(URDF)
    return read_body_tree(TreeSource(folder / 'two.urdf', 'palm', ('b_bend', 'a_bend')))


def grasps_of(joint_names, n=3, **changes):
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, :3, :3] = Rotation.random(n, random_state=1).as_matrix()
    poses[:, :3, 3] = rng.uniform(-0.2, 0.2, (n, 3))
    made = GraspSet(
        hand='allegro_right' if len(joint_names) == 16 else 'two',
        object='shape:two boxes',
        joint_names=tuple(joint_names),
        object_T_hand=poses,
        **{stage: rng.uniform(-0.4, 0.4, (n, len(joint_names)))
           for stage in ('pregrasp', 'grasp', 'squeeze')},
        object_parts=(BOX, BOX + np.array([0.03, 0.0, 0.0])),
        support_plane=np.full(4, np.nan),
        approach=np.tile([0.0, 0.0, -1.0], (n, 1)),
        kp=5.0,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def files_of(folder):
    return sorted((folder / 'graspdata').rglob('*.npy'))


def rewrite(path, **changes):
    """Change entries of a grasp file; None removes them."""
    content = {**read_pickled_dict(path), **changes}
    content = {key: value for key, value in content.items() if value is not None}
    np.save(path, np.array(content, dtype=object), allow_pickle=True)


def assert_same(one, other):
    assert (one.hand, one.object, one.joint_names) == (other.hand, other.object, other.joint_names)
    np.testing.assert_equal([one.kp, *one.support_plane], [other.kp, *other.support_plane])
    np.testing.assert_allclose(one.object_T_hand, other.object_T_hand, atol=1e-15)
    for name in ('pregrasp', 'grasp', 'squeeze', 'approach'):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert len(one.object_parts) == len(other.object_parts)
    for part, same in zip(one.object_parts, other.object_parts, strict=True):
        np.testing.assert_array_equal(part, same)


def test_what_is_exported_comes_back(tree, tmp_path):
    hand = write_bench_hand('two', tree, DRIVE, tmp_path)
    grasps = grasps_of(['a_bend', 'b_bend'])
    export_dexgraspbench(grasps, tmp_path, hand=hand)
    other = dataclasses.replace(grasps, object='another', approach=None, kp=float('nan'))
    export_dexgraspbench(other, tmp_path, hand=hand)
    first, second = import_dexgraspbench(tmp_path)
    assert_same(second, grasps)
    assert (first.object, first.approach, len(first)) == ('another', None, 3)


def test_joints_of_a_published_hand_come_back_in_our_order(tmp_path):
    names = [*SIXTEEN.joint_names[12:], *SIXTEEN.joint_names[:12]]
    grasps = grasps_of(names)
    export_dexgraspbench(grasps, tmp_path, hand=SIXTEEN)
    content = read_pickled_dict(files_of(tmp_path)[1])
    np.testing.assert_array_equal(content['grasp_qpos'][7:], np.roll(grasps.grasp[1], -4))
    assert_same(import_dexgraspbench(tmp_path)[0], grasps)


def test_files_are_plain_and_where_its_code_looks(tree, tmp_path):
    hand = write_bench_hand('two', tree, DRIVE, tmp_path)
    export_dexgraspbench(grasps_of(['a_bend', 'b_bend']), tmp_path, hand=hand)
    below = tmp_path / 'graspdata' / 'shape_two_boxes' / 'scale100_pose000'
    assert files_of(tmp_path) == [below / f'00000{i}.npy' for i in range(3)]
    content = np.load(below / '000000.npy', allow_pickle=True).item()
    assert content['pregrasp_qpos'].shape == (7 + 3,)  # the follower counts, too
    np.testing.assert_array_equal(content['obj_pose'], [0, 0, 0, 1, 0, 0, 0])
    target = tmp_path / 'objects' / 'shape_two_boxes'
    assert content['obj_path'] == str(target.resolve())
    assert sorted(os.listdir(target / 'urdf' / 'meshes')) == [
        'convex_piece_000.obj', 'convex_piece_001.obj',
    ]  # fmt: skip
    info = json.loads((target / 'info' / 'simplified.json').read_text())
    volume = info['mass'] / (info['density'] * info['scale'] ** 3)
    assert volume == pytest.approx(2 * 0.04 * 0.05 * 0.06)
    piece = trimesh.load(target / 'urdf' / 'meshes' / 'convex_piece_000.obj', force='mesh')
    assert piece.is_watertight
    assert piece.volume == pytest.approx(volume / 2)  # faces look outwards


def test_quaternions_begin_with_w(tmp_path):
    poses = np.tile(np.eye(4), (1, 1, 1))
    poses[0, :3, :3] = Rotation.from_euler('z', 90, degrees=True).as_matrix()
    grasps = grasps_of(SIXTEEN.joint_names, 1, object_T_hand=poses)
    plain = dataclasses.replace(SIXTEEN, base_T_root=np.eye(4))
    export_dexgraspbench(grasps, tmp_path, hand=plain)
    content = read_pickled_dict(files_of(tmp_path)[0])
    np.testing.assert_allclose(content['grasp_qpos'][3:7], [0.5**0.5, 0, 0, 0.5**0.5], atol=1e-15)


def test_hand_is_a_model_that_stands_alone(tree, tmp_path):
    hand = write_bench_hand('two', tree, DRIVE, tmp_path)
    config = yaml.safe_load((tmp_path / 'config/hand/two_dex1b.yaml').read_text())
    assert config['mocap'] is True
    assert config['finger_prefix'] == ['finger0/', 'finger1/']
    assert config['tip_body_name'] == ['finger0/a_tip', 'finger1/b']
    model = mujoco.MjModel.from_xml_path(config['xml_path'])
    assert [model.joint(i).name for i in range(model.njnt)] == ['a_bend', 'a_tip_bend', 'b_bend']
    assert set(config['valid_body_name']) < {model.body(i).name for i in range(model.nbody)}
    assert [model.actuator(i).name for i in range(model.nu)] == ['b_bend', 'a_bend']
    np.testing.assert_allclose(model.actuator_biasprm[:, 1:3], [[-5.0, -0.2]] * 2)
    np.testing.assert_allclose(model.dof_armature, 0.001)
    root = ElementTree.parse(config['xml_path']).getroot()
    assert all(mesh.get('file') for mesh in root.iter('mesh'))  # its loader takes no others
    assert root.find('.//general') is None  # of which MuJoCo 3.3.2 does not know all attributes
    joints = hand.joints_of(np.array([[0.2, -0.1]]), ('a_bend', 'b_bend'))
    np.testing.assert_allclose(joints, [[0.2, 1.5 * 0.2 + 0.1, -0.1]])


def test_command_names_hand_and_limits(tree, tmp_path):
    hand = write_bench_hand('two', tree, DRIVE, tmp_path)
    command = dexgraspbench_command(tmp_path, hand)
    assert f'--config-dir {tmp_path / "config"} ' in command
    assert 'hand=two_dex1b' in command
    assert "'task.miu_coef=[0.6,0.02]'" in command
    assert 'task.simulation_metrics.angle_thre=15' in command
    assert '--config-dir' not in dexgraspbench_command(tmp_path, SIXTEEN)


def test_tabletop_stands_on_the_ground(tmp_path):
    plane = np.array([0.0, 1.0, 0.0, 0.025])
    grasps = grasps_of(SIXTEEN.joint_names, support_plane=plane)
    export_dexgraspbench(grasps, tmp_path, hand=SIXTEEN, setting='tabletop')
    pose = read_pickled_dict(files_of(tmp_path)[0])['obj_pose']
    corners = Rotation.from_quat(pose[3:], scalar_first=True).apply(BOX) + pose[:3]
    assert corners[:, 2].min() == pytest.approx(0.0, abs=1e-12)
    back = import_dexgraspbench(tmp_path)[0]
    np.testing.assert_allclose(back.object_T_hand, grasps.object_T_hand, atol=1e-14)
    floating = grasps_of(SIXTEEN.joint_names, object='floating')
    with pytest.raises(Dex1bError, match='expects a support plane'):
        export_dexgraspbench(floating, tmp_path, hand=SIXTEEN, setting='tabletop')


def test_foreign_files_are_read_with_a_hand_and_their_own_scale(tmp_path):
    export_dexgraspbench(grasps_of(SIXTEEN.joint_names), tmp_path, hand=SIXTEEN)
    for path in files_of(tmp_path):
        relative = os.path.relpath(read_pickled_dict(path)['obj_path'], tmp_path)
        rewrite(path, dex1b=None, obj_scale=0.5, obj_path=relative)
    with pytest.raises(Dex1bError, match='does not say which hand'):
        import_dexgraspbench(tmp_path)
    back = import_dexgraspbench(tmp_path, SIXTEEN)[0]
    assert (back.hand, back.joint_names) == ('allegro_right', SIXTEEN.joint_names)
    assert back.object == 'shape_two_boxes/scale100_pose000'
    assert back.plane is None
    np.testing.assert_allclose(back.object_parts[0], 0.5 * BOX)


def test_results_are_read_in_the_order_of_the_grasps(tmp_path):
    grasps = grasps_of(SIXTEEN.joint_names, 2)
    export_dexgraspbench(grasps, tmp_path, hand=SIXTEEN)
    below = tmp_path / 'evaluation' / 'shape_two_boxes' / 'scale100_pose000'
    below.mkdir(parents=True)
    found = {
        'succ_flag': np.True_, 'delta_pos': 0.01, 'delta_angle': 180.0,
        'ho_pene': 0.002, 'self_pene': 0, 'contact_num': 4,
    }  # fmt: skip
    np.save(below / '000000.npy', found)
    with pytest.raises(Dex1bError, match=r'lacks 1 of 2 results, 000001\.npy'):
        read_dexgraspbench_results(tmp_path, grasps)
    np.save(below / '000001.npy', {**found, 'succ_flag': False})
    results = read_dexgraspbench_results(tmp_path, grasps)
    assert results.success.tolist() == [True, False]
    np.testing.assert_allclose(results.turn, np.pi)
    np.save(below / '000001.npy', {'succ_flag': True})
    with pytest.raises(Dex1bError, match='lacks delta_pos'):
        read_dexgraspbench_results(tmp_path, grasps)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'grasp_qpos': None}, 'lacks grasp_qpos'),
        ({'grasp_qpos': np.r_[np.zeros(3), 1.0, np.zeros(8)]}, r'shape \(12,\); expected \(23,\)'),
        ({'grasp_qpos': np.zeros(23)}, 'length 0; expected a unit quaternion'),
        ({'grasp_qpos': np.r_[1.0, 0, 0, 1.0, np.zeros(19)]}, 'moves between pregrasp and grasp'),
        ({'obj_pose': np.full(7, np.nan)}, 'obj_pose .* holds no finite pose'),
        ({'obj_pose': None}, 'lacks obj_pose'),
        ({'obj_scale': 2.0}, 'files differ in obj_scale'),
    ],
)
def test_malformed_entries_are_named(changes, message, tmp_path):
    export_dexgraspbench(grasps_of(SIXTEEN.joint_names), tmp_path, hand=SIXTEEN)
    rewrite(files_of(tmp_path)[1], **changes)
    with pytest.raises(Dex1bError, match=message) as found:
        import_dexgraspbench(tmp_path)
    assert found.value.error_code is ErrorCode.INVALID_REQUEST


def test_damaged_files_and_folders_are_named(tmp_path):
    with pytest.raises(Dex1bError, match=r'no \*\.npy'):
        import_dexgraspbench(tmp_path)
    grasps = grasps_of(SIXTEEN.joint_names)
    export_dexgraspbench(grasps, tmp_path, hand=SIXTEEN)
    with pytest.raises(Dex1bError, match='are there already'):
        export_dexgraspbench(grasps, tmp_path, hand=SIXTEEN)
    path = files_of(tmp_path)[0]
    whole = path.read_bytes()
    for content in (b'', whole[:200], whole[:-20], b'x' * 100):
        path.write_bytes(content)
        with pytest.raises(Dex1bError, match='not a readable grasp file'):
            import_dexgraspbench(tmp_path)
    np.save(path, np.zeros(3))
    with pytest.raises(Dex1bError, match='holds no dictionary'):
        import_dexgraspbench(tmp_path)
    path.write_bytes(whole)
    piece = tmp_path / 'objects/shape_two_boxes/urdf/meshes/convex_piece_001.obj'
    piece.write_text('v 0 0\n')
    with pytest.raises(Dex1bError, match='not a readable Wavefront file'):
        import_dexgraspbench(tmp_path)
    for name in piece.parent.iterdir():
        name.unlink()
    with pytest.raises(Dex1bError, match='no convex pieces') as found:
        import_dexgraspbench(tmp_path)
    assert found.value.error_code is ErrorCode.UNKNOWN_OBJECT


def test_another_hands_joints_and_flat_parts_are_refused(tmp_path):
    with pytest.raises(Dex1bError, match="hand 'allegro' of the benchmark"):
        export_dexgraspbench(grasps_of(['a_bend', 'b_bend']), tmp_path, hand=SIXTEEN)
    flat = grasps_of(SIXTEEN.joint_names, object_parts=(np.eye(4)[:, :3] * [1, 1, 0],))
    with pytest.raises(Dex1bError, match='span no volume') as found:
        export_dexgraspbench(flat, tmp_path, hand=SIXTEEN)
    assert found.value.error_code is ErrorCode.SHAPE_INVALID
    assert not files_of(tmp_path)


class _Harmful:
    def __reduce__(self):
        return os.mkdir, ('harm',)


def test_files_cannot_run_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'graspdata' / '0.npy'
    path.parent.mkdir()
    np.save(path, {'obj_path': _Harmful()})
    with pytest.raises(Dex1bError, match=r'asks for posix\.mkdir; refused'):
        import_dexgraspbench(tmp_path)
    assert not (tmp_path / 'harm').exists()


def test_driven_joints_are_found_among_followers(tree):
    hand = BenchHand.of_tree('two', 'two', tree)
    driven = np.array([[0.3, -0.2]])
    np.testing.assert_array_equal(hand.driven_of(hand.joints_of(driven, tree.joint_names)), driven)
