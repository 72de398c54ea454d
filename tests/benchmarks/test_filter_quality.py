import json

import numpy as np

from benchmarks.filter_quality import CHOICES, engine_turns, passes, rates, write
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
    assert rates(passed, holds) == {'precision': 2 / 3, 'recall': 2 / 3}


def test_nothing_passes():
    nothing = np.zeros(3, bool)
    assert rates(nothing, ~nothing) == {'precision': None, 'recall': 0.0}
    assert rates(nothing, nothing)['recall'] is None


def test_engines_take_turns_over_all_shapes():
    s, m = CHOICES['both']
    assert engine_turns((s, m), trials=5, shapes=1) == [s, m, s, m, s]
    assert engine_turns((s, m), trials=5, shapes=2) == [s, s, m, m, s]
    assert engine_turns((m,), trials=3, shapes=2) == [m, m, m]


def test_good_is_what_holds_in_both_engines(tmp_path):
    rows = [
        {'object': 'cup', 'holds': {'sapien': sapien, 'mujoco': mujoco}, 'held': 8 * [passed],
         'reasons': 8 * [HELD if passed else LOST]}
        for sapien, mujoco, passed in ((1, 1, 1), (1, 0, 1), (0, 1, 0), (1, 1, 0))
    ]  # fmt: skip
    (tmp_path / 'cup.one.json').write_text(json.dumps(rows))
    (tmp_path / 'cup.other.json').write_text('not read')
    write(tmp_path, 'one')
    found = json.loads((tmp_path / 'filter.json').read_text())['rules'][
        'K = 8, as the check judges'
    ]
    assert found['pass'] == 0.5
    assert found['truths']['both'] == {'precision': 0.5, 'recall': 0.5}
    assert found['truths']['sapien'] == {'precision': 1.0, 'recall': 2 / 3}
    assert found['truths']['mujoco'] == {'precision': 0.5, 'recall': 1 / 3}
