"""Paths of the arm between postures, and why there is none."""

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.collision import CollisionChecker, environment
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.transit import Transit

SETTINGS = MotionSettings()


@pytest.fixture(scope='module')
def transit(motion):
    return Transit(motion.model, ArmIk(motion.model), SETTINGS)


def checker(motion, observation):
    bodies = environment(observation, SETTINGS)
    return CollisionChecker(motion.model, bodies, settings=SETTINGS)


def test_a_path_ends_at_one_of_the_goals(transit, motion, robot, scene):
    home, hand = np.array(robot.arm.home), np.array(robot.hand.open)
    goals = [home + 0.4, home - 0.2]
    free = checker(motion, scene(x=0.8))
    path = transit.path(home, goals, hand, free, seed=1)
    np.testing.assert_array_equal(path[0], home)
    assert min(np.abs(goal - path[-1]).max() for goal in goals) < 1e-6
    assert np.abs(np.diff(path, axis=0)).max() <= SETTINGS.path_step + 1e-9
    assert free.first_on_path(motion.model.configuration(q, hand) for q in path) is None


@pytest.mark.parametrize(
    ('swap', 'text'), [(False, "'obstacles' where the arm is now"), (True, 'at the goal')]
)
def test_ends_in_collision_are_told(transit, motion, robot, scene, swap, text):
    home, hand = np.array(robot.arm.home), np.array(robot.hand.open)
    crowded = scene(y=0.28, obstacles=np.array([[0.36, 0.0, 0.42]]))
    start, goal = home, home + np.array([0.8, 0, 0, 0, 0, 0, 0])
    if swap:
        start, goal = goal, start
    with pytest.raises(Dex1bError, match=text) as caught:
        transit.path(start, [goal], hand, checker(motion, crowded), seed=1)
    assert caught.value.error_code == ErrorCode.SCENE_COLLISION
