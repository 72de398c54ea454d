"""Fingers that slide: their gradient is 1 m/m, so that each that touches moves by STEP."""

import dataclasses

import numpy as np
import pytest

from dex1b_core.benchmark.evaluation import evaluate
from dex1b_core.benchmark.gradient_closing import NEAR, STEP, gradient_closing
from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.hold_check import HoldTrial
from dex1b_core.simulation.verdicts import Verdicts


def steps(grasps):
    return gradient_closing(PlacedGrasps.of(grasps)) - grasps.grasp


def test_fingers_that_touch_press(gripper):
    """Both, one, none."""
    overlaps = [[0.0, 0.0005], [-0.5 * NEAR, -2.0 * NEAR], [-0.005, -0.005]]
    assert steps(gripper(overlaps)) == pytest.approx(
        STEP * np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]), abs=1e-4
    )


def test_joints_come_in_the_order_of_the_set(gripper):
    swapped = gripper([[0.0, -0.005]], names=('right_slide', 'left_slide'))
    assert steps(swapped) == pytest.approx(STEP * np.array([[0.0, 1.0]]), abs=1e-4)


class Recorder:
    """A judge to whom everything holds."""

    def judge(self, some, check, engine, *, perturbations, cancelled, on_progress):
        self.seen = some
        return tuple(
            Verdicts.of([HoldTrial()] * len(some), [0.0] * len(some)) for _ in perturbations
        )


def test_protocol_closes_and_bounds_the_sum_of_depths(gripper):
    grasps, judge = gripper([[-0.0005, -0.0005], [0.001, 0.0]]), Recorder()
    found = evaluate(judge, grasps, protocol_named('dexgraspnet'))
    assert found.success.tolist() == [True, False]
    assert found.reason[1] == FailureReason.INITIAL_PENETRATION
    assert found.stage[1] == 'measure'
    assert judge.seen.grasp == pytest.approx(grasps.grasp[:1] + STEP, abs=1e-4)
    assert judge.seen.squeeze == pytest.approx(judge.seen.grasp)


def test_other_protocols_keep_the_postures(gripper):
    grasps, judge = gripper([[0.001, 0.001]]), Recorder()
    assert evaluate(judge, grasps, protocol_named('dex1b')).success.all()
    assert judge.seen.grasp == pytest.approx(grasps.grasp)
    assert judge.seen.squeeze == pytest.approx(grasps.squeeze)


def test_what_is_not_finite_is_left_to_the_judge(gripper):
    grasps, judge = gripper([[-0.001, -0.001], [-0.001, -0.001]]), Recorder()
    broken = dataclasses.replace(grasps, grasp=np.where([[True], [False]], np.nan, grasps.grasp))
    assert evaluate(judge, broken, protocol_named('dexgraspnet')).success.all()
    assert np.isnan(judge.seen.grasp[0]).all()
    assert judge.seen.grasp[1] == pytest.approx(grasps.grasp[1])
