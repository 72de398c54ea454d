"""Predictors of success on made-up verdicts, and on real ones; files that are not what they say."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dex1b_core.data.demonstrations import Demonstrations
from dex1b_core.data.shards import lists
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model import success_file
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.success import SuccessPredictor, SuccessSettings
from dex1b_core.model.success_file import (
    SuccessCard,
    load_predictor,
    prediction_for,
    save_predictor,
)
from dex1b_core.model.success_training import JudgedGrasps, train_success
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.ranking import details_size, predicted_success

SMALL = SuccessSettings(hidden=(16,), folds=3, epochs=20)


@pytest.fixture(scope='module')
def made_up(hand):
    """Verdicts that depend on the product of two measures, which no line can say."""
    generator = torch.Generator().manual_seed(0)
    features = torch.zeros(3000, details_size(len(hand.finger_names)))
    features[:, [20, 30]] = torch.randn(3000, 2, generator=generator)
    chance = torch.sigmoid(4.0 * features[:, 20] * features[:, 30])
    held = (torch.rand(3000, generator=generator) < chance).float()
    return JudgedGrasps(features, held, torch.arange(3000) % 30, torch.rand(3000))


@pytest.fixture(scope='module')
def trained(made_up):
    return train_success(made_up, SMALL, seed=1)


def test_it_learns_what_no_line_can_say_and_is_honest(trained):
    _, report = trained
    assert report.auc > 0.8
    assert report.auc_linear == pytest.approx(0.5, abs=0.05)
    assert report.better_half > 0.7 > report.better_half_linear
    assert report.calibration_error < 0.1
    assert (report.grasps, report.objects) == (3000, 30)


def test_same_seed_same_weights(made_up, trained):
    again, report = train_success(made_up, SMALL, seed=1)
    assert report == trained[1]
    for name, value in trained[0].state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0.0, atol=0.0)


def test_beyond_what_training_has_seen_nothing_changes(made_up, trained):
    model, _ = trained
    edge = torch.where(torch.arange(model.upper.numel()) == 20, model.upper, model.mean)[None]
    far = edge + 1e6 * (torch.arange(model.upper.numel()) == 20)
    torch.testing.assert_close(model.probability(far), model.probability(edge))


@pytest.mark.parametrize('objects', [1, 2])
@pytest.mark.parametrize('verdict', [0, 1])
def test_verdicts_all_alike(hand, verdict, objects):
    features = torch.randn(40, details_size(len(hand.finger_names)))
    held = torch.full((40,), float(verdict))
    data = JudgedGrasps(features, held, torch.arange(40) % objects, torch.rand(40))
    model, report = train_success(data, SMALL, seed=0)
    assert report.auc is None
    assert torch.isfinite(model.calibration).all()
    assert (model.probability(features) - verdict).abs().max() < 0.2


def test_rows_are_measured_whatever_their_verdict(hand, demonstrations):
    judged = JudgedGrasps.of(failing_half(demonstrations), hand)
    assert judged.features.shape == (30, details_size(len(hand.finger_names)))
    assert judged.held.sum() == 16
    assert sorted(set(judged.target.tolist())) == [0, 1]


def failing_half(demonstrations):
    table = demonstrations.table
    place = table.schema.get_field_index('mujoco')
    verdicts = np.arange(len(demonstrations)) % 4 < 2
    changed = table.set_column(
        place, 'mujoco', lists(verdicts[:, None]).flatten().cast(table.schema.field(place).type)
    )
    return Demonstrations(demonstrations.provenance, changed)


def test_no_rows_and_rows_of_another_hand(hand, demonstrations):
    with pytest.raises(Dex1bError, match='no grasp has been judged'):
        JudgedGrasps.of(demonstrations.select(np.zeros(30, dtype=bool)), hand)
    with pytest.raises(Dex1bError, match="'ability_right'; expected those of 'inspire_right'"):
        JudgedGrasps.of(demonstrations, HandModel(load_hand('inspire_right')))


@pytest.fixture
def path(tmp_path, hand, trained):
    model, report = trained
    card = SuccessCard(
        'ability_right', tuple(hand.kinematics.joint_names), SMALL, report.to_dict(), 1
    )
    save_predictor(tmp_path / 'p.success.safetensors', model, card)
    return tmp_path / 'p.success.safetensors'


def test_what_is_saved_is_loaded(path, hand, made_up, trained):
    loaded, card = load_predictor(path, hand)
    assert card.report == trained[1].to_dict()
    probability = loaded.probability(made_up.features)
    torch.testing.assert_close(probability, trained[0].probability(made_up.features))


def test_files_that_are_not_what_they_say(path, tmp_path, hand):
    def refused(file, words, whose=hand):
        with pytest.raises(Dex1bError, match=words) as caught:
            load_predictor(file, whose)
        assert caught.value.error_code == ErrorCode.MODEL_NOT_LOADED

    refused(tmp_path / 'no.safetensors', 'there is no such file')
    refused(path, "for hand 'ability_right'", HandModel(load_hand('inspire_right')))
    with pytest.raises(Dex1bError, match="its format is 'success-1'; expected 'dexsimple-1'"):
        load_checkpoint(path, hand)
    foreign = tmp_path / 'foreign.safetensors'
    save_file({'x': torch.zeros(1)}, foreign)
    refused(foreign, "its format is 'None'")
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, 'truncated')


def test_the_shipped_one_is_taken_and_the_line_where_there_is_none(
    path, tmp_path, hand, monkeypatch
):
    monkeypatch.setattr(success_file, 'config_folder', lambda: tmp_path)
    assert prediction_for(hand) is predicted_success
    (tmp_path / 'checkpoints').mkdir()
    path.rename(tmp_path / 'checkpoints' / 'ability_right.success.safetensors')
    assert isinstance(prediction_for(hand), SuccessPredictor)
