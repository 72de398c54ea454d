"""Volumes, centres and unions against formulas."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.convex_points import (
    box,
    cylinder,
    ellipsoid,
    frustum,
    lathe,
    shifted,
    superquadric,
    turned,
    wall,
)
from dex1b_core.geometry.solids import Solid, bodies, fuse, is_closed, union

CUBE = trimesh.creation.box([0.04, 0.04, 0.04])


def moved_cube(offset):
    return Solid(np.asarray(CUBE.vertices) + offset, np.asarray(CUBE.faces))


@given(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
@settings(max_examples=40, deadline=None)
def test_the_union_of_two_cubes_counts_their_overlap_once(x, y, z):
    shared = np.prod(np.maximum(0.04 - np.abs([x, y, z]), 0.0))
    solid = union([moved_cube([0, 0, 0]), moved_cube([x, y, z])])
    assert is_closed(solid)
    assert solid.volume == pytest.approx(2 * 0.04**3 - shared, rel=1e-3)
    np.testing.assert_allclose(solid.centre, np.array([x, y, z]) / 2, atol=2e-5)


def test_parts_that_touch_become_one_body():
    halves = [convex_part(shifted(box([0.02, 0.04, 0.04]), [x, 0, 0])) for x in (-0.01, 0.01)]
    solid = fuse(halves)
    assert len(bodies(solid)) == 1
    assert len(solid.faces) == 12
    np.testing.assert_allclose(solid.extents, 0.04, atol=1e-5)


def test_parts_with_a_gap_become_one_body_when_asked():
    halves = [convex_part(shifted(box([0.02, 0.04, 0.04]), [x, 0, 0])) for x in (-0.01, 0.0101)]
    assert len(bodies(fuse(halves))) == 2
    assert len(bodies(fuse(halves, gap=1.5e-4))) == 1


def test_surfaces_of_cavities_have_negative_volume():
    faces = np.vstack([CUBE.faces, CUBE.faces[:, ::-1] + 8])
    hollow = Solid(np.vstack([CUBE.vertices, 0.5 * CUBE.vertices]), faces)
    assert hollow.volume == pytest.approx(0.04**3 * (1 - 1 / 8))
    assert [np.sign(body.volume) for body in bodies(hollow)] == [1, -1]


def test_an_open_mesh_is_no_solid():
    assert not is_closed(Solid(np.asarray(CUBE.vertices), np.asarray(CUBE.faces[1:])))
    with pytest.raises(Dex1bError, match='body 1 of 11 faces is not closed'):
        union([CUBE, Solid(np.asarray(CUBE.vertices), np.asarray(CUBE.faces[1:]))])
    with pytest.raises(Dex1bError, match='no volume'):
        fuse([])


def test_bodies_have_the_volumes_of_their_formulas():
    pi = np.pi
    assert convex_part(box([1, 2, 3])).volume == pytest.approx(6)
    assert convex_part(cylinder(1, 2, sides=6)).volume == pytest.approx(3 * np.sqrt(3))
    assert convex_part(frustum(2, 1, 3)).volume == pytest.approx(pi * 7, rel=0.01)
    assert convex_part(ellipsoid([1, 2, 3])).volume == pytest.approx(8 * pi, rel=0.06)
    assert convex_part(superquadric([1, 1, 1], 1, 1)).volume == pytest.approx(4 / 3 * pi, rel=0.08)
    assert convex_part(superquadric([1, 1, 1], 0.05, 0.05)).volume > 7.2
    # the superellipsoid with both exponents 2 is an octahedron
    assert convex_part(superquadric([1, 1, 1], 2, 2, count=13)).volume <= 4 / 3 + 1e-9
    stacked = fuse([convex_part(0.01 * points) for points in lathe([1, 2, 1], [0, 3, 6])])
    assert stacked.volume == pytest.approx(14 * pi * 1e-6, rel=0.01)


def test_a_wall_is_a_tube():
    segments = wall([[0.03, 0], [0.04, 0], [0.04, 0.05], [0.03, 0.05]], 24)
    solid = fuse([convex_part(points) for points in segments])
    assert len(segments) == 24
    assert len(bodies(solid)) == 1
    assert solid.volume == pytest.approx(np.pi * (0.04**2 - 0.03**2) * 0.05, rel=0.03)


@pytest.mark.parametrize(
    ('axis', 'expected'), [('x', [1, -3, 2]), ('y', [3, 2, -1]), ('z', [-2, 1, 3])]
)
def test_turning_is_right_handed(axis, expected):
    np.testing.assert_allclose(turned(np.array([[1.0, 2.0, 3.0]]), axis, 90)[0], expected)
