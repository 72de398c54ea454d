"""Images and point clouds."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.bounds import MAX_PIXELS, MAX_POINTS, require_at_most

Array = NDArray[np.float64]

_ENCODINGS = {
    'mono8': (np.uint8, 1), '8UC1': (np.uint8, 1), '16UC1': (np.uint16, 1),
    'mono16': (np.uint16, 1), '32FC1': (np.float32, 1), 'rgb8': (np.uint8, 3),
    'bgr8': (np.uint8, 3), 'rgba8': (np.uint8, 4), 'bgra8': (np.uint8, 4),
}  # fmt: skip


def to_bytes(data: NDArray[Any]) -> array.array:
    """Bytes of an array as the type that rclpy assigns without copying element by element."""
    return array.array('B', np.ascontiguousarray(data).tobytes())


def image(message: Image) -> NDArray[Any]:
    """Image to (H, W) or (H, W, C), in the message's own type and channel order.

    Raises:
        Dex1bError: DEPTH_ENCODING for an unknown encoding, DEPTH_EMPTY for a zero-size image,
            INVALID_REQUEST when the data do not have the length that the header says.
    """
    if message.encoding not in _ENCODINGS:
        raise Dex1bError(
            ErrorCode.DEPTH_ENCODING,
            f"image encoding '{message.encoding}' in frame '{message.header.frame_id}' is not "
            f'supported; expected one of {", ".join(_ENCODINGS)}',
        )
    if message.height == 0 or message.width == 0:
        raise Dex1bError(
            ErrorCode.DEPTH_EMPTY,
            f"image in frame '{message.header.frame_id}' is {message.width}x{message.height}; "
            'expected at least one pixel: check the camera driver',
        )
    require_at_most(message.height * message.width, MAX_PIXELS, 'pixels in an image')
    dtype, channels = _ENCODINGS[message.encoding]
    scalar = np.dtype(dtype).newbyteorder('>' if message.is_bigendian else '<')
    row = message.width * channels * scalar.itemsize
    step = message.step or row
    if step < row or len(message.data) < step * message.height:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'image of {message.width}x{message.height} {message.encoding} holds '
            f'{len(message.data)} bytes with step {message.step}; expected '
            f'{row * message.height}: check the camera driver',
        )
    raw = np.frombuffer(message.data, np.uint8, step * message.height)
    pixels = np.ascontiguousarray(raw.reshape(message.height, step)[:, :row]).view(scalar)
    pixels = pixels.astype(dtype, copy=False)
    return pixels if channels == 1 else pixels.reshape(message.height, message.width, channels)


def image_msg(pixels: NDArray[Any], encoding: str, header: Header) -> Image:
    """(H, W) or (H, W, C) to Image; the array's type must be the encoding's."""
    message = Image(header=header, height=pixels.shape[0], width=pixels.shape[1])
    message.encoding, message.step = encoding, pixels.strides[0]
    message.data = to_bytes(pixels)
    message.step = len(message.data) // max(1, pixels.shape[0])
    return message


def cloud_msg(points: Array, header: Header, normals: Array | None = None) -> PointCloud2:
    """(N, 3) points and optional normals to PointCloud2 of float32."""
    columns = [points] if normals is None else [points, normals]
    names = ['x', 'y', 'z', 'normal_x', 'normal_y', 'normal_z'][: 3 * len(columns)]
    data = np.hstack([np.asarray(c, np.float32).reshape(-1, 3) for c in columns])
    fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    ]
    message = PointCloud2(header=header, height=1, width=len(data), fields=fields, is_dense=True)
    message.point_step = 4 * len(names)
    message.row_step = message.point_step * len(data)
    message.data = to_bytes(data)
    return message


def cloud(message: PointCloud2, names: tuple[str, ...] = ('x', 'y', 'z')) -> Array:
    """Float32 fields of a PointCloud2 as (N, len(names)); rows with a NaN are dropped.

    Raises:
        Dex1bError: INVALID_REQUEST when a field is missing or not float32.
    """
    offsets = {f.name: f.offset for f in message.fields if f.datatype == PointField.FLOAT32}
    missing = [name for name in names if name not in offsets]
    count = message.width * message.height
    require_at_most(count, MAX_POINTS, 'points in a cloud')
    if count == 0:
        return np.zeros((0, len(names)))
    end = max((offsets[name] + 4 for name in names if name in offsets), default=0)
    if missing or len(message.data) < count * message.point_step or end > message.point_step:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'point cloud needs float32 fields {list(names)} within its point_step of '
            f'{message.point_step} bytes, and {count * message.point_step} bytes; it has '
            f'{sorted(offsets)} up to byte {end}, and {len(message.data)} bytes',
        )
    dtype = np.dtype(
        {
            'names': list(names),
            'formats': ['<f4'] * len(names),
            'offsets': [offsets[name] for name in names],
            'itemsize': message.point_step,
        }
    )
    table = np.frombuffer(message.data, dtype, count)
    points = np.stack([table[name] for name in names], axis=1).astype(float)
    return points[np.isfinite(points).all(axis=1)]
