import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model.checkpoint import ModelCard, load_checkpoint, read_card, save_checkpoint
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.model.settings import ModelSettings

SMALL = ModelSettings(cloud_points=64, encoder=(8, 16), hidden=(16,), latent=4)


@pytest.fixture
def model(hand):
    torch.manual_seed(0)
    return DexSimple(SMALL, GraspCode(hand.kinematics).size).eval()


@pytest.fixture
def card(hand):
    joints = tuple(hand.kinematics.joint_names)
    return ModelCard('ability_right', joints, SMALL, {'grasps': 3}, {'steps': 1}, 7)


@pytest.fixture
def path(tmp_path, model, card):
    made = tmp_path / 'deep' / 'network.safetensors'
    save_checkpoint(made, model, card)
    return made


def refused(path, hand, words):
    with pytest.raises(Dex1bError, match=words) as caught:
        load_checkpoint(path, hand)
    assert caught.value.error_code == ErrorCode.MODEL_NOT_LOADED


def test_what_is_saved_is_loaded(path, hand, model, card):
    loaded, found = load_checkpoint(path, hand)
    assert found == card == read_card(path)
    assert not loaded.training
    cloud, generator = torch.rand(100, 3) * 0.1, torch.Generator()
    grasps = [
        GraspSampler(hand, each).sample(cloud, 5, generator.manual_seed(1))
        for each in (model, loaded)
    ]
    torch.testing.assert_close(grasps[0].translation, grasps[1].translation, rtol=0.0, atol=0.0)


def test_missing(tmp_path, hand):
    refused(tmp_path / 'no.safetensors', hand, 'there is no such file')


@pytest.mark.parametrize('keep', [0, 7, 100, -10])
def test_truncated(path, hand, keep):
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, hand, 'truncated or no safetensors')


def test_foreign(tmp_path, hand):
    path = tmp_path / 'other.safetensors'
    save_file({'x': torch.zeros(1)}, path)
    refused(path, hand, "its format is 'None'; expected 'dexsimple-1'")


def test_wrong_hand(tmp_path, model, card, hand):
    path = tmp_path / 'claw.safetensors'
    save_checkpoint(path, model, dataclasses.replace(card, hand='claw', joints=('a',)))
    refused(path, hand, "it is for hand 'claw' with joints a; expected one for")


def test_tensors_of_other_settings(tmp_path, model, card, hand):
    path = tmp_path / 'odd.safetensors'
    settings = dataclasses.replace(SMALL, hidden=(17,))
    save_checkpoint(path, model, dataclasses.replace(card, settings=settings))
    refused(path, hand, 'tensors do not fit its settings')


def test_not_finite(tmp_path, model, card, hand):
    path = tmp_path / 'nan.safetensors'
    with torch.no_grad():
        model.decoder.condition_net.bias[0] = torch.nan
    save_checkpoint(path, model, card)
    refused(path, hand, 'not finite; train it again')
