"""The lift with arm and hand."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.geometry import Plane
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial
from dex1b_core.simulation.lift_check import LiftChecker, prepare_object

sys.path.insert(0, str(Path(__file__).parent))
import grasp_scenes as scenes

TABLE = Plane(np.array([0.0, 0.0, 1.0]), 0.0)


@pytest.fixture(scope='module', params=['sapien', 'mujoco'])
def checker(request):
    target = prepare_object(scenes.can(), TABLE)
    settings = CheckSettings(engine=request.param, body='robot')
    return LiftChecker.of_robot(scenes.ROBOT, target, settings)


def test_good_grasp_lifts_the_can(checker):
    result = checker.run(scenes.good(), TABLE, Trial())
    assert result.held, result
    assert result.lift_height == pytest.approx(CheckSettings().lift, abs=0.02)
    assert result.fingers_in_contact >= 3
    assert checker.run(scenes.good(), TABLE, Trial()) == result


def test_perturbed_trials_move_the_object_not_the_robot(checker):
    assert checker.run(scenes.good(), TABLE, Trial(shift=(0.003, 0.0, 0.0), yaw=0.03)).held
    assert not checker.run(scenes.good(), TABLE, Trial(shift=(0.0, 0.06, 0.0))).held


@pytest.mark.parametrize(
    ('candidate', 'reason'),
    [
        (scenes.in_the_air(), FailureReason.MISSED),
        (scenes.in_the_can(), FailureReason.INITIAL_PENETRATION),
        (scenes.without_thumb(), FailureReason.TOO_FEW_FINGERS),
    ],
    ids=['air', 'overlap', 'thumb'],
)
def test_bad_grasp_fails_with_its_reason(checker, candidate, reason):
    assert checker.run(candidate, TABLE, Trial()).reason is reason


def test_what_is_out_of_reach_is_not_simulated(checker, monkeypatch):
    pose = scenes.good().planning_T_wrist.copy()
    pose[0, 3] += 2.0
    monkeypatch.setattr(checker.engine, 'advance', None)
    result = checker.run(replace(scenes.good(), planning_T_wrist=pose), TABLE, Trial())
    assert result.reason is FailureReason.UNREACHABLE


def test_the_arm_is_no_stronger_than_its_drives(checker):
    """A can of 40 kg, which slides on endless strength would lift as far as the fingers hold."""
    heavy = checker.run(scenes.good(), TABLE, Trial(mass_scale=200.0, friction=2.0))
    assert not heavy.held
