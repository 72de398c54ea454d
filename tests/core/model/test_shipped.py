"""The networks that ship: each fits its hand, says where it is from, and is small."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dex1b_core.config import config_folder
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import load_checkpoint, read_card
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.robots.hand_model import HandModel

SHIPPED = sorted((config_folder() / 'checkpoints').glob('*.safetensors'))


def test_the_promised_ones_are_there():
    names = {path.stem for path in SHIPPED}
    assert names == {'ability_right', 'allegro_right', 'inspire_right', 'shadow_right'}


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
