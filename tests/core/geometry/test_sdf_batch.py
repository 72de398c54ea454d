"""Packed distance grids against the truth and against the plain grid."""

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch

RADIUS = 0.04


@pytest.fixture(scope='module')
def grids():
    meshes = (trimesh.creation.icosphere(4, RADIUS), trimesh.creation.box((0.06, 0.08, 0.10)))
    return [build_sdf(np.asarray(mesh.vertices), np.asarray(mesh.faces)) for mesh in meshes]


def points_near(count, batch):
    generator = torch.Generator().manual_seed(0)
    direction = torch.nn.functional.normalize(torch.randn(count, 3, batch, generator=generator), 1)
    return direction * (0.025 + 0.03 * torch.rand(count, 1, batch, generator=generator))


def test_each_grasp_reads_its_own_object(grids):
    points = points_near(40, 6)
    objects = torch.tensor([0, 1, 0, 1, 1, 0])
    batch = SdfBatch.build(grids, objects)
    nearest, (smooth, _) = batch.distance(points), batch.surface(points)
    for column, index in enumerate(objects.tolist()):
        expected = grids[index].query(points[:, :, column])[0]
        torch.testing.assert_close(smooth[:, column], expected, atol=1e-4, rtol=0.0)
        torch.testing.assert_close(nearest[:, column], expected, atol=1.5e-3, rtol=0.0)


def test_sphere_is_met_within_a_tenth_of_a_cell(grids):
    points = points_near(200, 3)
    batch = SdfBatch.build(grids, torch.zeros(3, dtype=torch.int64))
    truth = points.norm(dim=1) - RADIUS
    assert (batch.distance(points) - truth).abs().max() < 3e-4
    distance, normal = batch.surface(points)
    assert (distance - truth).abs().max() < 3e-4
    radial = torch.nn.functional.normalize(points, dim=1)
    assert (normal * radial).sum(dim=1).min() > 0.999


def test_gradients_are_the_normals(grids):
    points = points_near(50, 2).requires_grad_()
    batch = SdfBatch.build(grids, torch.zeros(2, dtype=torch.int64))
    (slope,) = torch.autograd.grad(batch.distance(points).sum(), points)
    radial = torch.nn.functional.normalize(points.detach(), dim=1)
    assert ((slope - radial).norm(dim=1) < 0.1).all()
    (bend,) = torch.autograd.grad(batch.surface(points)[1][:, 0].sum(), points)
    step = torch.zeros_like(points)
    step[:, 1] = 1e-4
    with torch.no_grad():
        ends = [batch.surface(points + sign * step)[1][:, 0] for sign in (1.0, -1.0)]
    finite = (ends[0] - ends[1]) / 2e-4
    assert ((bend[:, 1] - finite).abs() < 1.0).float().mean() > 0.95  # of up to 1 / RADIUS = 25


def test_far_outside_the_grid_distances_keep_growing(grids):
    batch = SdfBatch.build(grids, torch.zeros(1, dtype=torch.int64))
    far = torch.tensor([[0.1, 0.0, 0.0], [0.2, 0.0, 0.0]])[..., None]
    near, further = batch.distance(far)[:, 0].tolist()
    assert near == pytest.approx(0.1 - RADIUS, abs=2e-3)
    assert further == pytest.approx(0.2 - RADIUS, abs=2e-3)
