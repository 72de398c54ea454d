"""Many trials as arrays, summaries and files."""

from dataclasses import fields, replace

import numpy as np
import pytest

from dex1b_core.planning import FailureReason
from dex1b_core.simulation.hold_check import HoldTrial
from dex1b_core.simulation.verdicts import Verdicts, wilson

HELD = HoldTrial(
    directions=np.ones(6, dtype=np.int8),
    penetration=0.001,
    self_penetration=0.0,
    start_penetration=0.0,
    contacts=8,
    fingers=3,
    below=np.array([0.0, 0.0, np.nan]),
)
DEEP = replace(HELD, penetration=0.004, fingers=4)
SLIPPED = replace(
    HELD,
    reason=FailureReason.SLIPPED,
    stage='-x',
    directions=np.array([1, 0, -1, -1, -1, -1], dtype=np.int8),
)
BROKEN = HoldTrial(FailureReason.UNSTABLE, 'start')


@pytest.fixture
def verdicts():
    return Verdicts.of([HELD, DEEP, SLIPPED, BROKEN], [0.1, 0.2, 0.3, 0.4])


def test_success_clean_and_counts(verdicts):
    assert len(verdicts) == 4
    assert verdicts.success.tolist() == [True, True, False, False]
    assert verdicts.clean.tolist() == [True, False, False, False]
    assert verdicts.held_count.tolist() == [6, 6, 1, 0]
    assert verdicts.reasons() == {'slipped': 1, 'unstable': 1}


def test_summary_counts_what_was_measured(verdicts):
    summary = verdicts.summary()
    assert summary['n'] == 4
    assert summary['success_percent'] == 50.0
    assert summary['success_interval_percent'] == wilson(2, 4)
    assert summary['clean_percent'] == 25.0
    assert summary['penetration_mm'] == pytest.approx({'p50': 1.0, 'p95': 3.7, 'max': 4.0})
    assert summary['direction_percent']['+x'] == 100.0
    assert summary['direction_percent']['-x'] == pytest.approx(200.0 / 3.0)
    assert summary['failures'] == {'slipped -x': 1, 'unstable start': 1}
    assert summary['below_support_mm']['approach'] is None
    assert summary['seconds_each'] == pytest.approx(0.25)
    nothing = Verdicts.of([], []).summary()
    assert nothing['n'] == 0
    assert nothing['success_percent'] is None
    assert nothing['success_interval_percent'] is None


def test_verdicts_are_joined_in_order(verdicts):
    joined = Verdicts.joined([verdicts, Verdicts.of([], []), Verdicts.of([SLIPPED], [0.5])])
    assert joined.reason.tolist() == [*verdicts.reason.tolist(), FailureReason.SLIPPED]
    assert joined.stage.tolist() == ['', '', '-x', 'start', '-x']
    assert joined.directions.shape == (5, 6)
    assert joined.seconds.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_verdicts_survive_a_file(verdicts, tmp_path):
    path = tmp_path / 'folder' / 'v.npz'
    verdicts.save(path)
    loaded = Verdicts.load(path)
    for field in fields(Verdicts):
        one, other = getattr(verdicts, field.name), getattr(loaded, field.name)
        np.testing.assert_array_equal(one, other)
    assert loaded.summary() == verdicts.summary()
    assert list(path.parent.iterdir()) == [path]


def test_wilson_interval():
    assert wilson(8, 10) == pytest.approx((49.02, 94.33), abs=0.01)
    assert wilson(0, 10) == pytest.approx((0.0, 27.75), abs=0.01)
    assert wilson(0, 0) is None
