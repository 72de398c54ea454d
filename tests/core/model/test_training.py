import dataclasses

import numpy as np
import pytest
import torch

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.device import moved
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.dataset import GraspDataset, draw_batch
from dex1b_core.model.debiasing import point_weights, rare, shares
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.losses import LossWeights
from dex1b_core.model.settings import ModelSettings
from dex1b_core.model.training import TrainingLosses, TrainingSettings, train
from dex1b_core.model.training_process import TrainingProcess

SMALL = ModelSettings(cloud_points=64, encoder=(16, 32), hidden=(64,), latent=8)
SHORT = TrainingSettings(steps=100, objects=2, each=8)


@pytest.fixture(scope='module')
def data(demonstrations, hand):
    return GraspDataset.of(demonstrations, hand)


def trained(data, hand, settings, seed, decoder='flow'):
    torch.manual_seed(seed)
    made = dataclasses.replace(SMALL, decoder=decoder)
    model = DexSimple(made, GraspCode(hand.kinematics).size)
    return model, train(data, hand, model, settings, seed=seed)


@pytest.mark.parametrize('decoder', ['flow', 'variational'])
def test_losses_fall_and_repeat(data, hand, decoder):
    weights = LossWeights(divergence=1e-4)
    settings = dataclasses.replace(SHORT, steps=300, rate=3e-3, weights=weights, geometry='none')
    first, curve = trained(data, hand, settings, 3, decoder)
    again, _ = trained(data, hand, settings, 3, decoder)
    assert curve.step == (50, 100, 150, 200, 250, 300)
    assert curve.losses['reconstruction'][-1] < 0.85 * curve.losses['reconstruction'][0]
    for name, value in first.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name], rtol=0.0, atol=0.0)
    other, _ = trained(data, hand, settings, 4, decoder)
    assert not torch.equal(first.encoder.layers[0].weight, other.encoder.layers[0].weight)


@pytest.mark.parametrize('decoder', ['flow', 'variational'])
def test_every_tensor_is_on_the_models_device(data, hand, decoder):
    """The meta device stands in for a GPU: it refuses tensors of the CPU."""
    made = dataclasses.replace(SMALL, decoder=decoder)
    model = DexSimple(made, GraspCode(hand.kinematics).size).to('meta')
    batch = draw_batch(data, np.random.default_rng(0), objects=2, each=4, points=64, seen=0.5)
    settings = dataclasses.replace(SHORT, geometry='none')  # points are grouped by their numbers
    found = TrainingLosses(model, hand, settings)(moved(batch, 'meta'), torch.Generator())
    assert {loss.device.type for loss in found.values()} == {'meta'}


def test_processes_share_a_batch():
    shares = [TrainingProcess(rank, 3).share(16) for rank in range(3)]
    assert shares == [6, 5, 5]
    with pytest.raises(Dex1bError, match='3 processes for 2 objects in a batch'):
        TrainingProcess(0, 3).share(2)


@pytest.mark.parametrize('geometry', ['points', 'none'])
def test_geometry_can_be_the_papers_or_left_out(data, hand, geometry):
    settings = dataclasses.replace(SHORT, steps=50, geometry=geometry)
    _, curve = trained(data, hand, settings, 0)
    assert ('penetration' in curve.losses) == (geometry == 'points')


def test_objects_and_grasps_turn_together(data):
    """Distances between cloud and hand stay; resting objects turn about the vertical only."""
    batch = draw_batch(data, np.random.default_rng(0), objects=8, each=4, points=64, seen=0.0)
    for row in range(len(batch.cloud)):
        cloud = int(batch.cloud[row])
        back = batch.turns[cloud].T
        place = back @ batch.translation[row]
        gaps = (data.translation - place).norm(dim=1)
        assert gaps.min() < 1e-5
        torch.testing.assert_close(
            back @ batch.rotation[row], data.rotation[int(gaps.argmin())], atol=1e-5, rtol=0.0
        )
        if not torch.isnan(batch.height[cloud]):
            torch.testing.assert_close(
                batch.turns[cloud][2], torch.tensor([0.0, 0.0, 1.0]), atol=1e-6, rtol=0.0
            )


def test_another_hands_data_are_refused(demonstrations, hand):
    other = dataclasses.replace(demonstrations.provenance, joints=('a', 'b'))
    with pytest.raises(Dex1bError, match='for joints a, b; expected those of'):
        GraspDataset.of(dataclasses.replace(demonstrations, provenance=other), hand)


def test_nothing_that_held_is_said(demonstrations, hand):
    with pytest.raises(Dex1bError, match='none of 0 grasps held'):
        GraspDataset.of(demonstrations.select(np.zeros(30, dtype=bool)), hand)


def test_one_side_is_seen():
    """Of a sphere from +z: nothing of the lower half, noise along the ray."""
    rng = np.random.default_rng(0)
    random = rng.normal(size=(4096, 3))
    normals = random / np.linalg.norm(random, axis=1, keepdims=True)
    samples = SurfaceSamples(0.05 * normals, normals)
    cloud = samples.seen(500, rng, np.array([0.0, 0.0, 1.0])).numpy()
    assert cloud.shape == (500, 3)
    assert cloud[:, 2].min() > -0.006
    assert np.linalg.norm(cloud, axis=1).std() > 1e-4
    full = samples.full(500, rng).numpy()
    assert full[:, 2].min() < -0.04
    assert len(samples.full(9000, rng)) == 9000


def test_hidden_points_are_not_seen():
    """A plate before a plate."""
    grid = np.stack(np.meshgrid(np.linspace(-0.03, 0.03, 40), np.linspace(-0.03, 0.03, 40)), -1)
    plate = np.c_[grid.reshape(-1, 2), np.zeros(1600)]
    samples = SurfaceSamples(
        np.concatenate([plate, plate + np.array([0.0, 0.0, 0.05])]),
        np.tile([0.0, 0.0, 1.0], (3200, 1)),
    )
    cloud = samples.seen(400, np.random.default_rng(0), np.array([0.0, 0.0, 1.0]))
    assert cloud[:, 2].min() > 0.04


def test_weights_fall_with_grasps_nearby():
    cloud = torch.tensor([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
    near = torch.tensor([[0.001, 0.0, 0.0]] * 3)
    assert point_weights(cloud, near).tolist() == [0.25, 1.0]
    assert point_weights(cloud, torch.zeros(0, 3)).tolist() == [1.0, 1.0]


def test_rare_objects_get_more():
    """Mean 10: weights 1/10 and 1/30."""
    assert shares({'never': 0, 'often': 20}, 80) == {'never': 60, 'often': 20}
    assert sum(shares({'a': 1, 'b': 2, 'c': 3}, 100).values()) == 100
    drawn = [rare({'never': 0, 'often': 20}, 1, np.random.default_rng(s))[0] for s in range(400)]
    assert 0.68 < np.mean([name == 'never' for name in drawn]) < 0.82
    assert rare({'a': 0, 'b': 5}, 7, np.random.default_rng(0)) == ['a', 'b']
