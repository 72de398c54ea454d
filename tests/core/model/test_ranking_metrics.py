import numpy as np
import pytest

from dex1b_core.model.ranking_metrics import auc, better_half, calibration_error

GOOD_FIRST = np.array([True, True, False, False])


@pytest.mark.parametrize(
    ('predicted', 'expected'),
    [([0.9, 0.8, 0.2, 0.1], 1.0), ([0.9, 0.2, 0.8, 0.1], 0.75), ([0.5, 0.5, 0.5, 0.5], 0.5)],
)
def test_area_under_the_curve_by_hand(predicted, expected):
    assert auc(np.array(predicted), GOOD_FIRST) == expected
    assert auc(np.array(predicted), np.ones(4, dtype=bool)) is None


def test_the_better_half_is_taken_of_each_object():
    predicted, objects = np.array([0.9, 0.8, 0.2, 0.1]), np.array([0, 0, 1, 1])
    assert better_half(predicted, objects).tolist() == [True, False, True, False]


def test_honest_probabilities_have_little_error():
    rng = np.random.default_rng(0)
    predicted = rng.random(20000)
    held = rng.random(20000) < predicted
    assert calibration_error(predicted, held) < 0.02
    assert calibration_error(np.sqrt(predicted), held) > 0.1
