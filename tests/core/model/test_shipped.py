"""Networks and predictors that ship: each fits its hand, says where it is from, and is small."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dex1b_core.config import config_folder
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import load_checkpoint, read_card
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.model.success_file import load_predictor
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

FOLDER = config_folder() / 'checkpoints'
PREDICTORS = sorted(FOLDER.glob('*.success.safetensors'))
SHIPPED = sorted(set(FOLDER.glob('*.safetensors')) - set(PREDICTORS))


def test_the_promised_ones_are_there():
    names = {path.stem for path in SHIPPED}
    assert names == {'ability_right', 'allegro_right', 'inspire_right', 'shadow_right'}
    assert {path.name.partition('.')[0] for path in PREDICTORS} == names | {'leap_right'}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped(path: Path, need_hand):
    card = read_card(path)
    assert card.hand == path.stem
    assert path.stat().st_size < 20e6
    text = path.with_suffix('.md').read_text()
    for word in (f'{card.data["grasps"]} grasps', f'seed {card.seed}', 'dex1b engine run'):
        assert word in text
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
