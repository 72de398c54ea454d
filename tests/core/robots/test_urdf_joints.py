"""Joints without limits or without range."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_file import check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import CHAIN, LIMIT, joint, write

pytestmark = pytest.mark.usefixtures('own_cache')


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
