from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.robot_mask import Look, judge, looks, report
from dex1b_core.perception import PerceptionSettings, RobotMask
from dex1b_core.robots import load_robot
from dex1b_core.simulation.camera import load_camera

SETTINGS = PerceptionSettings()
ROBOT = load_robot('xarm7_ability')


@pytest.fixture(scope='module')
def seen() -> list[Look]:
    return list(looks(ROBOT, load_camera('front_side'), SETTINGS, poses=5, seed=3))


def test_no_robot_point_is_left_and_the_object_stays(seen: list[Look]) -> None:
    mask = RobotMask.from_urdf(ROBOT.urdf_path, padding=SETTINGS.robot_padding)
    found = report([judge(look, mask, SETTINGS) for look in seen])
    assert found['n'] == 5
    assert found['errors'] == []
    assert found['robot_in_any'] == 0
    assert found['lost_max'] <= 0.02


def test_a_mask_of_a_wrong_posture_is_noticed(seen: list[Look]) -> None:
    mask = RobotMask.from_urdf(ROBOT.urdf_path, padding=SETTINGS.robot_padding)
    away = np.eye(4)
    away[:3, 3] = [0.0, 0.0, 0.3]
    wrong = [
        replace(look, link_poses={name: away @ pose for name, pose in look.link_poses.items()})
        for look in seen
    ]
    assert report([judge(look, mask, SETTINGS) for look in wrong])['robot_in_any'] > 1000
