"""Volume, centre and inertia of objects made of convex parts."""

import numpy as np
import pytest

from dex1b_core.geometry.convex_points import box
from dex1b_core.simulation.collision_shape import hull
from dex1b_core.simulation.mass_properties import principal_axes, union_mass_properties

SIZE = np.array([0.06, 0.04, 0.10])


def test_object_inertia_of_overlapping_parts_counts_nothing_twice():
    whole = union_mass_properties([hull(box(SIZE))])
    half = box(SIZE * [1.0, 1.0, 0.6])
    parts = [hull(half + np.array([0.0, 0.0, 0.02])), hull(half - [0.0, 0.0, 0.02])]
    other = union_mass_properties(parts)
    for field in ('volume', 'centre', 'inertia'):
        one, two = getattr(whole, field), getattr(other, field)
        np.testing.assert_allclose(one, two, rtol=0.02, atol=1e-9)
    assert whole.volume == pytest.approx(SIZE.prod(), rel=0.03)
    np.testing.assert_allclose(whole.centre, 0.0, atol=1e-9)
    expected = np.diag((SIZE**2).sum() - SIZE**2) / 12.0
    np.testing.assert_allclose(whole.inertia, expected, rtol=0.03, atol=1e-9)


def test_principal_axes_are_a_right_handed_frame_of_the_inertia():
    rng = np.random.default_rng(0)
    for _ in range(20):
        root = rng.normal(size=(3, 3))
        inertia = root @ root.T
        moments, axes = principal_axes(inertia)
        np.testing.assert_allclose(axes @ np.diag(moments) @ axes.T, inertia, atol=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1.0)
