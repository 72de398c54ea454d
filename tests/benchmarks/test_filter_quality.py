import numpy as np

from benchmarks.filter_quality import passes, rates
from dex1b_core.planning import FailureReason

HELD, LOST = int(FailureReason.NONE), int(FailureReason.SLIPPED)


def test_verdict_on_the_first_trials_only():
    row = {'reasons': [HELD, HELD, LOST, LOST, LOST, LOST, LOST, LOST]}
    assert passes(row, 1)
    assert not passes(row, 3)  # one of two perturbed ones is less than 60 %
    assert not passes({'reasons': [LOST] + 7 * [HELD]}, 8)
    assert passes({'reasons': 8 * [HELD]}, 8)


def test_precision_and_recall():
    passed, holds = np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 1, 0], bool)
    assert rates(passed, holds) == {'pass': 0.6, 'precision': 2 / 3, 'recall': 2 / 3}


def test_nothing_passes():
    nothing = np.zeros(3, bool)
    assert rates(nothing, ~nothing) == {'pass': 0.0, 'precision': None, 'recall': 0.0}
    assert rates(nothing, nothing)['recall'] is None
