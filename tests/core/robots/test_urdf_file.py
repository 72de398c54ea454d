"""URDFs with everything that can be wrong in them: refused by name, or repaired and said so."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_file import ExtraFrame, check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import BOX, CHAIN, LIMIT, joint, write


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def test_a_sound_file_is_taken_as_it_is(tmp_path):
    path = write(tmp_path, *CHAIN)
    checked = check_urdf(path)
    assert (checked.path, checked.repairs) == (path.resolve(), ())


@pytest.mark.parametrize(
    ('second', 'message'),
    [
        (joint('b', 'near', 'far', xyz='0 nan 0'), r"joint 'b': origin xyz=\"0 nan 0\".*finite"),
        (joint('b', 'near', 'far', xyz='0 0'), r"joint 'b': origin xyz=\"0 0\" is not 3"),
        (joint('b', 'near', 'far', xyz='0 0 o.1'), r"joint 'b': origin xyz=\"0 0 o.1\""),
        (joint('b', 'near', 'far', inside='<limit lower="0" upper="inf"/>'), r'limit upper="inf"'),
        (joint('b', 'near', 'far', inside='<limit lower="2" upper="1"/>'),
         r"joint 'b': its lower limit 2 is above the upper limit 1"),
        (joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="c"/>'),
         r"joint 'b' mimics 'c', which is not in the file; joints are: a, b"),
        (joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="b"/>'), r'in a circle: b -> b'),
        (joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="a" multiplier="x"/>'),
         r"joint 'b': mimic multiplier=\"x\" is not a finite number"),
        (joint('b', 'near', 'far', kind='floating'), r"joint 'b' of type 'floating'.*known are"),
        (joint('b', 'near', 'far', kind='prismatic', inside=''), r"'b' has no limits"),
        (joint('b', 'near', 'tip'), r"joint 'b': its child link 'tip' is not in the file"),
        (joint('b', 'palm', 'near'), r"link 'near' has two parents"),
        (joint('b', 'near', 'far').replace('0 1 0', '0 0 0'), r"joint 'b': its axis is zero"),
        (joint('a', 'near', 'far'), r"joint names used twice: \['a'\]"),
        ('', r"do not form one tree; roots: \['palm', 'far'\]"),
        (joint('b', 'far', 'far'), r"loop through link 'far'|roots"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, second, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_urdf(write(tmp_path, CHAIN[0], second))
    assert 'hand.urdf' in caught.value.message


def test_mimic_joints_in_a_circle_are_named(tmp_path):
    parts = (joint('a', 'palm', 'near', inside=LIMIT + '<mimic joint="b"/>'),
             joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="a"/>'))  # fmt: skip
    with pytest.raises(ConfigurationError, match='circle: a -> b -> a; one of them must be driven'):
        check_urdf(write(tmp_path, *parts))


def test_a_closed_loop_of_joints_is_named(tmp_path):
    parts = (joint('a', 'palm', 'near'), joint('b', 'near', 'palm'))
    with pytest.raises(ConfigurationError, match='no root: joints form a loop'):
        check_urdf(write(tmp_path, *parts, links=('palm', 'near')))


@pytest.mark.parametrize(
    ('text', 'message'),
    [('no xml', 'not a readable URDF'), ('<sdf/>', "its top element is 'sdf'"),
     ('<robot/>', 'it has no links')],
)  # fmt: skip
def test_what_is_no_urdf_is_refused(tmp_path, text, message):
    path = tmp_path / 'hand.urdf'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        check_urdf(path)
    with pytest.raises(ConfigurationError, match='No such file'):
        check_urdf(tmp_path / 'absent.urdf')


def test_all_missing_collision_meshes_are_listed(tmp_path):
    shape = '<collision><geometry><mesh filename="package://nobody/{}.stl"/></geometry></collision>'
    text = ''.join(
        f'<link name="{link}">{shape.format(link)}</link>' for link in ('palm', 'near', 'far')
    )
    path = tmp_path / 'hand.urdf'
    path.write_text(f'<robot name="hand">{text}{"".join(CHAIN)}</robot>')
    with pytest.raises(ConfigurationError, match=r'3 collision meshes are missing') as caught:
        check_urdf(path)
    for link in ('palm', 'near', 'far'):
        assert f"nobody/{link}.stl' (link '{link}')" in caught.value.message


def test_missing_visual_meshes_are_left_out_and_said(tmp_path):
    visual = '<visual><geometry><mesh filename="nowhere.dae"/></geometry></visual>'
    checked = check_urdf(write(tmp_path, *CHAIN, shape=visual + BOX))
    [repair] = checked.repairs
    assert repair.startswith('3 visual meshes are missing and left out')
    assert 'nowhere' not in checked.path.read_text()


def test_visual_geometry_serves_where_there_is_no_other(tmp_path):
    checked = check_urdf(write(tmp_path, *CHAIN, shape=BOX.replace('collision', 'visual')))
    assert checked.repairs == ('it has no collision geometry: the visual geometry is used',)
    assert len(collision_hulls(checked.path, ('near',))['near']) == 1


def test_a_continuous_joint_gets_a_range(tmp_path):
    checked = check_urdf(write(tmp_path, CHAIN[0], joint('b', 'near', 'far', kind='continuous',
                                                         inside='')))  # fmt: skip
    assert checked.repairs == ("joint 'b' is continuous: given the range [-pi, pi]",)
    [_, second] = LinkTree.from_urdf(checked.path).joints
    assert second.limits == pytest.approx((-math.pi, math.pi))


def test_a_joint_without_range_is_fixed_where_it_stands_with_those_that_follow(tmp_path):
    parts = (CHAIN[0],
             joint('b', 'near', 'far', inside='<limit lower="0.4" upper="0.4"/>'),
             joint('c', 'far', 'end',
                   inside=LIMIT + '<mimic joint="b" multiplier="2"/>'))  # fmt: skip
    path = write(tmp_path, *parts, links=('palm', 'near', 'far', 'end'))
    checked = check_urdf(path)
    assert len(checked.repairs) == 2
    assert "joint 'b' has no range (0.4 to 0.4): taken as fixed" in checked.repairs
    tree = LinkTree.from_urdf(checked.path)
    assert tree.movable == ('a',)
    original = LinkTree.from_urdf(path)
    expected = original.link_poses({'a': 0.3, 'b': 0.4, 'c': 0.8})
    for link, pose in tree.link_poses({'a': 0.3}).items():
        np.testing.assert_allclose(pose, expected[link], atol=1e-12)


def test_packages_are_found_by_variable_and_in_folders_above(tmp_path, monkeypatch):
    meshes = tmp_path / 'ws' / 'share' / 'my_hand' / 'meshes'
    meshes.mkdir(parents=True)
    trimesh.creation.box([0.02, 0.02, 0.05]).export(meshes / 'box.stl')
    shape = '<collision><geometry><mesh filename="package://my_hand/meshes/box.stl"/></geometry>'
    above = write(meshes.parent, *CHAIN, shape=shape + '</collision>')
    elsewhere = write(tmp_path, *CHAIN, shape=shape + '</collision>')
    assert len(collision_hulls(check_urdf(above).path, ('far',))['far']) == 1
    with pytest.raises(ConfigurationError, match='missing'):
        check_urdf(elsewhere)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'ws'))
    assert str(meshes / 'box.stl') in check_urdf(elsewhere).path.read_text()
    monkeypatch.delenv('AMENT_PREFIX_PATH')
    monkeypatch.setenv('ROS_PACKAGE_PATH', str(tmp_path / 'ws' / 'share'))
    assert str(meshes / 'box.stl') in check_urdf(elsewhere).path.read_text()


@pytest.mark.parametrize('form', ['{0}', 'file://{0}'])
def test_absolute_and_file_paths(tmp_path, form):
    mesh = tmp_path / 'box.stl'
    trimesh.creation.box([0.02, 0.02, 0.05]).export(mesh)
    shape = f'<collision><geometry><mesh filename="{form.format(mesh)}"/></geometry></collision>'
    checked = check_urdf(write(tmp_path, *CHAIN, shape=shape))
    assert len(collision_hulls(checked.path, ('palm',))['palm']) == 1


@pytest.mark.parametrize('content', [b'', b'solid nothing\nendsolid nothing\n', b'\x00' * 40])
def test_a_mesh_without_volume_is_named_with_its_link(tmp_path, content):
    (tmp_path / 'flat.stl').write_bytes(content)
    shape = '<collision><geometry><mesh filename="flat.stl"/></geometry></collision>'
    checked = check_urdf(write(tmp_path, *CHAIN, shape=shape))
    with pytest.raises(ConfigurationError, match=r"link 'palm': collision mesh .*flat\.stl"):
        collision_hulls(checked.path, ('palm',))


def test_a_xacro_file_without_the_tool_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    path = write(tmp_path, *CHAIN, name='hand.xacro')
    with pytest.raises(ConfigurationError, match="needs the tool 'xacro', which is not installed"):
        check_urdf(path)


def test_a_xacro_file_is_expanded_by_the_tool(tmp_path, monkeypatch):
    tool = tmp_path / 'bin' / 'xacro'
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\n/bin/cat "$1"\n')
    tool.chmod(0o755)
    monkeypatch.setenv('PATH', str(tool.parent))
    checked = check_urdf(write(tmp_path, *CHAIN, name='hand.xacro'))
    assert LinkTree.from_urdf(checked.path).movable == ('a', 'b')
    tool.write_text('#!/bin/sh\necho no such macro >&2\nexit 2\n')
    with pytest.raises(ConfigurationError, match='xacro failed: no such macro'):
        check_urdf(write(tmp_path, *CHAIN, name='other.xacro'))


def test_frames_are_added_where_the_model_lacks_them(tmp_path):
    path = write(tmp_path, *CHAIN)
    frames = (ExtraFrame('tip', 'far', (0.0, 0.0, 0.03)), ExtraFrame('near', 'far', (1.0, 0, 0)))
    tree = LinkTree.from_urdf(check_urdf(path, frames).path)
    poses = tree.link_poses({})
    np.testing.assert_allclose(poses['tip'][:3, 3], [0, 0, 0.13], atol=1e-12)
    with pytest.raises(ConfigurationError, match="fixed to link 'thumb', which is not in the file"):
        check_urdf(path, (ExtraFrame('tip', 'thumb', (0.0, 0.0, 0.0)),))
