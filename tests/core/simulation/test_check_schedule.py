"""Order of the trials."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.planning import CheckResult, FailureReason
from dex1b_core.simulation.check_schedule import CheckSchedule
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import TrialResult, draw_trials

HELD = TrialResult(FailureReason.NONE, lift_height=0.12)
LOST = TrialResult(FailureReason.SLIPPED)
SETTINGS = CheckSettings(trials=3, pass_fraction=0.5)


def schedule(count, *, enough=0, own=SETTINGS):
    return CheckSchedule(count, draw_trials(own, shapes=1, seed=0), own, enough=enough)


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
    plan = schedule(1, own=CheckSettings(trials=5, pass_fraction=0.75))
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
    plan = schedule(2, own=CheckSettings(trials=1))
    assert run(plan, lambda *_: HELD) == [(0, 0), (1, 0)]
    assert plan.passed == 2


def finish(plan, outcomes, workers, random):
    """Several workers whose trials come back in any order."""
    running = []
    while True:
        while len(running) < workers and (item := plan.next()) is not None:
            running.append(item[:2])
        if not running or plan.satisfied:
            return [plan.verdict(candidate) for candidate in range(len(outcomes))]
        candidate, trial = running.pop(random.randrange(len(running)))
        plan.put(candidate, trial, outcomes[candidate][trial])


@settings(deadline=None, max_examples=300)
@given(
    outcomes=st.lists(
        st.lists(st.sampled_from([HELD, LOST, None]), min_size=3, max_size=3), max_size=9
    ),
    enough=st.integers(0, 4),
    workers=st.integers(1, 5),
    random=st.randoms(use_true_random=False),
)
def test_verdicts_do_not_depend_on_the_order_of_answers(outcomes, enough, workers, random):
    alone = finish(schedule(len(outcomes), enough=enough), outcomes, 1, random)
    assert finish(schedule(len(outcomes), enough=enough), outcomes, workers, random) == alone
    passed = [check.result for check in alone].count(CheckResult.PASSED)
    could = sum(row[0] is HELD and row[1:].count(HELD) >= 1 for row in outcomes)
    assert passed == (min(enough, could) if enough else could)
