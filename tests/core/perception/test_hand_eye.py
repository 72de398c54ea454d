import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import typer
from rendering import frame
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from dex1b_core.commands import camera
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import from_rpy, invert, make_transform
from dex1b_core.perception import calibrate_hand_eye, check_table

GRIPPER_T_CAMERA = from_rpy([0.05, -0.03, 0.08], [0.1, -0.2, 1.5])
BASE_T_BOARD = from_rpy([0.5, 0.1, 0.0], [0.0, 0.05, 0.3])


def shaken(pose, random, turn, offset):
    rotation = Rotation.from_rotvec(random.normal(0, turn, 3)).as_matrix()
    return pose @ make_transform(rotation, random.normal(0, offset, 3))


def pairs(count=12, turn=0.0, offset=0.0, tilt=0.5, seed=0):
    """Robot poses above the board, and the board as a camera on the gripper sees it."""
    random = np.random.default_rng(seed)
    low, high = [0.3, -0.2, 0.3, np.pi - tilt, -tilt, -1], [0.6, 0.3, 0.5, np.pi + tilt, tilt, 1]
    robot = [from_rpy(pose[:3], pose[3:]) for pose in random.uniform(low, high, (count, 6))]
    board = [invert(GRIPPER_T_CAMERA) @ invert(pose) @ BASE_T_BOARD for pose in robot]
    return robot, [shaken(pose, random, turn, offset) for pose in board]


def test_exact_pairs_give_the_exact_pose() -> None:
    found = calibrate_hand_eye(*pairs(4), fixed=False)
    assert found.robot_T_camera == pytest.approx(GRIPPER_T_CAMERA, abs=1e-6)
    assert found.robot_T_board == pytest.approx(BASE_T_BOARD, abs=1e-6)
    assert found.rms_m < 1e-7


def test_fixed_camera_that_sees_the_board_in_the_gripper() -> None:
    robot, _ = pairs()
    gripper_T_board, base_T_camera = GRIPPER_T_CAMERA, from_rpy([1.2, 0, 0.6], [-2.0, 0.1, 1.6])
    board = [invert(base_T_camera) @ pose @ gripper_T_board for pose in robot]
    found = calibrate_hand_eye(robot, board, fixed=True)
    assert found.robot_T_camera == pytest.approx(base_T_camera, abs=1e-6)
    assert found.robot_T_board == pytest.approx(gripper_T_board, abs=1e-6)


def test_noise_averages_out_and_shows_in_the_residuals() -> None:
    noisy = pairs(30, turn=np.radians(0.2), offset=0.001)
    found = calibrate_hand_eye(*noisy, fixed=False)
    assert found.robot_T_camera[:3, 3] == pytest.approx(GRIPPER_T_CAMERA[:3, 3], abs=0.002)
    assert 0.5 * np.radians(0.35) < found.rms_rad < 2 * np.radians(0.35)  # three axes of 0.2
    assert 0.001 < found.rms_m < 0.005


def test_a_bad_pair_stands_out() -> None:
    robot, board = pairs(15)
    board[7] = board[7] @ make_transform(np.eye(3), [0.03, 0, 0])
    found = calibrate_hand_eye(robot, board, fixed=False)
    assert int(found.offsets_m.argmax()) == 7


@pytest.mark.parametrize(
    ('spoil', 'says'),
    [
        (lambda robot, board: (robot[:3], board[:3]), 'at least 4'),
        (lambda robot, board: (robot, board[:-1]), 'as many of both'),
        (lambda robot, board: ([2 * pose for pose in robot], board), 'number 0 is no pose'),
    ],
)
def test_pairs_that_cannot_be_used(spoil, says: str) -> None:
    with pytest.raises(Dex1bError, match=says) as caught:
        calibrate_hand_eye(*spoil(*pairs()), fixed=False)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_turns_about_one_axis_are_not_enough() -> None:
    with pytest.raises(Dex1bError, match='about one axis'):
        calibrate_hand_eye(*pairs(tilt=0.0), fixed=False)


def run(*words):
    app = typer.Typer()
    camera.register(app)
    result = CliRunner().invoke(app, ['camera', 'calibrate', *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_command_reads_pairs_and_reports_residuals(tmp_path) -> None:
    robot, board = pairs(15)
    board[7] = board[7] @ make_transform(np.eye(3), [0.03, 0, 0])
    file, report = tmp_path / 'pairs.json', tmp_path / 'report.json'
    items = [
        {'base_T_gripper': r.tolist(), 'camera_T_board': b.tolist()}
        for r, b in zip(robot, board, strict=True)
    ]
    file.write_text(json.dumps(items))
    assert 'worst pair: number 7' in run(file, '--json', report)
    content = json.loads(report.read_text())
    assert content['parent'] == 'gripper'
    assert np.array(content['robot_T_camera']) == pytest.approx(GRIPPER_T_CAMERA, abs=0.02)
    assert int(np.argmax(content['offsets_mm'])) == 7


def test_command_says_what_the_file_should_hold(tmp_path) -> None:
    file = tmp_path / 'pairs.json'
    file.write_text('[{"base_T_gripper": []}]')
    with pytest.raises(Dex1bError, match='camera_T_board, 4x4'):
        run(file)


@pytest.mark.parametrize(('off', 'tilt'), [(0.0, 0.0), (0.012, 0.03)])
def test_a_wrong_result_sees_the_table_tilted_or_beside_its_height(off: float, tilt: float) -> None:
    image = frame(noise=0.001)
    c, s = np.cos(tilt), np.sin(tilt)
    wrong = make_transform(np.array([[1, 0, 0], [0, c, -s], [0, s, c]]), [0, 0, off])
    found = check_table(replace(image, planning_T_camera=wrong @ image.planning_T_camera))
    assert found.tilt_rad == pytest.approx(tilt, abs=0.003)
    assert found.height_m == pytest.approx(off, abs=0.003)


def test_command_checks_the_result_against_the_table(tmp_path) -> None:
    image = frame()
    robot, board = pairs(15)
    file, table, report = (tmp_path / name for name in ('p.json', 't.json', 'r.json'))
    items = [{'base_T_gripper': r.tolist(), 'camera_T_board': b.tolist()}
             for r, b in zip(robot, board, strict=True)]  # fmt: skip
    file.write_text(json.dumps(items))
    k = image.intrinsics
    cv2.imwrite(str(tmp_path / 'd.png'), np.rint(1000 * np.nan_to_num(image.depth_m)).astype('u2'))
    gripper = image.planning_T_camera @ invert(GRIPPER_T_CAMERA)
    item = {'depth': 'd.png', 'k': [k.fx, k.fy, k.cx, k.cy], 'base_T_gripper': gripper.tolist()}
    table.write_text(json.dumps(item | {'height': -0.02}))
    assert 'table: +20' in run(file, '--table', table, '--json', report)
    assert json.loads(report.read_text())['table']['tilt_degrees'] < 0.3
    table.write_text(json.dumps(item))
    with pytest.raises(Dex1bError, match='height'):
        run(file, '--table', table)
    table.write_text(json.dumps(item | {'height': 0, 'depth': 'gone.png'}))
    with pytest.raises(Dex1bError, match=r'gone\.png is no 16-bit image'):
        run(file, '--table', table)
