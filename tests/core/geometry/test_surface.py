"""Normals, sampled points and distances of surfaces against balls and boxes."""

import numpy as np
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from dex1b_core.geometry.random_shapes import random_shape
from dex1b_core.geometry.shapes import shape_parts
from dex1b_core.geometry.solids import Solid, fuse
from dex1b_core.geometry.surface import (
    exact_signed_distance,
    face_normals,
    sample_surface,
    surface_distance,
    vertex_normals,
)

SPHERE = trimesh.creation.icosphere(subdivisions=4, radius=0.04)
BALL = Solid(np.asarray(SPHERE.vertices), np.asarray(SPHERE.faces))
HALF = np.array([0.03, 0.0225, 0.0475])
BOX = fuse(shape_parts('box'))


def box_distance(points):
    beyond = np.abs(points) - HALF
    return np.linalg.norm(np.maximum(beyond, 0), axis=-1) + np.minimum(beyond.max(axis=-1), 0)


def test_normals_of_a_ball_look_outwards():
    np.testing.assert_allclose(vertex_normals(BALL), BALL.vertices / 0.04, atol=3e-3)
    middles = BALL.vertices[BALL.faces].mean(axis=1)
    assert (face_normals(BALL) * middles).sum(axis=1).min() > 0.039


def test_the_normals_of_a_corner_do_not_depend_on_its_triangles():
    mesh = trimesh.creation.box()
    cube = Solid(np.asarray(mesh.vertices), np.asarray(mesh.faces))
    np.testing.assert_allclose(vertex_normals(cube), cube.vertices / np.sqrt(0.75), atol=1e-9)


def test_a_face_without_area_has_no_normal():
    assert (face_normals(Solid(np.zeros((3, 3)), np.array([[0, 1, 2]]))) == 0).all()


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_samples_lie_on_their_faces_with_their_normals(seed):
    drawn = sample_surface(BOX, 300, seed=seed)
    np.testing.assert_allclose(box_distance(drawn.points), 0.0, atol=1e-5)
    np.testing.assert_allclose(drawn.normals, face_normals(BOX)[drawn.faces], atol=1e-9)
    outside = exact_signed_distance(BOX, drawn.points + 0.002 * drawn.normals)
    np.testing.assert_allclose(outside, 0.002, atol=1e-5)


def test_samples_are_spread_by_area_and_repeat_with_their_seed():
    first, again = sample_surface(BOX, 20000, seed=3), sample_surface(BOX, 20000, seed=3)
    np.testing.assert_array_equal(first.points, again.points)
    assert (first.points != sample_surface(BOX, 20000, seed=4).points).any()
    sides = 4 * HALF[[1, 0, 0]] * HALF[[2, 2, 1]]
    share = [(np.abs(first.normals[:, axis]) > 0.9).mean() for axis in range(3)]
    np.testing.assert_allclose(share, sides / sides.sum(), atol=0.015)


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_exact_distances_of_a_box_are_those_of_the_formula(seed):
    points = np.random.default_rng(seed).uniform(-0.08, 0.08, (400, 3))
    found = exact_signed_distance(shape_parts('box'), points)
    np.testing.assert_allclose(found, box_distance(points), atol=1e-5)
    np.testing.assert_allclose(surface_distance(BOX, points), np.abs(found), atol=1e-7)


@given(st.integers(0, 200))
@settings(max_examples=10, deadline=None)
def test_exact_distance_of_a_union_is_negative_in_any_part_alone(seed):
    parts = random_shape(seed)
    points = np.random.default_rng(seed).uniform(-0.06, 0.06, (500, 3))
    inside = np.zeros(len(points), dtype=bool)
    for part in parts:
        planes = ConvexHull(part.vertices).equations
        inside |= (points @ planes[:, :3].T + planes[:, 3] < 0.0).all(axis=1)
    distance = exact_signed_distance(parts, points)
    clear = np.abs(distance) > 1e-5
    np.testing.assert_array_equal((distance < 0.0)[clear], inside[clear])
