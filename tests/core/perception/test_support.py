import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import PerceptionSettings, find_support_plane

RANDOM = np.random.default_rng(3)


def table(height: float, tilt: float, count: int = 5000) -> np.ndarray:
    flat = RANDOM.uniform(-0.4, 0.4, (count, 2))
    return np.column_stack([flat, height + np.tan(tilt) * flat[:, 0]])


@pytest.mark.parametrize(('height', 'tilt'), [(0.0, 0.0), (-0.05, 0.1), (0.3, -0.2)])
def test_plane_is_found_among_noise_and_clutter(height: float, tilt: float) -> None:
    points = table(height, tilt) + RANDOM.normal(0, 0.002, (5000, 3))
    wall = np.column_stack([np.full(6000, 0.4), RANDOM.uniform(-0.5, 0.5, (6000, 2))])
    plane = find_support_plane(np.concatenate([points, wall]), settings=PerceptionSettings())
    assert plane.normal == pytest.approx([-np.sin(tilt), 0, np.cos(tilt)], abs=0.01)
    assert plane.signed_distance([0, 0, height]) == pytest.approx(0, abs=0.002)


def test_a_wall_is_no_support() -> None:
    wall = np.column_stack([np.full(6000, 0.4), RANDOM.uniform(-0.5, 0.5, (6000, 2))])
    with pytest.raises(Dex1bError, match='no support plane') as caught:
        find_support_plane(wall, settings=PerceptionSettings())
    assert caught.value.error_code == ErrorCode.NO_PLANE


def test_given_plane_is_taken_where_none_is_seen() -> None:
    settings = PerceptionSettings(plane_source='estimate_or_given', plane_height=0.02)
    plane = find_support_plane(np.zeros((0, 3)), settings=settings)
    assert plane.signed_distance([0, 0, 0.02]) == pytest.approx(0)


def test_seen_plane_wins_over_given_one() -> None:
    settings = PerceptionSettings(plane_source='estimate_or_given', plane_height=0.02)
    plane = find_support_plane(table(0.1, 0.0), settings=settings)
    assert plane.signed_distance([0, 0, 0.1]) == pytest.approx(0, abs=1e-3)
