"""What stands before the camera hides what lies behind it."""

import numpy as np

from dex1b_core.geometry import make_transform
from dex1b_core.perception import CameraIntrinsics, DepthFrame
from dex1b_core.perception.robot_shadow import BEHIND, robot_shadow
from dex1b_core.perception.segmentation import Cloud

DOWN = np.diag([1.0, -1.0, -1.0])
CAMERA = CameraIntrinsics(101, 101, 100.0, 100.0, 50.0, 50.0)
CORNERS = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (-0.2, 0.2) for z in (0.0, 0.12)])


def seen(x: float, robot: slice | None) -> Cloud:
    """From 1 m above (x, 0) onto a table; the robot fills columns half a metre before it."""
    depth = np.ones((101, 101), dtype=np.float32)
    mask = np.zeros((101, 101), dtype=bool)
    if robot is not None:
        mask[:, robot] = True
        depth[mask] = 0.5
    pose = make_transform(DOWN, [x, 0.0, 1.0])
    frame = DepthFrame(depth, CAMERA, pose, None, 0.0, 'camera')
    nothing = np.zeros((101, 101), dtype=bool)
    return Cloud(frame, np.zeros((101, 101, 3), np.float32), mask, ~mask, nothing)


def test_what_the_robot_hides_is_its_shadow_and_no_more():
    shadow = robot_shadow([seen(0.0, slice(50, 101))], CORNERS)
    assert len(shadow) > 1000
    assert shadow[:, 0].min() > -0.01
    # as far as the target reaches, at each height
    assert shadow[:, 0].max() > 0.18
    assert shadow[:, 2].max() < 0.5 - BEHIND
    np.testing.assert_array_less(np.abs(shadow - [0, 0, 0.06]).max(axis=0), [0.21, 0.21, 0.07])


def test_without_a_robot_in_the_view_nothing_is_hidden():
    assert len(robot_shadow([seen(0.0, None)], CORNERS)) == 0


def test_what_another_camera_sees_to_be_empty_is_no_shadow():
    both = [seen(0.0, slice(50, 101)), seen(0.3, None)]
    shadow = robot_shadow(both, CORNERS)
    assert len(shadow) < 0.2 * len(robot_shadow(both[:1], CORNERS))


def test_what_is_hidden_from_both_stays():
    both = [seen(0.0, slice(50, 101)), seen(0.3, slice(0, 101))]
    assert len(robot_shadow(both, CORNERS)) >= len(robot_shadow(both[:1], CORNERS))
