"""Sets of grasps judged in this process and on workers, some of which die."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fatal_judge import FatalSource
from known_grasps import DRIVE, JAWS, jaws_source, judge, pinch, wrapped

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning import FailureReason
from dex1b_core.simulation import grasp_judge
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.perturbation import UNPERTURBED, Perturbation

SAME = ('reason', 'stage', 'directions', 'penetration', 'contacts', 'fingers')


@pytest.fixture(scope='module')
def jaws(tmp_path_factory):
    return jaws_source(tmp_path_factory.mktemp('jaws'))


@pytest.fixture(scope='module')
def pinches():
    """Firm, loose, too deep and beside the object."""
    grasps = pinch(20)
    grasps.object_T_hand[:, 0, 3] += np.linspace(-0.02, 0.02, 20)
    grasps.squeeze[:, 0] += np.linspace(-0.02, 0.01, 20)
    return grasps


@pytest.fixture(scope='module')
def here(pinches, jaws):
    """Verdicts of this process."""
    return judge(pinches, JAWS, hand=jaws)


@pytest.fixture(scope='module')
def crew(jaws):
    with GraspJudge(jaws, workers=2) as instance:
        yield instance


def assert_same(one, other):
    for name in SAME:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_same_grasps_same_verdicts_on_any_number_of_processes(pinches, crew, here):
    assert_same(crew.judge(pinches, JAWS)[0], here)
    assert len(crew.worker_pids) == 2
    assert 0 < here.success.sum() < 20


def test_killed_worker_costs_no_verdict(pinches, crew, here):
    calls = []
    crew.judge(pinch(), JAWS)
    victim = crew.worker_pids[0]

    def kill(done, total):
        calls.append((done, total))
        if done == 3:
            os.kill(victim, signal.SIGKILL)

    (verdicts,) = crew.judge(pinches, JAWS, on_progress=kill)
    assert calls == [(done, 20) for done in range(1, 21)]  # one for each grasp
    assert_same(verdicts, here)
    assert victim not in crew.worker_pids
    assert len(crew.worker_pids) == 2


def test_grasp_that_breaks_its_workers_is_unstable(jaws, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', str(Path(__file__).parent))
    monkeypatch.setattr(grasp_judge, 'JudgeServerSource', FatalSource)
    grasps = pinch(5)
    grasps.grasp[2] = 0.001
    with GraspJudge(jaws, workers=1) as crew:
        (verdicts,) = crew.judge(grasps, JAWS)
    held, broken = FailureReason.NONE, FailureReason.UNSTABLE
    assert verdicts.reason.tolist() == [held, held, broken, held, held]
    assert verdicts.stage[2] == 'start'
    assert np.isnan(verdicts.seconds).tolist() == [False, False, True, False, False]


def test_another_object_and_protocol_are_another_world(pinches, crew, here):
    small = replace(pinch(3), object_parts=(0.2 * pinch().object_parts[0],))
    assert not crew.judge(small, replace(JAWS, extrapolates=True))[0].success.any()
    rows = np.array([3, 10])
    (again,) = crew.judge(pinches.select(rows), JAWS)
    assert again.reason.tolist() == here.reason[rows].tolist()


def test_perturbations_are_worlds_of_their_own(jaws):
    """2.5 N on each face carry 1 N at .3 but not at .1; 1 N moves 0.1 kg and 0.2 kg alike."""
    grasps = pinch(2, squeeze=-0.02)
    protocol = replace(JAWS, friction=0.3, torsion=0.0)
    moved = np.eye(4)
    moved[1, 3] = 0.2
    worlds = (
        UNPERTURBED,
        Perturbation(friction=1 / 3),
        Perturbation(mass=2.0),
        Perturbation(hand_T_moved=moved),
        Perturbation(joints=0.004, seed=1),
    )
    with GraspJudge(jaws) as judge:
        found = judge.judge(grasps, protocol, perturbations=worlds)
        again = judge.judge(grasps, protocol, perturbations=worlds)
        heavy = judge.judge(grasps, replace(protocol, acceleration=10.0), perturbations=worlds)
    assert [v.success.tolist() for v in found] == [
        [True] * 2, [False] * 2, [True] * 2, [False] * 2, [True] * 2,
    ]  # fmt: skip
    assert found[3].reason.tolist() == [FailureReason.MISSED] * 2
    assert found[4].penetration[0] == found[4].penetration[1]
    assert heavy[0].success.all()
    assert not heavy[2].success.any()  # 2 N
    for one, other in zip(found, again, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize('workers', [0, 2])
def test_no_grasps_no_verdicts(jaws, crew, workers):
    judge = crew if workers else GraspJudge(jaws)
    assert len(judge.judge(pinch(0), JAWS)[0]) == 0


@pytest.mark.parametrize('workers', [0, 2])
def test_cancelled_in_between(jaws, crew, workers):
    done = []
    judge = crew if workers else GraspJudge(jaws)
    with pytest.raises(Dex1bError, match='of 20 trials') as caught:
        judge.judge(
            pinch(20),
            JAWS,
            cancelled=lambda: len(done) >= 2,
            on_progress=lambda *_: done.append(1),
        )
    assert caught.value.error_code is ErrorCode.CANCELED
    assert judge.judge(pinch(), JAWS)[0].success.all()


def test_errors_of_the_scene_are_heard(tmp_path, jaws):
    lost = replace(jaws, urdf_path=tmp_path / 'none.urdf')
    for workers in (0, 1):
        with (
            GraspJudge(lost, workers=workers) as judge,
            pytest.raises(Dex1bError, match='not a readable URDF'),
        ):
            judge.judge(pinch(), JAWS)


def test_hands_that_do_not_fit(jaws):
    with pytest.raises(Dex1bError, match="not those of hand 'ability_right'"):
        source_of(pinch(hand='ability_right'))
    with GraspJudge(jaws) as judge, pytest.raises(Dex1bError, match='in this order: left_slide'):
        judge.judge(pinch(joint_names=('right_slide',)), JAWS)
    turned = tuple(reversed(wrapped().joint_names))
    assert source_of(replace(wrapped(), joint_names=turned)).joint_names == turned


def test_both_engines_judge(jaws):
    with GraspJudge(jaws) as judge:
        for engine in ('mujoco', 'sapien'):
            assert judge.judge(pinch(), JAWS, engine)[0].success.all()
            soft = replace(JAWS, drive=replace(DRIVE, stiffness=1.0))
            assert not judge.judge(pinch(), soft, engine)[0].success.any()
