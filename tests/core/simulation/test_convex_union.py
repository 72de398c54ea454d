"""Depth of points in bodies that are made of convex parts."""

import numpy as np
import pytest

from dex1b_core.geometry.convex_points import box
from dex1b_core.simulation.collision_shape import hull
from dex1b_core.simulation.convex_union import ConvexUnion


def test_depth_in_a_union_ignores_faces_that_parts_share():
    halves = [hull(box([0.04, 0.04, 0.02]) + np.array([0.0, 0.0, z])) for z in (-0.01, 0.01)]
    union = ConvexUnion(halves)
    for depth in (0.0, 0.0005, 0.002, 0.01, 0.02):
        point = np.array([[0.0, 0.0, 0.02 - depth], [1.0, 1.0, 1.0]])
        assert union.depth(point) == pytest.approx(depth, abs=1e-4)
    assert union.depth(np.array([[0.0, 0.0, 0.0201]])) == 0.0
