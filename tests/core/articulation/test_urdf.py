"""Articulated objects to and from URDF files; files without sense are refused by name."""

from pathlib import Path

import numpy as np
import pytest

from dex1b_core.articulation import load_articulated, write_articulated
from dex1b_core.articulation.generator import CATEGORIES
from dex1b_core.errors import Dex1bError, ErrorCode

DOOR = """
<robot name="door">
  <link name="frame"><collision><origin xyz="0 0 0.5"/>
    <geometry><box size="0.1 0.5 1"/></geometry></collision></link>
  <link name="leaf"><collision><origin xyz="0 0.2 0"/>
    <geometry><box size="0.02 0.4 0.8"/></geometry></collision></link>
  <link name="knob"><inertial><mass value="0.3"/></inertial><collision name="handle">
    <geometry><sphere radius="0.02"/></geometry></collision></link>
  <joint name="hinge" type="{kind}"><origin xyz="0.07 -0.2 0.5" rpy="0 0 {yaw}"/>
    <parent link="frame"/><child link="leaf"/><axis xyz="{axis}"/>{limit}
    <dynamics friction="0.2" damping="0.1"/></joint>
  <joint name="screw" type="fixed"><origin xyz="0.03 0.35 0"/><parent link="leaf"/>
    <child link="knob"/></joint>{more}
</robot>
"""
LIMIT = '<limit lower="0" upper="1.5" effort="1" velocity="1"/>'


def written(folder: Path, **changes: str) -> str:
    values = {'kind': 'revolute', 'yaw': '0', 'axis': '0 0 1', 'limit': LIMIT, 'more': ''}
    path = folder / 'door.urdf'
    path.write_text(DOOR.format(**(values | changes)))
    return str(path)


@pytest.mark.parametrize('category', sorted(CATEGORIES))
def test_generated_objects_come_back_from_their_file(tmp_path, category):
    target = load_articulated(f'articulated:{category}-7')
    again = load_articulated(str(write_articulated(tmp_path, target)))
    assert (again.category, again.handle) == (target.category, target.handle)
    for name in ('kind', 'lower', 'upper', 'friction', 'damping'):
        assert getattr(again.joint, name) == getattr(target.joint, name)
    np.testing.assert_allclose(again.joint.axis, target.joint.axis)
    np.testing.assert_allclose(again.joint.origin, target.joint.origin)
    assert again.start == target.start
    assert again.mass == pytest.approx(target.mass)
    for position in (target.start, target.joint.upper):
        solids = again.moving_solid(position), target.moving_solid(position)
        np.testing.assert_allclose(solids[0].centre, solids[1].centre, atol=1e-6)
    np.testing.assert_allclose(again.fixed_solid.extents, target.fixed_solid.extents, atol=1e-6)


def test_a_file_of_boxes_is_read(tmp_path):
    """Links on fixed joints belong to the part; all is in the root link's frame."""
    target = load_articulated(written(tmp_path))
    assert (len(target.fixed), len(target.moving), target.handle) == (1, 2, (1,))
    np.testing.assert_allclose(target.joint.origin, [0.07, -0.2, 0.5])
    np.testing.assert_allclose(target.moving[1].vertices.mean(axis=0), [0.1, 0.15, 0.5], atol=1e-3)
    assert target.mass == pytest.approx(0.3)
    assert (target.start, target.joint.friction, target.joint.damping) == (0.0, 0.2, 0.1)
    assert target.height == pytest.approx(0.0)


def test_turned_joints_have_their_axis_in_the_root_frame(tmp_path):
    target = load_articulated(written(tmp_path, yaw='1.5707963267948966', axis='1 0 0'))
    np.testing.assert_allclose(target.joint.axis, [0.0, 1.0, 0.0], atol=1e-9)


def test_joints_that_open_backwards_are_turned_around(tmp_path):
    limit = '<limit lower="-1.2" upper="0" effort="1" velocity="1"/>'
    target = load_articulated(written(tmp_path, limit=limit))
    assert target.joint.axis.tolist() == [0.0, 0.0, -1.0]
    assert (target.joint.lower, target.joint.upper, target.start) == (0.0, 1.2, 0.0)


SECOND = """<joint name="other" type="prismatic"><parent link="leaf"/><child link="bolt"/>
  <limit lower="0" upper="0.1"/></joint><link name="bolt"/>"""


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'more': SECOND}, r'2 joints that move: hinge \(revolute\), other \(prismatic\)'),
        ({'kind': 'fixed'}, '0 joints that move; expected exactly one'),
        ({'kind': 'continuous'}, "'hinge' is continuous; expected revolute or prismatic"),
        ({'limit': ''}, "'hinge' has no <limit>"),
        ({'limit': '<limit effort="1"/>'}, 'limits nan and nan; expected finite'),
        ({'axis': '0 0 0'}, "axis '0 0 0'; expected a direction"),
        ({'more': '<link name="loose"/>'}, r"root links \['frame', 'loose'\]"),
    ],
)
def test_files_without_sense_are_refused(tmp_path, changes, message):
    with pytest.raises(Dex1bError, match=message) as caught:
        load_articulated(written(tmp_path, **changes))
    assert caught.value.error_code == ErrorCode.INVALID_CONFIGURATION


def test_missing_files_and_meshes_are_named(tmp_path):
    with pytest.raises(Dex1bError, match=r'no such file; expected a URDF') as caught:
        load_articulated(str(tmp_path / 'none.urdf'))
    assert caught.value.error_code == ErrorCode.UNKNOWN_OBJECT
    path = Path(written(tmp_path))
    path.write_text(path.read_text().replace('<sphere radius="0.02"/>', '<mesh filename="k.obj"/>'))
    with pytest.raises(Dex1bError, match=r"link 'knob': mesh 'k.obj' is not there") as caught:
        load_articulated(str(path))
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID


def test_broken_xml_is_refused(tmp_path):
    path = tmp_path / 'broken.urdf'
    path.write_text('<robot')
    with pytest.raises(Dex1bError, match='not a readable URDF'):
        load_articulated(str(path))
