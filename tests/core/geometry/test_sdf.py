"""Voxel distance against analytic bodies; meshes that are no bodies."""

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.sdf import build_sdf


def sdf_of(mesh, **options):
    return build_sdf(np.asarray(mesh.vertices), np.asarray(mesh.faces), **options)


@pytest.fixture(scope='module')
def ball():
    return sdf_of(trimesh.creation.icosphere(subdivisions=4, radius=0.04))


def points_around(count=500, size=0.06):
    generator = torch.Generator().manual_seed(0)
    return size * (2.0 * torch.rand(count, 3, generator=generator) - 1.0)


def test_distance_and_normal_of_a_ball(ball):
    points = points_around()
    distance, normal = ball.query(points)
    torch.testing.assert_close(distance, points.norm(dim=-1) - 0.04, atol=8e-4, rtol=0)
    away = points.norm(dim=-1) > 0.01
    cosine = (normal * torch.nn.functional.normalize(points, dim=-1)).sum(-1)
    assert cosine[away].min() > 0.99
    torch.testing.assert_close(ball.distance(points), distance)


def test_gradient_is_the_normal_and_fits_finite_differences(ball):
    points = points_around(50).requires_grad_()
    ball.distance(points).sum().backward()
    step = 5e-4 * torch.eye(3)
    with torch.no_grad():
        numeric = torch.stack(
            [(ball.distance(points + s) - ball.distance(points - s)) / 1e-3 for s in step], dim=-1
        )
    outside = points.norm(dim=-1) > 0.015
    torch.testing.assert_close(points.grad[outside], numeric[outside], atol=0.1, rtol=0)


def test_outside_the_grid_the_distance_grows_outwards(ball):
    points = torch.tensor([[0.2, 0.0, 0.0], [0.0, 0.0, -0.5]]).requires_grad_()
    distance = ball.distance(points)
    torch.testing.assert_close(distance, torch.tensor([0.16, 0.46]), atol=1e-3, rtol=0)
    distance.sum().backward()
    torch.testing.assert_close(
        points.grad, torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]), atol=1e-3, rtol=0
    )


def test_overlapping_parts_count_as_their_union():
    boxes = [trimesh.creation.box([0.06, 0.02, 0.02]), trimesh.creation.box([0.02, 0.06, 0.02])]
    union = sdf_of(trimesh.util.concatenate(boxes))
    inside = torch.tensor([[0.0, 0.0, 0.0], [0.025, 0.0, 0.0], [0.0, 0.025, 0.0]])
    assert (union.distance(inside) < -0.004).all()
    assert union.distance(torch.tensor([[0.025, 0.025, 0.0]])).item() > 0.01


def test_bodies_that_touch_along_an_edge_are_closed():
    boxes = [trimesh.creation.box([0.02, 0.02, 0.02]) for _ in range(2)]
    boxes[1].apply_translation([0.02, 0.02, 0.0])
    joined = trimesh.util.concatenate(boxes)
    joined.merge_vertices()
    assert not joined.is_watertight
    distance = sdf_of(joined).distance(torch.tensor([[0.0, 0, 0], [0.02, 0.02, 0], [0.02, 0, 0]]))
    assert distance[0] < -0.008
    assert distance[1] < -0.008
    assert distance[2] > 0.008


BOX = trimesh.creation.box([0.05, 0.05, 0.05])


@pytest.mark.parametrize(
    ('vertices', 'faces', 'text'),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), int), '0 vertices'),
        (BOX.vertices, BOX.faces[:-1], 'not closed'),
        (BOX.vertices * np.nan, BOX.faces, 'finite'),
        (BOX.vertices, BOX.faces + 3, 'indices 3 to 10'),
        (BOX.vertices * [1, 1, 1e-4], BOX.faces, 'volume'),
    ],
)
def test_meshes_that_are_no_bodies(vertices, faces, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        build_sdf(np.asarray(vertices, dtype=float), np.asarray(faces))
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID
