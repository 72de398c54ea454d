"""`dex1b camera ...`: calibrate cameras; dex1b_ros adds the check of a running one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dex1b_core.commands.report_file import write_json
from dex1b_core.errors import Dex1bError, ErrorCode

if TYPE_CHECKING:
    from dex1b_core.perception import HandEyeCalibration

camera_app = typer.Typer(help='Check and calibrate depth cameras.', no_args_is_help=True)


def register(main_app: typer.Typer) -> None:
    """Add the commands to `dex1b`."""
    main_app.add_typer(camera_app, name='camera')


@camera_app.command('calibrate')
def calibrate(
    pairs: Annotated[
        Path,
        typer.Argument(
            help='JSON: a list of {"base_T_gripper": 4x4, "camera_T_board": 4x4}, metres.'
        ),
    ],
    fixed: Annotated[
        bool,
        typer.Option('--fixed', help='The camera stands still, the gripper holds the board.'),
    ] = False,
    table: Annotated[
        Path | None,
        typer.Option(
            help='JSON: {"depth": 16-bit PNG in mm beside it, "k": [fx, fy, cx, cy], '
            '"base_T_gripper": 4x4 unless --fixed, "height": of the table in the base, metres}.'
        ),
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
) -> None:
    """Find where a camera is mounted, from robot poses and the board as the camera saw it.

    With --table the result is checked: the camera must see the table level and at its height.
    """
    from dex1b_core.geometry import to_xyzw
    from dex1b_core.perception import calibrate_hand_eye

    robot, board = _read(pairs)
    found = calibrate_hand_eye(robot, board, fixed=fixed)
    position, quaternion = to_xyzw(found.robot_T_camera)
    parent = 'base' if fixed else 'gripper'
    typer.echo(f'{parent}_T_camera: xyz {_numbers(position)} m, xyzw {_numbers(quaternion)}')
    typer.echo(
        f'residual of {len(robot)} pairs: {1000 * found.rms_m:.2f} mm, '
        f'{math.degrees(found.rms_rad):.3f} degrees rms'
    )
    worst = int(found.offsets_m.argmax())
    typer.echo(f'worst pair: number {worst}, {1000 * found.offsets_m[worst]:.2f} mm')
    checked = {} if table is None else _check_table(table, found.robot_T_camera, fixed=fixed)
    report = {'parent': parent, **_figures(found), 'table': checked or None}
    write_json(report, json_path)


def _figures(found: HandEyeCalibration) -> dict[str, Any]:
    return {
        'robot_T_camera': found.robot_T_camera.tolist(),
        'robot_T_board': found.robot_T_board.tolist(),
        'rms_mm': 1000 * found.rms_m,
        'rms_degrees': math.degrees(found.rms_rad),
        'offsets_mm': (1000 * found.offsets_m).tolist(),
        'turns_degrees': [math.degrees(turn) for turn in found.turns_rad],
    }


def _read(path: Path) -> tuple[list[Any], list[Any]]:
    try:
        items = json.loads(path.read_text())
        return (
            [item['base_T_gripper'] for item in items],
            [item['camera_T_board'] for item in items],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path}: {error!r}; expected a JSON list of objects with base_T_gripper and '
            'camera_T_board, 4x4 row by row in metres',
        ) from None


def _check_table(path: Path, robot_T_camera: Any, *, fixed: bool) -> dict[str, float]:
    """Look at the table through the calibration, and say by how much it is off."""
    from dex1b_core.perception import DepthFrame, check_table, decode_depth, make_intrinsics

    item, pixels = _read_table(path, fixed=fixed)
    height, width = pixels.shape
    fx, fy, cx, cy = item['k']
    matrix = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    intrinsics = make_intrinsics(matrix, width, height, pixels.shape)
    base_T_camera = robot_T_camera if fixed else item['base_T_gripper'] @ robot_T_camera
    found = check_table(DepthFrame(decode_depth(pixels, '16UC1'), intrinsics, base_T_camera))
    off = found.height_m - item['height']
    typer.echo(
        f'table: {1000 * off:+.1f} mm from its height, tilted by '
        f'{math.degrees(found.tilt_rad):.2f} degrees, noise {1000 * found.noise_m:.1f} mm'
    )
    return {
        'off_mm': 1000 * off,
        'tilt_degrees': math.degrees(found.tilt_rad),
        'noise_mm': 1000 * found.noise_m,
    }


def _read_table(path: Path, *, fixed: bool) -> tuple[dict[str, Any], Any]:
    """Values of a table's file, and the depth image beside it."""
    import cv2
    import numpy as np

    try:
        item = json.loads(path.read_text())
        pixels = cv2.imread(str(path.parent / item['depth']), cv2.IMREAD_UNCHANGED)
        values = {
            'k': np.asarray(item['k'], dtype=float).reshape(4).tolist(),
            'height': float(item['height']),
            'base_T_gripper': None
            if fixed
            else np.asarray(item['base_T_gripper'], dtype=float).reshape(4, 4),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path}: {error!r}; expected a JSON object with depth (name of an image), k (fx, fy, '
            'cx, cy), height [m] and, unless --fixed, base_T_gripper (4x4)',
        ) from None
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path.parent / item["depth"]} is no 16-bit image of one channel in millimetres',
        )
    return values, pixels


def _numbers(values: Any) -> str:
    return ' '.join(f'{value:.4f}' for value in values)
