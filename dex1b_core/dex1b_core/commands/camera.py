"""`dex1b camera ...`: calibrate cameras; dex1b_ros adds the check of a running one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from dex1b_core.errors import Dex1bError, ErrorCode

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
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
) -> None:
    """Find where a camera is mounted, from robot poses and the board as the camera saw it."""
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
    if json_path is not None:
        report = {
            'parent': parent,
            'robot_T_camera': found.robot_T_camera.tolist(),
            'robot_T_board': found.robot_T_board.tolist(),
            'rms_mm': 1000 * found.rms_m,
            'rms_degrees': math.degrees(found.rms_rad),
            'offsets_mm': (1000 * found.offsets_m).tolist(),
            'turns_degrees': [math.degrees(turn) for turn in found.turns_rad],
        }
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(report, indent=2) + '\n')


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


def _numbers(values: Any) -> str:
    return ' '.join(f'{value:.4f}' for value in values)
