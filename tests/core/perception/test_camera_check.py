import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import CameraIntrinsics
from dex1b_core.perception.camera_check import plane_noise_of, stream_skew, stream_timing

CAMERA = CameraIntrinsics(160, 120, 150.0, 150.0, 79.5, 59.5)


def plane(angle: float, distance: float = 0.8) -> np.ndarray:
    """Depth of a plane turned about the x axis."""
    normal = np.array([0, np.sin(angle), np.cos(angle)])
    rays = CAMERA.deproject(np.ones((120, 160))).astype(float)
    return distance * normal[2] / (rays @ normal)


@pytest.mark.parametrize('angle', [0.0, 0.4, 0.8])
def test_noise_distance_and_angle_are_those_drawn(angle: float) -> None:
    random = np.random.default_rng(1)
    images = [plane(angle) + random.normal(0, 0.002, (120, 160)) for _ in range(10)]
    found = plane_noise_of(images, CAMERA)
    assert found.distance_m == pytest.approx(0.8, abs=0.004)  # the middle is between pixels
    assert found.angle_rad == pytest.approx(angle, abs=0.02)
    assert found.rough_m == pytest.approx(0.002, rel=0.15)
    assert found.flicker_m == pytest.approx(0.002, rel=0.15)
    assert found.on_plane > 0.95
    assert found.holes == 0


def test_holes_and_things_before_the_plane_are_told() -> None:
    image = plane(0.3)
    image[:12] = np.nan
    image[55:65, 75:85] = 0.5
    found = plane_noise_of([image], CAMERA)
    assert found.holes == pytest.approx(0.1)
    assert found.on_plane < 0.95
    assert found.rough_m < 1e-6
    assert np.isnan(found.flicker_m)


def test_nothing_in_the_middle_is_refused() -> None:
    image = plane(0.0)
    image[40:80, 50:110] = np.nan
    with pytest.raises(Dex1bError) as caught:
        plane_noise_of([image], CAMERA)
    assert caught.value.error_code == ErrorCode.DEPTH_EMPTY


def test_timing_by_stamps() -> None:
    timing = stream_timing([0.0, 0.1, 0.2, 0.2, 0.5])
    assert timing.rate_hz == pytest.approx(6.0)
    assert timing.longest_gap_s == pytest.approx(0.3)
    assert timing.repeated == 1
    with pytest.raises(Dex1bError, match='different stamps'):
        stream_timing([1.0, 1.0, 1.0])


def test_skew_is_the_worst_distance_to_the_nearest_stamp() -> None:
    assert stream_skew([0.0, 0.1, 0.2], [0.01, 0.13, 0.2, 9.0]) == pytest.approx(0.03)
