"""Perturbations, verdicts and scores."""

import math
from dataclasses import replace

import pytest

from dex1b_core.planning import CheckResult, FailureReason, GraspCandidate, SimCheck
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import (
    REASON_TEXTS,
    TrialResult,
    draw_trials,
    judged,
    verdict,
)

HELD = TrialResult(FailureReason.NONE, lift_height=0.12, slip=0.001, fingers_in_contact=4)
LOST = TrialResult(FailureReason.ROTATED, lift_height=0.05)
SETTINGS = CheckSettings(trials=5, pass_fraction=0.5)


def candidate(generator_score=math.nan):
    return GraspCandidate(
        'hand', None, (), None, None, None, None, 0.1, generator_score=generator_score
    )


def test_first_trial_is_as_seen_and_the_others_stay_in_range():
    trials = draw_trials(CheckSettings(trials=40), shapes=3, seed=4)
    assert len(trials) == 40
    assert trials[0].shift == (0.0, 0.0, 0.0)
    assert (trials[0].shape, trials[0].yaw, trials[0].mass_scale) == (0, 0.0, 1.0)
    assert {trial.shape for trial in trials} == {0, 1, 2}
    for trial in trials[1:]:
        assert all(abs(value) <= 0.004 for value in trial.shift)
        assert 0.6 <= trial.friction <= 1.0
        assert 0.5 <= trial.mass_scale <= 2.0


def test_trials_follow_the_seed():
    assert draw_trials(SETTINGS, shapes=2, seed=1) == draw_trials(SETTINGS, shapes=2, seed=1)
    assert draw_trials(SETTINGS, shapes=2, seed=1) != draw_trials(SETTINGS, shapes=2, seed=2)


@pytest.mark.parametrize(
    ('results', 'expected', 'reason'),
    [
        ([HELD], CheckResult.PASSED, FailureReason.NONE),
        ([HELD, HELD, LOST], CheckResult.PASSED, FailureReason.NONE),
        ([HELD, LOST, LOST], CheckResult.FAILED, FailureReason.ROTATED),
        ([LOST, HELD, HELD], CheckResult.FAILED, FailureReason.ROTATED),
        ([None], CheckResult.ERROR, FailureReason.UNSTABLE),
        ([HELD, None], CheckResult.FAILED, FailureReason.UNSTABLE),
        ([], CheckResult.NOT_RUN, FailureReason.UNKNOWN),
    ],
)
def test_verdict(results, expected, reason):
    check = verdict(results, SETTINGS)
    assert check.result is expected
    assert check.reason is reason
    assert check.trials == len(results)
    assert check.successes == sum(result is HELD for result in results)


def test_verdict_takes_its_numbers_from_the_unperturbed_trial():
    check = verdict([HELD, LOST, HELD], SETTINGS)
    assert (check.lift_height, check.slip, check.fingers_in_contact) == (0.12, 0.001, 4)


def test_score_orders_by_held_trials_then_by_the_generator():
    def score(successes, trials, own=math.nan, result=CheckResult.PASSED):
        check = SimCheck(result=result, trials=trials, successes=successes)
        return judged(candidate(own), check).score

    assert score(5, 5) > score(4, 5) > score(2, 5, result=CheckResult.FAILED)
    assert score(5, 5) > score(1, 1)
    assert score(1, 1) > score(0, 1, result=CheckResult.FAILED)
    assert score(5, 5, own=2.0) > score(5, 5, own=1.0)
    assert score(5, 5, own=-9.0) > score(4, 5, own=9.0)


def test_untried_candidate_keeps_its_score():
    untouched = replace(candidate(), score=0.3)
    assert judged(untouched, SimCheck()).score == 0.3


def test_every_reason_has_words():
    assert set(REASON_TEXTS) == set(FailureReason)
