"""Articulated objects from MJCF files, and doors of robosuite where they are fetched."""

import numpy as np
import pytest

from dex1b_core.articulation import load_articulated
from dex1b_core.asset_packages import find_package, is_complete
from dex1b_core.errors import Dex1bError, ErrorCode

CHEST = """
<mujoco><compiler angle="radian"/>
  <asset><texture name="wood" type="2d" file="missing.png"/><material name="oak" texture="wood"/>
    <mesh name="wedge" vertex="0 0 0  .1 0 0  0 .1 0  0 0 .1"/></asset>
  <worldbody><body name="chest" pos="0 0 .2">
    <geom type="box" size=".2 .2 .02" pos="0 0 -.18" material="oak"/>
    <body name="drawer" pos=".05 0 0" quat=".7071068 0 0 .7071068">
      <joint name="rail" type="slide" axis="0 {way} 0" range="{range}" damping="2" frictionloss=".5"
        stiffness="3"/>
      <geom type="box" size=".1 .1 .05" mass=".4"/>
      <geom name="handle-bar" type="capsule" size=".01 .05" pos="0 -.14 0" mass=".1"/>
      <body name="catch"><geom type="{kind}" {shape} mass=".05"/>{more}</body>
    </body></body></worldbody></mujoco>
"""
PLAIN = {'range': '0 .2', 'way': '-1', 'kind': 'sphere', 'shape': 'size=".02"', 'more': ''}
TURN = '<joint name="turn" axis="0 0 1" range="-1 1"/>'


def written(folder, **changes):
    path = folder / 'chest.xml'
    path.write_text(CHEST.format(**(PLAIN | changes)))
    return str(path)


def test_a_drawer_is_read(tmp_path):
    """In the frame of the world: the drawer's -y is the world's x."""
    target = load_articulated(written(tmp_path))
    assert (len(target.fixed), len(target.moving), target.handle) == (1, 3, (1,))
    assert target.joint.kind == 'prismatic'
    np.testing.assert_allclose(target.joint.axis, [1.0, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(target.joint.origin, [0.05, 0.0, 0.2], atol=1e-6)
    joint = target.joint
    assert (joint.lower, joint.upper, target.start) == (0.0, 0.2, 0.0)
    assert (joint.friction, joint.damping, joint.stiffness) == (0.5, 2.0, 3.0)
    assert target.mass == pytest.approx(0.55)
    bar = target.moving[1].vertices
    middle = 0.5 * (bar.min(axis=0) + bar.max(axis=0))
    np.testing.assert_allclose(middle, [0.19, 0.0, 0.2], atol=1e-3)
    np.testing.assert_allclose(np.ptp(bar, axis=0), [0.02, 0.02, 0.12], atol=1e-3)
    assert target.height == pytest.approx(0.0, abs=1e-6)


def test_a_joint_that_opens_backwards_is_turned_around(tmp_path):
    target = load_articulated(written(tmp_path, range='-.2 0', way='1'))
    assert (target.joint.lower, target.joint.upper) == (0.0, 0.2)
    np.testing.assert_allclose(target.joint.axis, [1.0, 0.0, 0.0], atol=1e-6)


def test_one_of_two_joints_is_chosen_the_other_stays(tmp_path):
    path = written(tmp_path, more=TURN)
    with pytest.raises(Dex1bError, match=r'2 joints: rail,turn; .* as in chest\.xml#NAME'):
        load_articulated(path)
    drawer, catch = (load_articulated(f'{path}#{name}') for name in ('rail', 'turn'))
    assert (len(drawer.moving), len(catch.moving)) == (3, 1)
    assert (catch.joint.kind, catch.start, catch.mass) == ('revolute', 0.0, pytest.approx(0.05))
    assert (drawer.name, catch.name) == ('chest-rail', 'chest-turn')


def test_meshes_are_bodies(tmp_path):
    target = load_articulated(written(tmp_path, kind='mesh', shape='mesh="wedge"'))
    assert len(target.moving) == 3
    assert np.ptp(target.moving[2].vertices, axis=0) == pytest.approx([0.1] * 3, abs=1e-3)


@pytest.mark.parametrize(
    ('changes', 'joint', 'words'),
    [
        ({}, 'lid', "no joint 'lid'; there are: rail"),
        ({'more': '<joint name="turn" type="ball"/>'}, 'turn', 'neither a hinge nor a slide'),
        ({'more': '<joint name="turn"/>'}, 'turn', "'turn' has no limits; expected a range"),
        ({'kind': 'plane', 'shape': 'size="1 1 1"'}, '', 'not a readable MJCF'),
        ({'shape': 'size="soon"'}, '', 'not a readable MJCF'),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, changes, joint, words):
    with pytest.raises(Dex1bError, match=words) as caught:
        load_articulated(f'{written(tmp_path, **changes)}#{joint}')
    assert caught.value.error_code is ErrorCode.INVALID_CONFIGURATION


def test_a_missing_file_is_named():
    with pytest.raises(Dex1bError, match=r'gone\.xml: no such file') as caught:
        load_articulated('gone.xml')
    assert caught.value.error_code is ErrorCode.UNKNOWN_OBJECT


def test_doors_of_robosuite():
    if not is_complete(find_package('robosuite')):
        pytest.skip("needs 'dex1b assets fetch robosuite'")
    door, lock = (load_articulated(f'robosuite:{name}') for name in ('door', 'door-lock'))
    assert (door.travel, lock.travel) == (pytest.approx(0.4), pytest.approx(1.57))
    assert (len(door.moving), len(door.fixed), len(lock.moving)) == (3, 2, 4)
    assert (door.handle, lock.handle) == ((1, 2), (0, 1))
    assert lock.joint.stiffness == 1.0


def test_other_names_are_refused_with_those_there_are():
    with pytest.raises(Dex1bError, match='door, door-lock'):
        load_articulated('robosuite:window')
