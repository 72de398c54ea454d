"""Still scenes pass however noisy; small shifts of one object or the camera do not."""

import numpy as np
import pytest
from rendering import box, frame

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.perception import check_camera_still, check_still

EVERYWHERE = np.ones((240, 320), dtype=bool)


def block(shift: float = 0.0) -> np.ndarray:
    """A box moved sideways [m], with another seed of the noise each time."""
    body = box((0.4, -0.04 + shift, 0), (0.48, 0.04 + shift, 0.1))
    return frame(body, noise=0.0015, seed=round(1000 * shift) + 1).depth_m


def test_noise_is_no_motion() -> None:
    body = box((0.4, -0.04, 0), (0.48, 0.04, 0.1))
    check_still([frame(body, noise=0.0015, seed=seed).depth_m for seed in range(5)], EVERYWHERE)


def test_one_image_is_still() -> None:
    check_still([block()], EVERYWHERE)


def test_an_object_that_moves_is_named_with_its_place() -> None:
    with pytest.raises(Dex1bError, match=r'pixels around \(1[4-7]\d, 1[0-3]\d\)') as caught:
        check_still([block(), block(), block(0.012)], EVERYWHERE)
    assert caught.value.error_code == ErrorCode.SCENE_MOVING


def test_slow_motion_adds_up() -> None:
    with pytest.raises(Dex1bError):
        check_still([block(shift) for shift in (0.0, 0.003, 0.006, 0.009, 0.012)], EVERYWHERE)


def test_motion_outside_what_counts_does_not() -> None:
    check_still([block(), block(0.012)], np.zeros_like(EVERYWHERE))


@pytest.mark.parametrize(('shift', 'turn'), [(0.004, 0.0), (0.0, 0.01)])
def test_a_camera_that_moves_is_refused(shift: float, turn: float) -> None:
    c, s = np.cos(turn), np.sin(turn)
    moved = make_transform(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]), [shift, 0, 0])
    check_camera_still([np.eye(4), np.eye(4)])
    with pytest.raises(Dex1bError, match="camera 'wrist' moved by"):
        check_camera_still([np.eye(4), moved], 'wrist')
