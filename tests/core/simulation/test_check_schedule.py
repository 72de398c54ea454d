"""Order of the trials."""

from dex1b_core.planning import CheckResult, FailureReason
from dex1b_core.simulation.check_schedule import CheckSchedule
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import TrialResult, draw_trials

HELD = TrialResult(FailureReason.NONE, lift_height=0.12)
LOST = TrialResult(FailureReason.SLIPPED)
SETTINGS = CheckSettings(trials=3, pass_fraction=0.5)


def schedule(count, *, enough=0, settings=SETTINGS):
    return CheckSchedule(count, draw_trials(settings, shapes=1, seed=0), settings, enough=enough)


def run(plan, outcome):
    """Work alone until nothing is left; the (candidate, trial) order."""
    order = []
    while (item := plan.next()) is not None:
        candidate, trial, _ = item
        order.append((candidate, trial))
        plan.put(candidate, trial, outcome(candidate, trial))
    return order


def test_breadth_first_and_only_those_that_held():
    plan = schedule(3)
    order = run(plan, lambda candidate, trial: LOST if candidate == 1 else HELD)
    assert order == [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (2, 2)]
    assert plan.done == 3
    assert plan.passed == 2
    assert plan.verdict(1).result is CheckResult.FAILED
    assert (plan.verdict(0).trials, plan.verdict(0).successes) == (3, 3)


def test_stops_when_enough_passed():
    plan = schedule(10, enough=2)
    order = run(plan, lambda candidate, trial: LOST if candidate == 0 else HELD)
    assert order == [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)]
    assert plan.satisfied
    assert plan.verdict(3).result is CheckResult.NOT_RUN


def test_goes_on_when_a_candidate_drops_out():
    plan = schedule(3, enough=1)
    order = run(
        plan, lambda candidate, trial: LOST if (candidate, trial > 0) == (0, True) else HELD
    )
    assert order == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert plan.verdict(0).result is CheckResult.FAILED
    assert plan.passed == 1


def test_gives_up_a_candidate_that_cannot_pass():
    settings = CheckSettings(trials=5, pass_fraction=0.75)
    plan = schedule(1, settings=settings)
    order = run(plan, lambda candidate, trial: HELD if trial == 0 else LOST)
    assert order == [(0, 0), (0, 1), (0, 2)]
    assert plan.verdict(0).result is CheckResult.FAILED
    assert plan.done == 1


def test_spare_workers_try_the_next_candidate():
    """With trials under way elsewhere nothing is known yet of the first."""
    plan = schedule(3, enough=1)
    assert [plan.next()[:2] for _ in range(3)] == [(0, 0), (1, 0), (2, 0)]
    assert plan.next() is None


def test_broken_trial_costs_its_candidate_only():
    plan = schedule(2)
    run(plan, lambda candidate, trial: None if candidate == 0 else HELD)
    assert plan.verdict(0).result is CheckResult.ERROR
    assert plan.verdict(0).reason is FailureReason.UNSTABLE
    assert plan.verdict(1).result is CheckResult.PASSED


def test_one_trial_is_enough_when_asked_for_one():
    settings = CheckSettings(trials=1)
    plan = schedule(2, settings=settings)
    assert run(plan, lambda *_: HELD) == [(0, 0), (1, 0)]
    assert plan.passed == 2
