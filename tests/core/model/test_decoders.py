"""Decoders alone: on codes of which the distribution is known."""

import pytest
import torch

from dex1b_core.model.flow import FlowDecoder
from dex1b_core.model.settings import ModelSettings
from dex1b_core.model.variational import VariationalDecoder

SETTINGS = ModelSettings(hidden=(64, 64), latent=4)
MODES = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])


def fitted(decoder, weight, steps=1500):
    """On two modes along x, moved along y by the condition."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=2e-3)
    for _ in range(steps):
        condition = torch.rand(128, 1, generator=generator)
        code = MODES[torch.randint(2, (128,), generator=generator)].clone()
        code[:, 1] += condition[:, 0]
        fit = decoder.fit(code, condition, generator)
        total = sum(weight.get(name, 1.0) * loss for name, loss in fit.losses.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return decoder


@pytest.fixture(scope='module')
def flow():
    torch.manual_seed(0)
    return fitted(FlowDecoder(SETTINGS, 1, 2), {})


def test_the_flow_finds_both_modes_and_follows_the_condition(flow):
    with torch.no_grad():
        made = flow.sample(torch.full((400, 1), 0.5), torch.Generator().manual_seed(1))
    near = (made[:, :1].abs() - 1.0).abs() < 0.25
    assert near.float().mean() > 0.85
    assert 0.35 < (made[:, 0] > 0.0).float().mean() < 0.65
    assert made[:, 1].mean() == pytest.approx(0.5, abs=0.05)


def test_guesses_of_the_flow_are_trusted_late(flow):
    condition = torch.zeros(500, 1)
    with torch.no_grad():
        fit = flow.fit(MODES[torch.zeros(500, dtype=torch.int64)], condition,
                       torch.Generator().manual_seed(2))  # fmt: skip
    error = (fit.code - MODES[0]).norm(dim=1)
    assert error[fit.trust > 0.6].mean() < 0.5 * error[fit.trust < 0.1].mean()


def test_the_autoencoder_reconstructs():
    torch.manual_seed(0)
    decoder = fitted(VariationalDecoder(SETTINGS, 1, 2), {'divergence': 1e-3}, steps=600)
    with torch.no_grad():
        fit = decoder.fit(MODES, torch.zeros(2, 1), torch.Generator().manual_seed(0))
    assert (fit.code - MODES).abs().max() < 0.3
    assert fit.trust.tolist() == [1.0, 1.0]
