from itertools import pairwise

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.planner import plan_path

LOWER, UPPER = np.full(3, -2.0), np.full(3, 2.0)
START, GOAL = np.array([-1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])


def wall_with_a_hole(q, shrunk=0.0):
    return not (abs(q[0]) < 0.2 - shrunk and not (0.8 - shrunk < q[1] < 1.4 + shrunk))


def plan(is_free, *, seed=1, **settings):
    return plan_path(
        START, [GOAL], is_free=is_free, lower=LOWER, upper=UPPER,
        settings=MotionSettings(**settings), seed=seed,
    )  # fmt: skip


def test_free_space_is_crossed_straight():
    path = plan(lambda q: True)
    np.testing.assert_allclose(path[:, 1:], 0.0)
    np.testing.assert_allclose(path[[0, -1]], [START, GOAL])


@pytest.mark.parametrize('seed', range(5))
def test_finds_the_hole_and_stays_free(seed):
    path = plan(wall_with_a_hole, seed=seed)
    np.testing.assert_allclose(path[[0, -1]], [START, GOAL])
    fine = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(path)])
    # checked every 0.02 rad, so corners may be cut by less
    assert all(wall_with_a_hole(q, shrunk=0.02) for q in fine)
    assert np.abs(np.diff(path, axis=0)).max() <= 0.051
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).sum() < 5.0


def test_the_same_seed_gives_the_same_path():
    np.testing.assert_array_equal(plan(wall_with_a_hole, seed=3), plan(wall_with_a_hole, seed=3))


def test_reaches_any_of_the_goals():
    path = plan_path(
        START, [np.array([1.0, -1.9, 0.0]), GOAL], is_free=wall_with_a_hole, lower=LOWER,
        upper=UPPER, settings=MotionSettings(), seed=2,
    )  # fmt: skip
    assert min(np.abs(path[-1] - GOAL).max(), np.abs(path[-1] - [1.0, -1.9, 0.0]).max()) < 1e-9


def test_a_closed_wall_ends_in_no_path():
    with pytest.raises(Dex1bError, match='no collision-free arm path') as caught:
        plan(lambda q: abs(q[0]) > 0.2, planning_time=0.3)
    assert caught.value.error_code == ErrorCode.NO_PATH
