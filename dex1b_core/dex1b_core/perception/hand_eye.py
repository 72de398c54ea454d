"""Where a camera sits, from poses of the robot and of a board that the camera sees.

The closed form of Park and Martin (Robot Sensor Calibration: Solving AX = XB on the Euclidean
Group, 1994) starts a least-squares fit over all pairs at once. OpenCV's own solver is not used:
its Python wheels of version 5 come without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import invert, make_transform

Array = NDArray[np.float64]
LEAST_PAIRS = 4
LEAST_TURN = np.radians(10.0)  # of the robot between two poses, to tell anything
LEAST_SPREAD = 0.1  # of the axes of these turns: second singular value over the first
ARM = 0.3  # [m] that weighs angles against lengths: an error of rotation at arm's length


@dataclass(frozen=True)
class HandEyeCalibration:
    """Result and how far to trust it.

    Attributes:
        robot_T_camera: (4, 4) camera in the gripper (mounted on it) or in the base (fixed).
        robot_T_board: (4, 4) board in the base (camera on the gripper) or in the gripper.
        offsets_m: (N,) of the board of each pair from where all others together say it is [m].
        turns_rad: (N,) the same as angle [rad].
    """

    robot_T_camera: Array
    robot_T_board: Array
    offsets_m: Array
    turns_rad: Array

    @property
    def rms_m(self) -> float:
        """Root mean square of `offsets_m`."""
        return float(np.sqrt((self.offsets_m**2).mean()))

    @property
    def rms_rad(self) -> float:
        """Root mean square of `turns_rad`."""
        return float(np.sqrt((self.turns_rad**2).mean()))


def calibrate_hand_eye(
    base_T_gripper: Sequence[Array], camera_T_board: Sequence[Array], *, fixed: bool
) -> HandEyeCalibration:
    """Find the camera's mounting.

    Args:
        base_T_gripper: N poses (4, 4) of the robot.
        camera_T_board: The board as the camera saw it at each of them.
        fixed: The camera stands still and the gripper holds the board; else the camera moves with
            the gripper and the board lies still.

    Raises:
        Dex1bError: INVALID_REQUEST for too few pairs, poses that are none, or robot poses that
            turn about one axis only.
    """
    robot = [_pose(pose, 'base_T_gripper', i) for i, pose in enumerate(base_T_gripper)]
    board = [_pose(pose, 'camera_T_board', i) for i, pose in enumerate(camera_T_board)]
    if len(robot) != len(board) or len(robot) < LEAST_PAIRS:
        raise _invalid(
            f'{len(robot)} robot poses and {len(board)} board poses; expected as many of both, '
            f'at least {LEAST_PAIRS}, better 15'
        )
    if fixed:
        robot = [invert(pose) for pose in robot]
    start = _closed_form(robot, board)
    start_board = robot[0] @ start @ board[0]
    x, y = _refine(start, start_board, robot, board)
    errors = [_error(r @ x @ b, y) for r, b in zip(robot, board, strict=True)]
    return HandEyeCalibration(
        x,
        y,
        np.array([np.linalg.norm(error[3:]) for error in errors]),
        np.array([np.linalg.norm(error[:3]) for error in errors]),
    )


def _closed_form(robot: Sequence[Array], board: Sequence[Array]) -> Array:
    """X of A X = X B over the motions A of the robot and B of the board between all poses."""
    motions = [
        (invert(robot[j]) @ robot[i], board[j] @ invert(board[i]))
        for i, j in combinations(range(len(robot)), 2)
    ]
    turns = [(_log(a), _log(b)) for a, b in motions]
    chosen = [k for k, (a, _) in enumerate(turns) if np.linalg.norm(a) > LEAST_TURN]
    axes = np.array([turns[k][0] for k in chosen]).reshape(-1, 3)
    spread = np.linalg.svd(axes, compute_uv=False) if len(axes) > 1 else np.zeros(2)
    if len(axes) < 2 or spread[1] < LEAST_SPREAD * spread[0]:
        raise _invalid(
            f'the robot turns by over {np.degrees(LEAST_TURN):.0f} degrees between '
            f'{len(chosen)} pairs of poses, about one axis at most; expected turns about two or '
            'more different axes: tilt the gripper to all sides'
        )
    u, _, vt = np.linalg.svd(sum(np.outer(turns[k][0], turns[k][1]) for k in chosen))
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    left = np.concatenate([motions[k][0][:3, :3] - np.eye(3) for k in chosen])
    right = np.concatenate([rotation @ motions[k][1][:3, 3] - motions[k][0][:3, 3] for k in chosen])
    return make_transform(rotation, np.linalg.lstsq(left, right, rcond=None)[0])


def _refine(
    x: Array, y: Array, robot: Sequence[Array], board: Sequence[Array]
) -> tuple[Array, Array]:
    from scipy.optimize import least_squares

    def residuals(step: Array) -> Array:
        moved_x, moved_y = x @ _exp(step[:6]), y @ _exp(step[6:])
        errors = [_error(r @ moved_x @ b, moved_y) for r, b in zip(robot, board, strict=True)]
        return np.concatenate([np.r_[ARM * error[:3], error[3:]] for error in errors])

    step = least_squares(residuals, np.zeros(12)).x
    return x @ _exp(step[:6]), y @ _exp(step[6:])


def _error(found: Array, expected: Array) -> Array:
    """(6,) rotation vector [rad] and offset [m] between two poses."""
    offset = found[:3, 3] - expected[:3, 3]
    return np.concatenate([_log(invert(expected) @ found), offset])


def _log(pose: Array) -> Array:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(pose[:3, :3]).as_rotvec())


def _exp(step: Array) -> Array:
    from scipy.spatial.transform import Rotation

    return make_transform(Rotation.from_rotvec(step[:3]).as_matrix(), step[3:])


def _pose(pose: Array, name: str, index: int) -> Array:
    pose = np.asarray(pose, dtype=float)
    good = pose.shape == (4, 4) and np.isfinite(pose).all()
    if not good or np.abs(pose[:3, :3] @ pose[:3, :3].T - np.eye(3)).max() > 1e-3:
        raise _invalid(f'{name} number {index} is no pose: expected a 4x4 rigid transform [m]')
    return pose


def _invalid(words: str) -> Dex1bError:
    return Dex1bError(ErrorCode.INVALID_REQUEST, f'hand-eye calibration: {words}')
