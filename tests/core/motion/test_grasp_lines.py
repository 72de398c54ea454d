"""Straight approach and lift: how far, and what may be touched on the way."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.grasp_lines import GraspLines, PhaseCheckers
from dex1b_core.motion.ik import ArmIk

SETTINGS = MotionSettings()


@pytest.fixture(scope='module')
def lines(motion):
    return GraspLines(motion.model, ArmIk(motion.model), SETTINGS)


@pytest.fixture(scope='module')
def checkers(motion, scene):
    return PhaseCheckers.of_scene(motion.model, scene(), SETTINGS)


@pytest.fixture(scope='module')
def positions(motion, robot, grasp):
    ik = ArmIk(motion.model)
    home, rng = np.array(robot.arm.home), np.random.default_rng(0)
    found = ik.solutions(grasp().planning_T_wrist, seeds=[home], restarts=5, rng=rng)
    return next(found).positions


def height(motion, positions):
    return motion.model.wrist_pose(positions)[2, 3]


def test_the_approach_comes_from_the_stand_off(lines, checkers, positions, motion, grasp):
    path = lines.approach(grasp(), checkers, positions)
    np.testing.assert_array_equal(path[-1], positions)
    assert height(motion, path[0]) - height(motion, path[-1]) == pytest.approx(0.08, abs=1e-4)


def test_the_stand_off_moves_away_from_what_the_hand_would_touch(
    lines, checkers, positions, motion, grasp
):
    near = replace(grasp(), approach_distance=0.06)
    path = lines.approach(near, checkers, positions)
    begin = path[0]
    assert height(motion, begin) - height(motion, positions) >= 0.06 - 1e-4
    q = motion.model.configuration(begin, near.pregrasp)
    assert checkers.transit.first_collision(q) is None


def test_a_lift_is_as_high_as_asked_or_says_how_high(lines, checkers, positions, motion, grasp):
    path, reached = lines.lift(grasp(), checkers, positions, 0.15)
    assert reached == pytest.approx(0.15)
    assert height(motion, path[-1]) - height(motion, path[0]) == pytest.approx(0.15, abs=1e-4)
    with pytest.raises(Dex1bError) as caught:
        lines.lift(grasp(), checkers, positions, 3.0)
    assert caught.value.error_code in (ErrorCode.NO_PATH, ErrorCode.OUT_OF_WORKSPACE)


def test_a_lower_lift_is_taken_where_the_arm_cannot_follow(
    lines, checkers, positions, motion, grasp
):
    highest = next(
        h for h in np.arange(0.9, 0.2, -0.05) if lifts(lines, checkers, positions, grasp(), h)
    )
    _, reached = lines.lift(grasp(), checkers, positions, highest + 0.05)
    assert 0.5 * (highest + 0.05) <= reached <= highest + 0.05


def lifts(lines, checkers, positions, candidate, asked):
    try:
        return lines.lift(candidate, checkers, positions, asked)[1] == asked
    except Dex1bError:
        return False


def test_phases_allow_more_and_more_contact(motion, checkers):
    pairs = [checkers.transit, checkers.approach, checkers.contact]
    counts = [checker.pair_count for checker in pairs]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 3


def test_an_obstacle_beside_the_closing_hand_is_told(lines, positions, motion, scene, grasp):
    crowded = scene(obstacles=np.array([[0.35, 0.0, 0.2]]))
    checkers = PhaseCheckers.of_scene(motion.model, crowded, SETTINGS)
    with pytest.raises(Dex1bError, match='at the grasp with the hand 0 % closed') as caught:
        lines.check_closing(grasp(), checkers, positions)
    assert caught.value.error_code == ErrorCode.SCENE_COLLISION
