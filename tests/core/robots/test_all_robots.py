"""Every described robot: a home that is free, within its limits and its workspace."""

import coal
import numpy as np
import pytest

from dex1b_core.assets import AssetError
from dex1b_core.motion.collision import TABLE, CollisionChecker
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.robots import hand_names, load_robot, robot_names

HANDS = {'ability', 'allegro', 'inspire', 'leap', 'shadow'}


def test_each_arm_comes_with_each_hand():
    expected = {f'{arm}_{hand}' for arm in ('xarm7', 'panda', 'ur5') for hand in HANDS}
    assert expected <= set(robot_names())
    assert {f'{hand}_right' for hand in HANDS} <= set(hand_names())


@pytest.mark.parametrize('name', robot_names())
def test_home_is_free_and_velocities_are_within_the_urdf(name):
    robot = load_robot(name)
    try:
        model = RobotModel(robot)
    except AssetError as error:
        pytest.skip(error.message)
    home = np.array(robot.arm.home)
    table = {TABLE: coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0)}
    checker = CollisionChecker(model, table, settings=MotionSettings())
    assert checker.first_collision(model.configuration(home)) is None
    assert ((home >= model.lower) & (home <= model.upper)).all()
    stated = model.model.velocityLimit[model.arm_indices]
    assert (np.array(robot.arm.velocity_limits) <= stated + 1e-6).all()


@pytest.mark.parametrize('name', robot_names())
def test_fingers_point_away_from_the_arm(name):
    robot = load_robot(name)
    if robot.mount is None:
        pytest.skip('one model of both')
    try:
        model = RobotModel(robot)
    except AssetError as error:
        pytest.skip(error.message)
    link = robot.mount.link
    if not model.model.existFrame(link):
        link = f'arm_{link}'
    import pinocchio as pin

    pin.forwardKinematics(model.model, model.data, model.configuration(robot.arm.home))
    flange, wrist = (
        pin.updateFramePlacement(model.model, model.data, frame).rotation
        for frame in (model.model.getFrameId(link), model.root_frame)
    )
    along = flange.T @ wrist @ np.array(robot.hand.palm.fingers)
    assert along[2] > 0.9
