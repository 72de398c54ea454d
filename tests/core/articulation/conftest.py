"""Two jaws and a drawer whose outcome is known, and a real hand."""

import numpy as np
import pytest

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.draft import block
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.geometry.convex import convex_part
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.urdf_bodies import TreeSource

# Jaws along y that open by their joints' positions; they reach to x = 0 from behind (+x).
JAWS_URDF = """
<robot name="jaws">
  <link name="palm"><collision><origin xyz="0.07 0 0"/>
    <geometry><box size="0.02 0.1 0.04"/></geometry></collision></link>
  <link name="left"><collision><origin xyz="0.03 0.01 0"/>
    <geometry><box size="0.06 0.02 0.03"/></geometry></collision></link>
  <link name="right"><collision><origin xyz="0.03 -0.01 0"/>
    <geometry><box size="0.06 0.02 0.03"/></geometry></collision></link>
  <joint name="left_slide" type="prismatic"><parent link="palm"/><child link="left"/>
    <axis xyz="0 1 0"/><limit lower="-0.02" upper="0.05" effort="20" velocity="1"/></joint>
  <joint name="right_slide" type="prismatic"><parent link="palm"/><child link="right"/>
    <axis xyz="0 -1 0"/><limit lower="-0.02" upper="0.05" effort="20" velocity="1"/></joint>
</robot>
"""
HALF = 0.01  # [m] of the handle, along y
FRONT = 0.22  # [m] x of the middle of the handle


@pytest.fixture
def jaws(tmp_path):
    path = tmp_path / 'jaws.urdf'
    path.write_text(JAWS_URDF)
    return TreeSource(path, 'palm', ('left_slide', 'right_slide'))


def drawer(kind='prismatic', friction=1.0, damping=2.0):
    """A board before a box with an upright handle; the same as a door about z, 0.2 m to a side."""
    moving = block([0.101, -0.1, 0.05], [0.12, 0.1, 0.25])
    stem = block([0.119, -0.005, 0.14], [FRONT, 0.005, 0.16])
    handle = block([FRONT - 0.01, -HALF, 0.10], [FRONT + 0.01, HALF, 0.20])
    fixed = block([-0.1, -0.1, 0.0], [0.1, 0.1, 0.3])
    slides = kind == 'prismatic'
    joint = ObjectJoint(
        kind,
        np.array([1.0, 0.0, 0.0] if slides else [0.0, 0.0, 1.0]),
        np.array([0.1, 0.2, 0.0]),
        0.0,
        0.25 if slides else 1.2,
        friction,
        damping,
    )
    parts = tuple(convex_part(part) for part in (moving, stem, handle))
    return ArticulatedObject('known', 'known', parts, (convex_part(fixed),), joint, 0.0, 0.3, (2,))


def pinch(*, opened=0.02, squeeze=0.02, shift=(0.0, 0.0, 0.0)):
    """Jaws on both sides of the handle that come and go along x; one or two rows per jaw."""
    pose = np.eye(4)
    pose[:3, 3] = np.array([FRONT - 0.01, 0.0, 0.15]) + shift
    rows = [np.array([[value, value]]) for value in (HALF + opened, HALF + 0.001, HALF - squeeze)]
    return ArticulationGrasps(
        'jaws',
        ('left_slide', 'right_slide'),
        pose[None],
        *rows,
        np.array([[1.0, 0.0, 0.0]]),
        np.ones(1),
        np.zeros((1, 1)),
    )


@pytest.fixture(scope='session')
def hand(need_hand):
    return HandModel(need_hand('ability_right'))
