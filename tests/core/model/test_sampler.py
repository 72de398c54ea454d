import pytest
import torch

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.model.settings import ModelSettings

SMALL = ModelSettings(cloud_points=64, encoder=(8, 16), hidden=(16,), latent=4)


@pytest.fixture(scope='module')
def sampler(hand):
    torch.manual_seed(0)
    return GraspSampler(hand, DexSimple(SMALL, GraspCode(hand.kinematics).size).eval())


@pytest.fixture
def cloud():
    return 0.05 * torch.randn((200, 3), generator=torch.Generator().manual_seed(0))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_gives_the_same_grasps(sampler, cloud):
    first, again = (sampler.sample(cloud, 20, seeded()) for _ in range(2))
    torch.testing.assert_close(first.translation, again.translation, rtol=0.0, atol=0.0)
    assert not torch.equal(first.translation, sampler.sample(cloud, 20, seeded(1)).translation)
    assert len(first) == 20


def test_grasps_move_with_the_cloud(sampler, cloud):
    shift = torch.tensor([0.3, -0.2, 0.5])
    here, there = sampler.sample(cloud, 8, seeded()), sampler.sample(cloud + shift, 8, seeded())
    torch.testing.assert_close(there.translation, here.translation + shift, atol=1e-4, rtol=0.0)
    torch.testing.assert_close(there.rotation, here.rotation, atol=1e-4, rtol=0.0)


def test_conditions_are_taken(sampler, cloud):
    plain = sampler.sample(cloud, 8, seeded())
    weights = torch.zeros(200)
    weights[3] = 1.0
    for told in (
        {'plane': torch.tensor([0.0, 0.0, 1.0, 0.1])},
        {'heading': torch.tensor([0.0, 0.0, -1.0])},
        {'weights': weights + 1e-6},
    ):
        assert not torch.allclose(
            sampler.sample(cloud, 8, seeded(), **told).translation, plain.translation
        )


def test_temperature_scales_the_spread(sampler, cloud):
    spread = [
        sampler.sample(cloud, 64, seeded(), temperature=t, each=64).translation.std(dim=0).sum()
        for t in (0.0, 0.5, 1.0)
    ]
    assert spread[0] < 1e-6  # all about one point, without noise
    assert spread[0] < spread[1] < spread[2]


@pytest.mark.parametrize(
    ('cloud', 'code', 'words'),
    [
        (torch.zeros(3, 3), ErrorCode.TOO_FEW_POINTS, '3 points on the object; expected at least'),
        (torch.zeros(50, 2), ErrorCode.INVALID_REQUEST, 'shape'),
        (torch.full((50, 3), torch.nan), ErrorCode.INVALID_REQUEST, 'not finite'),
        (100.0 * torch.rand(50, 3), ErrorCode.INVALID_REQUEST, 'looks like millimetres'),
        (1.5 * torch.rand(500, 3), ErrorCode.INVALID_REQUEST, 'segment one object'),
    ],
)
def test_odd_clouds_are_named(sampler, cloud, code, words):
    with pytest.raises(Dex1bError, match=words) as caught:
        sampler.sample(cloud, 4, seeded())
    assert caught.value.error_code == code


def test_far_from_the_origin_is_no_harm(sampler, cloud):
    grasps = sampler.sample(cloud + 20.0, 4, seeded())
    assert torch.isfinite(grasps.translation).all()
    assert (grasps.translation - 20.0).abs().max() < 2.0
