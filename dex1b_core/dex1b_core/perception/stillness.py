"""Whether anything moved between images that are to be averaged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]
LEAST_CHANGE = 0.008  # at 1 m, with the square of depth; noise and disparity steps stay below [m]
LEAST_STEP = 0.004  # however near [m]
CORE = 3  # [px] side of a square that changed all over: single pixels at borders flicker
LEAST_PIXELS = 60  # of such squares, in an image of 640x480
CAMERA_SHIFT = 0.003  # of the camera's position between images [m]
CAMERA_TURN = np.radians(0.3)
PIXELS = 640 * 480


def check_still(
    images: Sequence[NDArray[np.float32]], where: NDArray[np.bool_], camera: str = 'camera'
) -> None:
    """Refuse images between which something moved.

    Args:
        images: (H, W) depth [m].
        where: (H, W) pixels that count.
        camera: Its name, for messages.

    Raises:
        Dex1bError: SCENE_MOVING, saying where in the image and by how much.
    """
    if len(images) < 2:
        return
    pairs = [*pairwise(images), (images[0], images[-1])]  # what is slow shows from end to end
    for first, second in pairs:
        moved = _moved(first, second) & where
        least = LEAST_PIXELS * first.size / PIXELS
        if np.count_nonzero(moved) > least:
            rows, columns = np.nonzero(moved)
            step = float(np.median(np.abs(second[moved] - first[moved])))
            raise Dex1bError(
                ErrorCode.SCENE_MOVING,
                f"something moved before camera '{camera}' while {len(images)} images were "
                f'taken: {len(rows)} pixels around ({int(np.median(columns))}, '
                f'{int(np.median(rows))}) changed by {1000 * step:.0f} mm; wait until the scene '
                'rests, or set frames to 1',
            )


def check_camera_still(poses: Sequence[Array], camera: str = 'camera') -> None:
    """Refuse images between which the camera itself moved.

    Args:
        poses: planning_T_camera (4, 4) at the stamp of each image.
        camera: Its name, for messages.

    Raises:
        Dex1bError: SCENE_MOVING.
    """
    for pose in poses[1:]:
        shift = float(np.linalg.norm(pose[:3, 3] - poses[0][:3, 3]))
        cosine = (np.trace(poses[0][:3, :3].T @ pose[:3, :3]) - 1) / 2
        turn = float(np.arccos(np.clip(cosine, -1, 1)))
        if shift > CAMERA_SHIFT or turn > CAMERA_TURN:
            raise Dex1bError(
                ErrorCode.SCENE_MOVING,
                f"camera '{camera}' moved by {1000 * shift:.1f} mm and {np.degrees(turn):.2f} "
                f'degrees while {len(poses)} images were taken; let the robot rest, or set frames '
                'to 1',
            )


def _moved(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Middles of squares in which every pixel changed by more than noise does."""
    limit = np.maximum(LEAST_CHANGE * np.maximum(first, second) ** 2, LEAST_STEP)
    changed = np.abs(second - first) > limit  # NaN is not
    core = cv2.erode(changed.view(np.uint8), np.ones((CORE, CORE), np.uint8), borderValue=0)
    return np.asarray(core > 0)
