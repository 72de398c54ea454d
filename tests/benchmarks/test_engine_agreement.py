import json

import numpy as np
import pytest

from benchmarks.engine_agreement import FRICTIONS, Pair, summary, write


def pair(mujoco, sapien, friction=FRICTIONS[0], hand='one'):
    return Pair(hand, friction, np.array(mujoco, bool), np.array(sapien, bool))


def test_kappa_is_what_chance_does_not_explain():
    """30 of 50 yes by one, 25 by the other, 20 by both: agreement .7, chance .5, kappa .4."""
    both, one, other, neither = 20, 5, 10, 15
    mujoco = [1] * (both + one) + [0] * (other + neither)
    sapien = [1] * both + [0] * one + [1] * other + [0] * neither
    found = summary([pair(mujoco, sapien)])
    assert found['same'] == pytest.approx(0.7)
    assert found['kappa'] == pytest.approx(0.4)
    assert (found['only_one'], found['only_other']) == (5, 10)


def test_by_friction():
    found = summary([pair([1], [1]), pair([1, 0], [0, 0], FRICTIONS[2])])
    assert found['by_friction'][FRICTIONS[0]] == 1.0
    assert found['by_friction'][FRICTIONS[2]] == 0.5


def test_table_has_a_row_for_all_hands_and_for_each(tmp_path):
    own = [pair([1, 1, 0], [1, 0, 0], friction, hand) for friction in FRICTIONS
           for hand in ('one', 'two')]  # fmt: skip
    write(tmp_path, {'matched': own})
    lines = (tmp_path / 'agreement.md').read_text().splitlines()
    assert [line.split(' | ')[0] for line in lines[2:]] == [
        '| matched', '| matched, one', '| matched, two',
    ]  # fmt: skip
    assert json.loads((tmp_path / 'agreement.json').read_text())['matched two']['n'] == 15
