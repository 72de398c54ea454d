"""The regression behind the ranking, and what it reports, on made-up data."""

import numpy as np
import pytest

from benchmarks.fit_ranking import fit


@pytest.fixture
def made():
    """Features (N, 3), of which the second does nothing, and labels drawn from known weights."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 3)) * [1.0, 5.0, 0.1]
    chance = 1.0 / (1.0 + np.exp(-(features @ [1.0, 0.0, -8.0] + 0.5)))
    return features, (rng.random(4000) < chance).astype(float)


def test_known_weights_are_found(made):
    weights = fit(*made)
    assert weights == pytest.approx([1.0, 0.0, -8.0, 0.5], abs=0.7)
    assert abs(weights[1]) < 0.05


def test_half_a_success_counts_half(made):
    features, held = made
    soft = fit(features, 0.5 * held + 0.25)
    assert np.sign(soft[[0, 2]]) == pytest.approx([1.0, -1.0])
    assert (np.abs(soft[[0, 2]]) < np.abs(fit(features, held)[[0, 2]])).all()
