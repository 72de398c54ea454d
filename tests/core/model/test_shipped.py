"""Networks and predictors that ship: each fits its hand, says where it is from, and is small."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.check import ArticulationChecker
from dex1b_core.articulation.learned import (
    LearnedArticulationSynthesizer,
    shipped_articulation_checkpoint,
)
from dex1b_core.articulation.protocol import Reason
from dex1b_core.config import config_folder
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import ModelCard, load_checkpoint, read_card
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.model.success_file import load_predictor
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.urdf_bodies import TreeSource
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

FOLDER = config_folder() / 'checkpoints'
PREDICTORS = sorted(FOLDER.glob('*.success.safetensors'))
OPENERS = sorted(FOLDER.glob('*.articulation.safetensors'))
SHIPPED = sorted(set(FOLDER.glob('*.safetensors')) - {*PREDICTORS, *OPENERS})


def test_the_promised_ones_are_there():
    names = {path.stem for path in SHIPPED}
    assert names == {'ability_right', 'allegro_right', 'inspire_right', 'shadow_right'}
    assert {path.name.partition('.')[0] for path in PREDICTORS} == names | {'leap_right'}
    assert [shipped_articulation_checkpoint('ability_right')] == OPENERS


def require_card(path: Path) -> ModelCard:
    """Of a file that is small and says where it is from."""
    card = read_card(path)
    assert card.hand == path.name.partition('.')[0]
    assert path.stat().st_size < 20e6
    text = path.with_suffix('.md').read_text()
    for word in (f'{card.data["grasps"]} grasps', f'seed {card.seed}', 'dex1b engine run'):
        assert word in text
    return card


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped(path: Path, need_hand):
    require_card(path)
    hand = HandModel(need_hand(path.stem))
    network, _ = load_checkpoint(path, hand)
    cloud = SurfaceSamples.of_model(load_object('shape:cylinder')).full(
        1024, np.random.default_rng(0)
    )
    grasps = GraspSampler(hand, network).sample(cloud, 64, torch.Generator().manual_seed(0))
    # the hand is near: no wrist farther than a hand's length from the 12 cm object
    assert grasps.translation.norm(dim=1).median() < 0.25
    assert (grasps.grasp >= hand.kinematics.lower).all()
    assert (grasps.grasp <= hand.kinematics.upper).all()


@pytest.mark.parametrize('path', OPENERS, ids=lambda path: path.name.partition('.')[0])
def test_shipped_openers(path: Path, need_hand):
    """A training object: the network is told of joints, and its best grasp opens it."""
    card = require_card(path)
    assert card.settings.joint
    hand = HandModel(need_hand(card.hand))
    network, _ = load_checkpoint(path, hand)
    target = load_articulated('articulated:door-left-100')
    samples = SurfaceSamples.of_solid(target.moving_solid(target.start))
    cloud = samples.full(1024, np.random.default_rng(0))
    grasps = LearnedArticulationSynthesizer(hand, network).synthesize(target, cloud, 1, seed=0)
    checker = ArticulationChecker(TreeSource.of_hand(hand.hand), target)
    assert checker.check(grasps, 0).dex1b is Reason.NONE


@pytest.mark.parametrize('path', PREDICTORS, ids=lambda path: path.name.partition('.')[0])
def test_shipped_predictors(path: Path, need_hand):
    """Each fits its hand, beats the line on what it had not seen, and rates a real grasp."""
    name = path.name.partition('.')[0]
    hand = HandModel(need_hand(name))
    predictor, card = load_predictor(path, hand)
    assert card.hand == name
    assert card.report['auc'] > card.report['auc_linear']
    assert path.stat().st_size < 1e6
    assert f'| {name} | {card.report["grasps"]} |' in (FOLDER / 'success.md').read_text()
    target = SeedObject.of_model(load_object('shape:cylinder'))
    settings = seed_settings(30, 5.0).with_excess(1.0)
    found = SeedSynthesizer(hand, settings, predict=predictor).synthesize(target, 4, seed=0)
    assert ((found.score > 0.0) & (found.score < 1.0)).all()
