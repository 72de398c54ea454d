"""A plan as joint positions over time."""

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError
from dex1b_core.motion import JointTrajectory, PickPlan, PickStage, PlannedMotion, Stage


def move(names, begin, end, duration=1.0):
    times = np.linspace(0.0, duration, 11)
    share = (times / duration)[:, None]
    positions = np.array(begin) + share * (np.array(end) - np.array(begin))
    still = np.zeros_like(positions)
    return JointTrajectory(names, times, positions, still, still)


@pytest.fixture
def plan():
    arm, hand = ('a1', 'a2'), ('h1',)
    stages = (
        PickStage(Stage.PREGRASP, move(arm, [0, 0], [1, 2])),
        PickStage(Stage.CLOSE, hand=move(hand, [0.5], [0.9], 2.0), settle=0.5),
        PickStage(Stage.LIFT, move(arm, [1, 2], [1, 3])),
    )
    return PickPlan(None, stages, 0.1, 0.0)


def test_stages_follow_each_other_and_joints_rest_in_between(plan):
    motion = PlannedMotion.of(plan)
    assert motion.names == ('a1', 'a2', 'h1')
    assert motion.duration == pytest.approx(plan.duration)
    assert motion.at(0.0) == pytest.approx({'a1': 0.0, 'a2': 0.0, 'h1': 0.5})  # not moved yet
    assert motion.at(1.0) == pytest.approx({'a1': 1.0, 'a2': 2.0, 'h1': 0.5}, abs=1e-6)
    assert motion.at(3.4) == pytest.approx({'a1': 1.0, 'a2': 2.0, 'h1': 0.9})  # settling
    assert motion.at(99.0) == pytest.approx({'a1': 1.0, 'a2': 3.0, 'h1': 0.9})
    assert np.isfinite(motion.positions).all()


@pytest.mark.parametrize(
    ('times', 'positions'),
    [([0, 1], [[0.0]]), ([1, 0], [[0.0], [1.0]]), ([0, 1], [[0.0], [np.nan]])],
)
def test_what_is_no_motion_is_refused(times, positions):
    with pytest.raises(Dex1bError, match='planned motion'):
        PlannedMotion(('a',), np.array(times, float), np.array(positions))
