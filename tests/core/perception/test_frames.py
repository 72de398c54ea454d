import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import (
    CameraIntrinsics,
    decode_depth,
    make_intrinsics,
    median_depth,
    rectify_depth,
    remove_flying_pixels,
)

MATRIX = [300.0, 0, 160, 0, 300, 120, 0, 0, 1]


def test_millimetres_become_metres_and_zero_becomes_nan() -> None:
    depth = decode_depth(np.array([[0, 1234]], np.uint16), '16UC1')
    assert np.isnan(depth[0, 0])
    assert depth[0, 1] == pytest.approx(1.234)


def test_floats_keep_their_value_but_not_infinity() -> None:
    depth = decode_depth(np.array([[np.inf, -1.0, 0.7, 50.0]], np.float32), '32FC1')
    assert np.isnan(depth[0, [0, 1, 3]]).all()
    assert depth[0, 2] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ('pixels', 'encoding', 'code'),
    [
        (np.ones((2, 2, 3), np.uint8), 'rgb8', ErrorCode.DEPTH_ENCODING),
        (np.ones((2, 2), np.uint8), 'mono8', ErrorCode.DEPTH_ENCODING),
        (np.zeros((0, 4), np.uint16), '16UC1', ErrorCode.DEPTH_EMPTY),
        (np.zeros((4, 4), np.uint16), '16UC1', ErrorCode.DEPTH_EMPTY),
        (np.full((4, 4), np.nan, np.float32), '32FC1', ErrorCode.DEPTH_EMPTY),
    ],
)
def test_unusable_depth_has_its_code(pixels: np.ndarray, encoding: str, code: ErrorCode) -> None:
    with pytest.raises(Dex1bError) as caught:
        decode_depth(pixels, encoding)
    assert caught.value.error_code == code


@pytest.mark.parametrize(
    ('matrix', 'width', 'height'),
    [
        (MATRIX, 640, 480),
        ([0.0] * 9, 320, 240),
        ([float('nan'), *MATRIX[1:]], 320, 240),
        ([300.0, 0, 400, 0, 300, 120, 0, 0, 1], 320, 240),
    ],
)
def test_camera_info_that_cannot_belong_to_the_image(
    matrix: list[float], width: int, height: int
) -> None:
    with pytest.raises(Dex1bError) as caught:
        make_intrinsics(matrix, width, height, (240, 320))
    assert caught.value.error_code == ErrorCode.CAMERA_INFO_MISMATCH


@given(st.integers(0, 319), st.integers(0, 239), st.floats(0.2, 5.0))
def test_projection_inverts_deprojection(u: int, v: int, z: float) -> None:
    intrinsics = CameraIntrinsics(320, 240, 300.0, 310.0, 161.0, 117.5)
    points = intrinsics.deproject(np.full((240, 320), z))
    columns, rows, depths = intrinsics.project(points[v, u][None])
    assert (columns[0], rows[0]) == (u, v)
    assert depths[0] == pytest.approx(z, rel=1e-5)


def test_points_behind_the_camera_project_nowhere() -> None:
    intrinsics = CameraIntrinsics(320, 240, 300.0, 300.0, 160.0, 120.0)
    columns, _, _ = intrinsics.project([[0.0, 0.0, -1.0]])
    assert columns[0] == -1


def test_median_ignores_outliers_and_needs_a_majority() -> None:
    images = [np.array([[1.0, np.nan]], np.float32), np.array([[1.1, np.nan]], np.float32),
              np.array([[9.0, 1.0]], np.float32)]  # fmt: skip
    middle = median_depth(images)
    assert middle[0, 0] == pytest.approx(1.1)
    assert np.isnan(middle[0, 1])


def test_pixels_between_two_surfaces_are_removed() -> None:
    depth = np.full((20, 20), 1.0, np.float32)
    depth[:, 10:] = 0.7
    depth[:, 10] = 0.85
    cleaned = remove_flying_pixels(depth)
    assert np.isnan(cleaned[:, 10]).all()
    assert np.isfinite(cleaned[1:-1, 1:9]).all()
    assert np.isfinite(cleaned[1:-1, 12:-1]).all()


def test_distortion_is_removed() -> None:
    intrinsics = CameraIntrinsics(320, 240, 300.0, 300.0, 160.0, 120.0)
    depth = np.tile(np.linspace(1, 2, 320, dtype=np.float32), (240, 1))
    assert rectify_depth(depth, intrinsics, [0.0] * 5) is depth
    flat = rectify_depth(depth, intrinsics, [-0.2, 0, 0, 0, 0])
    assert flat[120, 160] == pytest.approx(depth[120, 160])
    # barrel distortion pulled the border inwards: it is taken from nearer the centre
    assert flat[120, 20] > depth[120, 20] + 0.005
