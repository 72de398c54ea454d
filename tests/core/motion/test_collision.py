import numpy as np
import pinocchio as pin
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.collision import Allow, CollisionChecker, environment


@pytest.fixture(scope='module')
def checker(motion, scene):
    obstacles = np.random.default_rng(0).uniform([0.3, 0.3, 0.0], [0.5, 0.4, 0.2], (4000, 3))
    settings = MotionSettings(hand_table_margin=0.03, arm_table_margin=0.04, obstacle_margin=0.03,
                              object_margin=0.03)  # fmt: skip
    bodies = environment(scene(obstacles=obstacles), settings)
    return CollisionChecker(motion.model, bodies, settings=settings)


def _first(motion, robot, observation, arm, *, allow=Allow.NOTHING):
    checker = CollisionChecker(
        motion.model, environment(observation, MotionSettings()), settings=MotionSettings(),
        allow=allow,
    )  # fmt: skip
    return checker.first_collision(motion.model.configuration(arm))


def test_home_is_free(motion, robot, scene):
    assert _first(motion, robot, scene(), robot.arm.home) is None


def test_boxes_first_finds_what_testing_every_pair_finds(motion, robot, checker):
    rng = np.random.default_rng(1)
    lower = np.maximum(motion.model.lower, -np.pi)
    upper = np.minimum(motion.model.upper, np.pi)
    verdicts = []
    for _ in range(400):
        q = motion.model.configuration(rng.uniform(lower, upper))
        geometry, data = checker._geometry, checker._geometry_data
        slow = pin.computeCollisions(motion.model.model, checker._data, geometry, data, q, True)
        fast = pin.computeCollisions(motion.model.model, checker._data, checker._manager, q, True)
        assert slow == fast
        verdicts.append(slow)
    assert 50 < sum(verdicts) < 350


@pytest.mark.parametrize(
    ('code', 'body', 'make'),
    [
        (ErrorCode.TABLE_COLLISION, 'support plane', {'table': 0.35, 'x': 0.8}),
        (ErrorCode.SCENE_COLLISION, 'object', {'x': 0.36, 'size': (0.1, 0.1, 0.5)}),
        (ErrorCode.SCENE_COLLISION, 'obstacles', {'obstacles': np.array([[0.36, 0.0, 0.4]])}),
    ],
)
def test_names_what_touches(motion, robot, scene, code, body, make):
    collision = _first(motion, robot, scene(**make), robot.arm.home)
    assert (collision.code, collision.body_b) == (code, body)
    assert f"'{body}'" in collision.error('here').message


def test_self_collision(motion, robot, scene):
    folded = [0.3, 0.4, 2.1, 0.3, -0.6, 2.6, -2.7]
    collision = _first(motion, robot, scene(x=0.8), folded)
    assert (collision.body_a, collision.body_b) == ('link1', 'thumb_base')
    assert collision.code == ErrorCode.SELF_COLLISION


def test_outside_of_the_workspace(motion, robot, scene):
    behind = [np.pi, *robot.arm.home[1:]]
    collision = _first(motion, robot, scene(), behind)
    assert collision.code == ErrorCode.OUT_OF_WORKSPACE
    assert '-0.361' in collision.body_a


def test_hand_may_touch_the_object_where_that_is_allowed(motion, robot, scene):
    around_hand = scene(x=0.36, size=(0.1, 0.1, 0.5))
    arm = robot.arm.home
    assert _first(motion, robot, around_hand, arm, allow=Allow.OBJECT) is None


@pytest.mark.parametrize(
    'points', [np.zeros((3, 3)), np.random.default_rng(0).random((20, 3)) * [1, 1, 0]]
)
def test_an_object_without_volume_is_refused(scene, points):
    from dataclasses import replace

    observation = replace(scene(), points=points, shapes=())
    with pytest.raises(Dex1bError) as caught:
        environment(observation, MotionSettings())
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID
