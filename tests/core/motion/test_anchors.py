"""Arm postures that a pick hangs on: where they are, and why there are none."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.anchors import AnchorSearch
from dex1b_core.motion.grasp_lines import PhaseCheckers
from dex1b_core.motion.ik import ArmIk

SETTINGS = MotionSettings()


@pytest.fixture(scope='module')
def find(motion, robot, scene):
    search = AnchorSearch(motion.model, ArmIk(motion.model), SETTINGS)

    def call(candidate, observation=None, *, count=3):
        checkers = PhaseCheckers.of_scene(motion.model, observation or scene(), SETTINGS)
        home = np.array(robot.arm.home)
        return search.find(candidate, checkers, home, lift_height=0.15, count=count, seed=1)

    return call


def test_anchors_hold_the_wrist_where_the_grasp_wants_it(find, motion, robot, grasp):
    anchors = find(grasp())
    assert 1 <= len(anchors) <= 3
    for anchor in anchors:
        pose = motion.model.wrist_pose(anchor.grasp.positions)
        np.testing.assert_allclose(pose, grasp().planning_T_wrist, atol=1e-5)
        np.testing.assert_array_equal(anchor.approach[-1], anchor.grasp.positions)
        np.testing.assert_array_equal(anchor.lift[0], anchor.grasp.positions)
    home = np.array(robot.arm.home)
    ways = [np.abs(anchor.grasp.positions - home).sum() for anchor in anchors]
    assert ways == sorted(ways)


def test_no_more_than_asked_for(find, grasp):
    assert len(find(grasp(), count=1)) == 1


@pytest.mark.parametrize(
    ('wrist', 'code', 'text'),
    [
        ((2.0, 0.0, 0.2), ErrorCode.OUT_OF_WORKSPACE, 'allowed is'),
        ((0.85, 0.0, 1.1), ErrorCode.NO_IK, 'starts tried'),
    ],
)
def test_places_that_the_arm_does_not_reach_are_told(find, grasp, wrist, code, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        find(grasp(wrist=wrist))
    assert caught.value.error_code == code


def test_hand_joints_are_checked_before_anything_else(find, grasp):
    wrong = replace(grasp(wrist=(2.0, 0.0, 0.2)),
                    joint_names=('finger1', *grasp().joint_names[1:]))  # fmt: skip
    with pytest.raises(Dex1bError, match='finger1') as caught:
        find(wrong)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST
