"""What another planner found is checked before it is used."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.collision import (
    OBJECT,
    OBSTACLES,
    TABLE,
    CollisionChecker,
    environment,
)
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.path_search import PathProblem, checked_path
from dex1b_core.motion.transit import Transit

SETTINGS = MotionSettings()
START, GOAL = np.zeros(3), np.array([0.4, -0.2, 0.1])
PROBLEM = PathProblem(
    START, (np.full(3, 0.9), GOAL), np.zeros(2), {}, {}, (), lambda q: True, np.full(3, -1.0),
    np.full(3, 1.0), 1,
)  # fmt: skip


def test_a_path_is_led_through_its_corners_from_start_to_goal_in_small_steps():
    corner = np.array([0.3, 0.3, 0.3])
    path = checked_path(np.stack([START + 5e-4, corner, GOAL - 5e-4]), PROBLEM, SETTINGS)
    np.testing.assert_array_equal(path[0], START)
    np.testing.assert_array_equal(path[-1], GOAL)
    assert np.abs(path - corner).max(axis=1).min() < 1e-12
    assert np.abs(np.diff(path, axis=0)).max() <= SETTINGS.path_step + 1e-12


@pytest.mark.parametrize(
    ('corners', 'text'),
    [
        (np.zeros((0, 3)), 'has shape'),
        (np.zeros((2, 2)), 'has shape'),
        (np.array([START, [np.nan, 0, 0], GOAL]), 'no finite numbers'),
        (np.array([START + 0.01, GOAL]), 'begins 0.0100 rad from where the arm is'),
        (np.array([START, GOAL + 0.01]), 'ends 0.0100 rad from every goal'),
        (np.array([START, [0, 1.2, 0], GOAL]), '0.2000 rad beyond a joint limit'),
        (np.array([START]), 'ends 0.4000 rad from every goal'),
    ],
)
def test_what_is_malformed_is_refused(corners, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        checked_path(corners, PROBLEM, SETTINGS)
    assert caught.value.error_code is ErrorCode.NO_PATH


def test_what_touches_something_between_its_corners_is_refused():
    crowded = replace(PROBLEM, is_free=lambda q: not 0.19 < q[0] < 0.22)
    with pytest.raises(Dex1bError, match='by our own check'):
        checked_path(np.stack([START, GOAL]), crowded, SETTINGS)


def test_points_that_come_twice_and_a_way_of_no_length_are_fine():
    path = checked_path(np.stack([START, START, GOAL, GOAL]), PROBLEM, SETTINGS)
    np.testing.assert_array_equal(path[[0, -1]], [START, GOAL])
    here = replace(PROBLEM, goals=(START,))
    np.testing.assert_array_equal(checked_path(START[None], here, SETTINGS), [START, START])


class Straight:
    """A search that looks at nothing."""

    def path(self, problem):
        self.problem = problem
        return checked_path(np.stack([problem.start, problem.goals[0]]), problem, SETTINGS)


def test_transit_asks_the_search_that_it_is_given(motion, robot, scene):
    search = Straight()
    transit = Transit(motion.model, ArmIk(motion.model), SETTINGS, search)
    bodies = environment(scene(y=0.28, obstacles=np.array([[0.36, 0.0, 0.42]])), SETTINGS)
    checker = CollisionChecker(motion.model, bodies, settings=SETTINGS)
    home, hand = np.array(robot.arm.home), np.array(robot.hand.open)
    aside = np.array([1.0, 0, 0, 0, 0, 0, 0])
    path = transit.path(home + 0.6 * aside, [home + aside], hand, checker, seed=1)
    np.testing.assert_array_equal(path[-1], home + aside)
    assert search.problem.bodies.keys() == {TABLE, OBJECT, OBSTACLES}
    assert search.problem.margins == {
        TABLE: SETTINGS.hand_table_margin, OBJECT: SETTINGS.object_margin,
        OBSTACLES: SETTINGS.obstacle_margin,
    }  # fmt: skip
    assert search.problem.fixed_links == (robot.base_link,)
    np.testing.assert_array_equal(search.problem.hand, hand)
    with pytest.raises(Dex1bError, match='by our own check'):
        transit.path(home - aside, [home + aside], hand, checker, seed=1)
