"""Meshes that are missing, empty, or named as only ROS does."""

import sys
from pathlib import Path

import pytest
import trimesh

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.robots.urdf_file import check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import BOX, CHAIN, write

pytestmark = pytest.mark.usefixtures('own_cache')


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
