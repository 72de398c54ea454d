import dataclasses

import pytest
import torch

from dex1b_core.errors import ConfigurationError
from dex1b_core.model.dexsimple import Conditions, DexSimple, PointEncoder
from dex1b_core.model.settings import PAPER, ModelSettings

SMALL = ModelSettings(encoder=(8, 16), hidden=(16,), latent=4)


def conditions(count, heading=None, height=float('nan')):
    told = torch.zeros(count, 3) if heading is None else heading.expand(count, 3)
    zeros = torch.zeros(count, dtype=torch.int64)
    return Conditions(zeros, zeros, told, torch.full((count,), height))


def test_the_whole_does_not_depend_on_the_order_of_points_or_the_place():
    torch.manual_seed(0)
    encoder, cloud = PointEncoder((8, 16)), torch.randn(1, 50, 3)
    whole = encoder(cloud).whole
    torch.testing.assert_close(encoder(cloud[:, torch.randperm(50)]).whole, whole)
    moved = encoder(cloud + torch.tensor([0.3, -0.2, 0.1]))
    torch.testing.assert_close(moved.whole, whole, atol=1e-4, rtol=1e-4)


def test_paper_has_the_sizes_of_table_vi():
    model = DexSimple(PAPER, 25)
    widths = [
        layer.out_features for layer in model.encoder.layers if hasattr(layer, 'out_features')
    ]
    assert widths == [64, 128, 1024, 256]
    assert model.decoder.decoder_net[0].in_features == 256 + 2 * 256  # latent, object and point
    layers = [layer for layer in model.decoder.decoder_net if hasattr(layer, 'weight')]
    assert [layer.out_features for layer in layers] == [256, 512, 256, 25]


@pytest.mark.parametrize('name', ['point_position', 'heading', 'table'])
def test_each_condition_can_be_left_out(name):
    torch.manual_seed(0)
    clouds = torch.randn(1, 20, 3)
    own = conditions(3, torch.tensor([0.0, 0.0, 1.0]), 0.1)
    model = DexSimple(SMALL, 12)
    less = DexSimple(dataclasses.replace(SMALL, **{name: False}), 12)
    widths = [m.condition(m.encoder(clouds), own).shape[1] for m in (model, less)]
    assert widths[0] > widths[1]
    drawn = less.decoder.sample(less.condition(less.encoder(clouds), own), torch.Generator())
    assert drawn.shape == (3, 12)


def test_heading_and_table_matter():
    torch.manual_seed(0)
    model = DexSimple(SMALL, 12)
    features = model.encoder(torch.randn(1, 20, 3))
    made = [
        model.decoder.sample(model.condition(features, own), torch.Generator().manual_seed(0))
        for own in (conditions(1), conditions(1, torch.tensor([0.0, 0.0, 1.0])),
                    conditions(1, height=0.1), conditions(1, height=0.0))
    ]  # fmt: skip
    for one in range(4):
        for other in range(one):
            assert not torch.allclose(made[one], made[other])


def test_settings_survive_json_and_refuse_others():
    assert ModelSettings.from_dict(PAPER.to_dict()) == PAPER
    with pytest.raises(ConfigurationError, match=r"keys \['depth'\]; this version expects"):
        ModelSettings.from_dict({'depth': 3})
