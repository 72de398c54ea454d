"""Scenes of balls and a table against formulas."""

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane, from_rpy
from dex1b_core.geometry.scene_sdf import PlacedBody, SceneSdf
from dex1b_core.geometry.sdf import build_sdf

UP = Plane(np.array([0.0, 0.0, 1.0]), 0.0)
RADIUS = 0.03
CENTRES = np.array([[0.0, 0.0, 0.03], [0.04, 0.0, 0.028]])


@pytest.fixture(scope='module')
def scene():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=RADIUS)
    grid = build_sdf(np.asarray(ball.vertices), np.asarray(ball.faces))
    poses = [from_rpy(centre, [0.3, 0.2, index]) for index, centre in enumerate(CENTRES)]
    bodies = [PlacedBody.at(name, grid, pose) for name, pose in zip('ab', poses, strict=True)]
    return SceneSdf.of(bodies, UP)


def truth(points):
    balls = np.linalg.norm(points[:, None] - CENTRES, axis=-1) - RADIUS
    return np.concatenate([balls, points[:, 2:]], axis=1)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_the_deepest_penetration_counts(scene, seed):
    points = np.random.default_rng(seed).uniform(-0.06, 0.08, (200, 3))
    expected = truth(points)
    tensor = torch.as_tensor(points, dtype=torch.float32)
    near = expected.min(axis=1) < 0.025  # farther out a grid extrapolates
    np.testing.assert_allclose(scene.distance(tensor)[near], expected.min(axis=1)[near], atol=1e-3)
    ordered = np.sort(expected, axis=1)
    clear = near & (ordered[:, 1] - ordered[:, 0] > 3e-3)
    np.testing.assert_array_equal(
        scene.nearest(tensor).numpy()[clear], expected.argmin(axis=1)[clear]
    )


def test_a_point_under_the_table_and_in_a_ball_is_as_deep_as_the_deeper():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=RADIUS)
    grid = build_sdf(np.asarray(ball.vertices), np.asarray(ball.faces))
    scene = SceneSdf.of([PlacedBody.at('sunk', grid, np.eye(4))], UP)
    points = torch.tensor([[0.0, 0.0, -0.005], [0.0, 0.0, -0.028], [0.0, 0.0, 0.02]])
    expected = [-0.025, -0.028, -0.010]
    np.testing.assert_allclose(scene.distance(points), expected, atol=1e-3)
    assert [scene.names[i] for i in scene.nearest(points)] == ['sunk', 'support', 'sunk']


def test_gradients_point_away_from_what_is_nearest(scene):
    points = torch.tensor([[-0.05, 0.0, 0.03], [0.04, 0.0, 0.07], [0.1, 0.1, 0.01]])
    distance, gradient = scene.distance_and_gradient(points)
    expected = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 0, 1]])
    np.testing.assert_allclose(gradient, expected, atol=0.05)
    assert not distance.requires_grad
    step = 1e-3
    moved = scene.distance(points + step * gradient)
    np.testing.assert_allclose((moved - distance) / step, 1.0, atol=0.1)


def test_shapes_of_points_are_kept(scene):
    points = torch.zeros(2, 5, 3)
    assert scene.distance(points).shape == (2, 5)
    assert scene.distances(points).shape == (3, 2, 5)
    assert scene.names == ('a', 'b', 'support')


def test_bad_scenes_are_refused(scene):
    with pytest.raises(Dex1bError, match='empty') as caught:
        SceneSdf.of([])
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST
    with pytest.raises(Dex1bError, match='unit normal') as caught:
        SceneSdf.of([], Plane(np.array([0.0, 0, 2]), 0.0))
    assert caught.value.error_code == ErrorCode.NO_PLANE
    with pytest.raises(Dex1bError, match='rigid'):
        PlacedBody.at('a', scene.bodies[0].sdf, 2 * np.eye(4))
