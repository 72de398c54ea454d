"""The pool of physics workers: real processes, killed and cancelled."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning import CheckResult, FailureReason
from dex1b_core.simulation import check_pool
from dex1b_core.simulation.check_pool import CheckPool
from dex1b_core.simulation.check_server import Run
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import TrialResult
from dex1b_core.simulation.worker_messages import Reply

sys.path.insert(0, str(Path(__file__).parent))
import grasp_scenes as scenes

SETTINGS = CheckSettings(trials=3)


@pytest.fixture(scope='module')
def pool():
    with CheckPool(scenes.ROBOT, workers=2, settings=SETTINGS) as instance:
        # wait for the imports here, so that the tests below can measure times
        instance.check([scenes.in_the_table()], scenes.observation(), time_budget_s=120.0)
        yield instance


def many(count):
    return [scenes.side_grasp(up=1e-4 * index) for index in range(count)]


def runs(pid):
    """Whether the process lives; a container's init may never reap a dead one."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class DisorderlyCrew:
    """Answers in any order, as workers on a loaded machine; request and trial decide the answer."""

    def __init__(self, workers, seed):
        self._workers, self._random = workers, random.Random(seed)

    def work(self, job, take, put):
        running = []
        while not job.over:
            while len(running) < self._workers and (item := take()) is not None:
                running.append(item)
            if not running:
                return
            key, request = running.pop(self._random.randrange(len(running)))
            put(key, Reply(0, self._answer(request)))

    def _answer(self, request):
        if not isinstance(request, Run):
            return 'object'
        held = random.Random(f'{request.candidate.id} {request.trial}').random() < 0.8
        return TrialResult(FailureReason.NONE if held else FailureReason.SLIPPED)

    def close(self):
        pass


@pytest.mark.parametrize('enough', [0, 4])
def test_same_seed_same_grasps_accepted_whatever_the_order_of_answers(monkeypatch, enough):
    candidates = [replace(c, id=str(i), generator_score=-0.1 * i) for i, c in enumerate(many(20))]
    outcomes = []
    for order in range(60):
        crew = DisorderlyCrew(1 + order % 4, order)
        monkeypatch.setattr(check_pool, 'WorkerCrew', lambda source, count, crew=crew: crew)
        with CheckPool(scenes.ROBOT, settings=CheckSettings(trials=5)) as own:
            checked = own.check(candidates, scenes.observation(), seed=3, enough=enough)
        outcomes.append([(c.id, c.score, c.sim_check) for c in checked])
    assert all(outcome == outcomes[0] for outcome in outcomes)
    ranks = [i for i, c in enumerate(checked) if c.sim_check.result is CheckResult.PASSED]
    assert len(ranks) == enough or (enough == 0 and len(ranks) > 4)
    if enough:  # none that comes after them was preferred
        results = [c.sim_check.result for c in checked]
        assert CheckResult.NOT_RUN not in results[: ranks[-1]]
        assert set(results[ranks[-1] + 1 :]) == {CheckResult.NOT_RUN}


def test_verdicts_come_back_in_order(pool):
    candidates = [
        scenes.in_the_air(), scenes.good(), scenes.in_the_table(), scenes.in_the_can(),
        scenes.without_thumb(),
    ]  # fmt: skip
    progress = []
    checked = pool.check(
        candidates,
        scenes.observation(),
        seed=3,
        on_progress=lambda *counts: progress.append(counts),
    )
    assert [c.sim_check.reason for c in checked] == [
        FailureReason.MISSED,
        FailureReason.NONE,
        FailureReason.TABLE_HIT,
        FailureReason.INITIAL_PENETRATION,
        FailureReason.TOO_FEW_FINGERS,
    ]
    assert [c.sim_check.trials for c in checked] == [1, 3, 1, 1, 1]
    assert np.argmax([c.score for c in checked]) == 1
    assert progress[-1] == (5, 1, 5)
    assert [done for done, _, _ in progress] == sorted(done for done, _, _ in progress)


def test_same_seed_same_verdicts_for_any_number_of_workers(pool):
    observation = scenes.observation(scenes.can(), scenes.can(radius=0.03))
    first = pool.check(many(4), observation, seed=5)
    with CheckPool(scenes.ROBOT, workers=1, settings=SETTINGS) as alone:
        second = alone.check(many(4), observation, seed=5)
    assert [c.sim_check for c in first] == [c.sim_check for c in second]


def test_stops_when_enough_passed(pool):
    checked = pool.check(many(12), scenes.observation(), seed=1, enough=2)
    results = [c.sim_check.result for c in checked]
    assert results.count(CheckResult.PASSED) >= 2
    assert CheckResult.NOT_RUN in results


def test_time_budget_leaves_the_rest_untried(pool):
    for budget in (4.0, 16.0):  # a busy machine may do nothing in the first
        start = time.monotonic()
        checked = pool.check(many(800), scenes.observation(), seed=1, time_budget_s=budget)
        assert time.monotonic() - start < budget + 1.0
        results = [c.sim_check.result for c in checked]
        assert results[-1] is CheckResult.NOT_RUN
        if results[0] is CheckResult.PASSED:
            return
    raise AssertionError('nothing was checked within 16 s')


def test_cancel_is_seen_within_half_a_second(pool):
    asked_at = time.monotonic() + 0.5
    with pytest.raises(Dex1bError) as caught:
        pool.check(many(200), scenes.observation(), cancelled=lambda: time.monotonic() > asked_at)
    assert time.monotonic() - asked_at < 0.5
    assert caught.value.error_code is ErrorCode.CANCELED
    (checked,) = pool.check([scenes.in_the_table()], scenes.observation())
    assert checked.sim_check.reason is FailureReason.TABLE_HIT


def test_killed_worker_costs_only_its_trial(pool):
    victim = pool.worker_pids[0]
    killed = threading.Event()

    def kill(*_):
        if not killed.is_set():
            killed.set()
            os.kill(victim, signal.SIGKILL)

    checked = pool.check(many(10), scenes.observation(), on_progress=kill)
    results = [c.sim_check.result for c in checked]
    assert victim not in pool.worker_pids
    assert CheckResult.NOT_RUN not in results
    broken = [c for c in checked if c.sim_check.successes < c.sim_check.trials]
    assert len(broken) <= 1
    assert all(c.sim_check.reason in {FailureReason.NONE, FailureReason.UNSTABLE} for c in broken)
    assert len(pool.worker_pids) == 2


def test_second_check_at_a_time_is_refused(pool):
    running, release = threading.Event(), threading.Event()
    checker = threading.Thread(
        target=lambda: pool.check(
            many(3), scenes.observation(), on_progress=lambda *_: (running.set(), release.wait(20))
        )
    )
    checker.start()
    assert running.wait(30)
    with pytest.raises(Dex1bError) as caught:
        pool.check(many(1), scenes.observation())
    release.set()
    checker.join()
    assert caught.value.error_code is ErrorCode.BUSY


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'hand': 'allegro'}, 'ability_right'),
        ({'joint_names': ('index_q1',) * 6}, 'thumb_q2'),
        ({'approach': np.array([2.0, 0.0, 0.0])}, 'unit direction'),
        ({'grasp': np.full(6, np.nan)}, 'finite'),
        ({'approach_distance': 9.0}, '0.5 m'),
    ],
)
def test_unfit_candidate_is_refused(pool, change, match):
    with pytest.raises(Dex1bError, match=match) as caught:
        pool.check([replace(scenes.good(), **change)], scenes.observation())
    assert caught.value.error_code is ErrorCode.INVALID_REQUEST


def test_unsound_first_shape_is_refused_and_another_is_left_out(pool):
    flat = replace(scenes.can(), vertices=scenes.can().vertices * [1.0, 1.0, 0.0])
    with pytest.raises(Dex1bError) as caught:
        pool.check([scenes.good()], scenes.observation(flat))
    assert caught.value.error_code is ErrorCode.SHAPE_INVALID
    no_shapes = replace(scenes.observation(), shapes=())
    with pytest.raises(Dex1bError) as caught:
        pool.check([scenes.good()], no_shapes)
    assert caught.value.error_code is ErrorCode.SHAPE_INVALID
    (checked,) = pool.check([scenes.good()], scenes.observation(scenes.can(), flat))
    assert checked.sim_check.result is CheckResult.PASSED


def test_idle_workers_use_no_processor_time(pool):
    workers = [psutil.Process(pid) for pid in pool.worker_pids]
    time.sleep(0.5)
    before = [sum(w.cpu_times()[:2]) for w in workers]
    time.sleep(2.0)
    after = [sum(w.cpu_times()[:2]) for w in workers]
    assert max(b - a for a, b in zip(before, after, strict=True)) <= 0.03


def test_close_leaves_no_process():
    pool = CheckPool(scenes.ROBOT, workers=2, settings=SETTINGS)
    pool.start()
    pids = pool.worker_pids
    pool.close()
    assert not any(runs(pid) for pid in pids)
    with pytest.raises(Dex1bError) as caught:
        pool.check([scenes.good()], scenes.observation())
    assert caught.value.error_code is ErrorCode.PRECONDITION


def test_workers_end_with_a_killed_parent_which_imports_no_physics():
    script = """
        import sys, time
        from dex1b_core.robots import load_robot
        from dex1b_core.simulation.check_pool import CheckPool
        pool = CheckPool(load_robot('xarm7_ability'), workers=2)
        pool.start()
        heavy = [m for m in ('sapien', 'open3d', 'torch', 'coacd') if m in sys.modules]
        print(*pool.worker_pids, 'heavy:', *heavy, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, '-c', textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    pids, _, heavy = parent.stdout.readline().partition('heavy:')
    workers = [int(pid) for pid in pids.split()]
    assert len(workers) == 2
    assert heavy.split() == []
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30.0
    while any(runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(runs(pid) for pid in workers)


def test_workers_that_cannot_start_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path))
    with (
        CheckPool(scenes.ROBOT, workers=1, settings=SETTINGS) as pool,
        pytest.raises(Dex1bError, match='dex1b assets fetch') as caught,
    ):
        pool.check([scenes.good()], scenes.observation())
    assert caught.value.error_code is ErrorCode.ASSET_MISSING
