import math

import numpy as np
import pytest
import torch

from dex1b_core.geometry.object_model import load_object
from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.model.dataset import GraspBatchSample
from dex1b_core.model.losses import GeometryLosses, divergence, reconstruction


@pytest.fixture(scope='module')
def sphere():
    model = load_object('shape:sphere')
    return model, build_sdf(model.vertices, model.faces)


def batch_at(hand, sphere, translation, turn=None):
    model, sdf = sphere
    turn = torch.eye(3) if turn is None else turn
    cloud = torch.as_tensor(model.vertices, dtype=torch.float32)
    return GraspBatchSample(
        clouds=cloud[None] @ turn.T,
        cloud=torch.zeros(1, dtype=torch.int64),
        rotation=turn[None],
        translation=(turn @ torch.tensor(translation))[None],
        posture=hand.open_posture[None],
        height=torch.full((1,), torch.nan),
        turns=turn[None],
        sdfs=SdfBatch.build([sdf], torch.zeros(1, dtype=torch.int64)),
    )


def losses(hand, kind, batch):
    return GeometryLosses(hand, kind)(
        batch, batch.rotation, batch.translation, batch.posture, torch.ones(1)
    )


def test_divergence_of_one_dimension():
    """KL(N(1, e^2) || N(0, 1)) = (1 + e^2 - 1 - 2) / 2."""
    found = divergence(torch.tensor([[1.0]]), torch.tensor([[2.0]]))
    assert found.item() == pytest.approx((math.e**2 - 2.0) / 2.0)
    assert divergence(torch.zeros(5, 3), torch.zeros(5, 3)).item() == 0.0


def test_reconstruction_is_a_mean():
    assert reconstruction(torch.zeros(2, 2), torch.tensor([[1.0, 2.0], [0.0, 0.0]])) == 1.25


def test_a_hand_far_away_does_not_penetrate(hand, sphere):
    for kind in ('surface', 'points'):
        penetration, distance = losses(hand, kind, batch_at(hand, sphere, [1.0, 0.0, 0.0]))
        assert penetration.item() == 0.0
        assert distance.item() > 1e5  # each finger some 900 mm away


def test_points_do_not_see_what_is_deep_inside(hand, sphere):
    """A palm in the middle of a large object: every sphere is farther from the surface than its
    radius, so that the paper's loss vanishes where ours is largest."""
    model, _ = sphere
    grown = model.vertices * 10.0
    large = type('Model', (), {'vertices': grown}), build_sdf(grown, model.faces)
    batch = batch_at(hand, large, [0.0, 0.0, 0.0])
    assert losses(hand, 'points', batch)[0].item() == 0.0
    assert losses(hand, 'surface', batch)[0].item() > 1e4


def test_turning_hand_and_object_changes_nothing(hand, sphere):
    angle = 0.7
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0.0],
                         [math.sin(angle), math.cos(angle), 0.0], [0.0, 0.0, 1.0]])  # fmt: skip
    for kind in ('surface', 'points'):
        one = losses(hand, kind, batch_at(hand, sphere, [0.0, 0.0, 0.05]))
        other = losses(hand, kind, batch_at(hand, sphere, [0.0, 0.0, 0.05], turn))
        np.testing.assert_allclose(one, other, rtol=1e-3)


@pytest.mark.parametrize('kind', ['surface', 'points'])
def test_gradients_point_out_of_the_object(hand, sphere, kind):
    batch = batch_at(hand, sphere, [0.0, 0.0, 0.01])
    translation = batch.translation.clone().requires_grad_()
    penetration, distance = GeometryLosses(hand, kind)(
        batch, batch.rotation, translation, batch.posture, torch.ones(1)
    )
    for loss in (penetration, distance):
        (gradient,) = torch.autograd.grad(loss, translation, retain_graph=True)
        step = 1e-5
        with torch.no_grad():
            shifted = GeometryLosses(hand, kind)(
                batch, batch.rotation, translation - step * gradient / gradient.norm(),
                batch.posture, torch.ones(1),
            )[0 if loss is penetration else 1]  # fmt: skip
        assert shifted < loss
