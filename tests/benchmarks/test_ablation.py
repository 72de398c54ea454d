"""The measures of an ablation, by hand, and a network on its way through them."""

import math

import pytest
import torch

from benchmarks.ablation import VARIANTS, coverage, result_of, summary, unrefined
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.settings import ModelSettings
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.seed_object import SeedObject


@pytest.fixture(scope='module')
def hand():
    return HandModel(load_hand('ability_right'))


def at(hand, x):
    posture = hand.ready_posture[None]
    return GraspBatch(
        torch.eye(3)[None], torch.tensor([[x, 0.0, 0.0]]), posture, posture, torch.zeros(1, 3)
    )


def test_mean_and_deviation_over_seeds():
    found = summary([{'held': 0.5}, {'held': 0.7}])
    assert found['held'] == pytest.approx((0.6, 0.1 * math.sqrt(2.0)))
    assert summary([{'held': 0.5}])['held'] == (0.5, 0.0)


def test_a_hand_far_away_penetrates_nothing_and_is_far(hand):
    target = SeedObject.of_model(load_object('shape:sphere'))
    depth, gap = unrefined(hand, target, at(hand, 0.5))
    assert depth[0] == 0.0
    assert gap[0] > 0.2
    inside, _ = unrefined(hand, target, at(hand, 0.0))
    assert inside[0] > 0.005


def test_nothing_covers_nothing(hand):
    cloud = 0.05 * torch.nn.functional.normalize(torch.randn(500, 3), dim=1)
    none = at(hand, 0.1).select(torch.zeros(0, dtype=torch.int64))
    assert coverage(hand, cloud, none) == 0.0
    assert 0.0 < coverage(hand, cloud, at(hand, 0.1)) < 0.2


def test_variants_differ_in_what_their_names_say():
    base = VARIANTS['ours']
    assert len({repr(variant) for variant in VARIANTS.values()}) == len(VARIANTS)
    assert VARIANTS['ours without penetration loss'].training.weights.penetration == 0.0
    assert VARIANTS['ours without penetration loss'].model == base.model
    assert VARIANTS['CVAE without distance loss'].model.decoder == 'variational'


def test_a_network_that_knows_nothing(hand):
    torch.manual_seed(0)
    settings = ModelSettings(cloud_points=64, encoder=(8, 16), hidden=(16, 16))
    model = DexSimple(settings, GraspCode(hand.kinematics).size).eval()
    found = result_of(model, hand, 'ability_right', ['shape:box'], 3, 0)
    assert set(found) == {'penetration_mm', 'distance_mm', 'held', 'joint_spread', 'coverage'}
    assert all(math.isfinite(value) for value in found.values())
