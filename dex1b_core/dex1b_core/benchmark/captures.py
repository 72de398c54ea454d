"""Folders of real depth captures with ground truth, in the layout of the OSD conversion.

One folder a scene with `depth.png` (480x640 uint16, millimetres, 0 = none), `label.png` (480x640
uint8: 0 none, 1 table, 2.. objects) and, if there is one, `color.jpg`, aligned with the depth.
The camera is a pinhole with f = 525 px whose pose is unknown: the table gives the frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import invert
from dex1b_core.perception import (
    CameraIntrinsics,
    DepthFrame,
    PerceptionSettings,
    decode_depth,
    find_support_plane,
)
from dex1b_core.perception.boxes import plane_frame

INTRINSICS = CameraIntrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
UP = (0.0, -0.766, -0.643)  # expected in the optical frame: a camera that looks 40 degrees down
FIRST_OBJECT = 2  # label of the first object


@dataclass(frozen=True)
class LabelledCapture:
    """One scene.

    Attributes:
        name: Of its folder.
        frame: Depth and colour, in a frame whose z = 0 is the table.
        truth: (H, W) uint8, 0 = not measured, 1 = table, 2.. objects.
    """

    name: str
    frame: DepthFrame
    truth: NDArray[np.uint8]

    @property
    def objects(self) -> list[int]:
        """Labels of the objects."""
        return [int(label) for label in np.unique(self.truth) if label >= FIRST_OBJECT]


def capture_folders(data: Path) -> list[Path]:
    """Scene folders in a folder, in natural order.

    Raises:
        Dex1bError: INVALID_REQUEST when there is none.
    """
    if not data.is_dir():
        raise _invalid(f'{data} is not a folder; expected one with a folder for each scene')
    folders = [path.parent for path in data.glob('*/depth.png')]
    if not folders:
        raise _invalid(
            f'no scene in {data}: expected folders that hold depth.png and label.png each'
        )
    return sorted(folders, key=lambda path: _natural(path.name))


def read_captures(data: Path, settings: PerceptionSettings) -> Iterator[LabelledCapture]:
    """Every scene of a folder; see `capture_folders` and `read_capture` for errors."""
    for folder in capture_folders(data):
        yield read_capture(folder, settings)


def read_capture(folder: Path, settings: PerceptionSettings) -> LabelledCapture:
    """The scene of one folder, placed on its table.

    Raises:
        Dex1bError: INVALID_REQUEST for a file that is missing or of another kind, DEPTH_EMPTY,
            NO_PLANE.
    """
    pixels = _image(folder / 'depth.png', np.uint16)
    truth = _image(folder / 'label.png', np.uint8)
    if not (truth >= FIRST_OBJECT).any():
        raise _invalid(f'{folder / "label.png"} has no object: expected labels from 2 up')
    depth = decode_depth(pixels, '16UC1')
    points = INTRINSICS.deproject(depth).reshape(-1, 3)
    plane = find_support_plane(points, settings=settings, up=UP)
    camera_T_plane = plane_frame(plane)
    x = camera_T_plane[:3, 0]
    camera_T_plane[:3, 3] += np.nanmean(points, axis=0) @ x * x
    colour = _colour(folder / 'color.jpg')
    frame = DepthFrame(depth, INTRINSICS, invert(camera_T_plane), colour, camera=folder.name)
    return LabelledCapture(folder.name, frame, truth)


def _image(path: Path, kind: type[np.generic]) -> NDArray[Any]:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if image is None:
        raise _invalid(f'{path} is missing or no image')
    shape = (INTRINSICS.height, INTRINSICS.width)
    if image.dtype != kind or image.shape != shape:
        raise _invalid(
            f'{path} is {image.dtype} {image.shape}; expected {kind.__name__} {shape}: '
            'one channel, 640x480'
        )
    return np.asarray(image)


def _colour(path: Path) -> NDArray[np.uint8] | None:
    if not path.exists():
        return None
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    shape = (INTRINSICS.height, INTRINSICS.width, 3)
    if image is None or image.shape != shape:
        found = 'no image' if image is None else str(image.shape)
        raise _invalid(f'{path} is {found}; expected {shape}')
    return np.ascontiguousarray(image[..., ::-1])


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), '') if part.isdigit() else (0, part) for part in re.split(r'(\d+)', name)]


def _invalid(words: str) -> Dex1bError:
    return Dex1bError(ErrorCode.INVALID_REQUEST, words)
