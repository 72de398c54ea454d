"""Timing of a pick whose paths are given."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.motion import MotionSettings, Stage
from dex1b_core.motion.anchors import Anchor
from dex1b_core.motion.ik import IkSolution
from dex1b_core.motion.pick_stages import PickTiming

SETTINGS = MotionSettings()


@pytest.fixture(scope='module')
def timing(motion):
    return PickTiming(motion.model, motion.arm_limits, motion.hand_limits, SETTINGS)


def anchor(positions, *, height=0.1):
    """Joint motions that stand for approach and lift: timing does not ask where they lead."""
    steps = np.linspace(0.0, 0.3, 11)[:, None]
    approach = positions + steps[:5] - 0.12
    return Anchor(IkSolution(positions, 0.1, 0.1), approach, positions + steps, height)


def stages(timing, robot, candidate, **options):
    home, open_hand = np.array(robot.arm.home), np.array(robot.hand.open)
    path = np.stack([home, home + 0.1])
    return timing.stages(candidate, path, anchor(home, **options), open_hand, 0.5)


def test_hand_and_arm_take_turns(timing, robot, grasp):
    found = stages(timing, robot, grasp())
    moves = {stage.stage: (stage.arm is not None, stage.hand is not None) for stage in found}
    assert moves == {
        Stage.PREGRASP: (True, True),
        Stage.APPROACH: (True, False),
        Stage.CLOSE: (False, True),
        Stage.SQUEEZE: (False, True),
        Stage.VERIFY: (True, False),
        Stage.LIFT: (True, False),
    }


def test_verify_is_the_first_piece_of_the_lift(timing, robot, grasp):
    found = {stage.stage: stage for stage in stages(timing, robot, grasp())}
    verify, lift = found[Stage.VERIFY].arm.positions, found[Stage.LIFT].arm.positions
    np.testing.assert_allclose(verify[-1], lift[0])
    share = (verify[-1] - verify[0]) / (lift[-1] - verify[0])
    np.testing.assert_allclose(share, 0.2, atol=0.11)  # 0.02 m of 0.1 m, to the next point


def test_a_lift_no_higher_than_verify_is_one_stage(timing, robot, grasp):
    names = [stage.stage for stage in stages(timing, robot, grasp(), height=0.02)]
    assert names[-1] == Stage.VERIFY


def test_the_squeeze_stops_at_the_limits(timing, robot, motion, grasp):
    hard = replace(grasp(), squeeze=grasp().squeeze + 10.0)
    found = {stage.stage: stage for stage in stages(timing, robot, hard)}
    np.testing.assert_allclose(found[Stage.SQUEEZE].hand.positions[-1], motion.hand_limits.upper)
    assert found[Stage.SQUEEZE].settle == SETTINGS.settle_duration
