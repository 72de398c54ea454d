"""Which point a click meant."""

import numpy as np
import pytest

from dex1b_core.viz.browser.ray import point_on_ray

EYE = np.array([0.0, 0.0, 1.0])
DOWN = (0.0, 0.0, -1.0)


def test_the_nearer_surface_hides_the_other():
    points = np.array([[0.001, 0.0, 0.0], [0.005, 0.0, 0.3], [0.4, 0.0, 0.3]])
    np.testing.assert_allclose(point_on_ray(points, EYE, DOWN), points[1])


def test_of_points_about_as_near_the_closest_to_the_ray_is_meant():
    points = np.array([[0.006, 0.0, 0.3], [0.0, 0.001, 0.298]])
    np.testing.assert_allclose(point_on_ray(points, EYE, DOWN), points[1])


@pytest.mark.parametrize('points', [np.zeros((0, 3)), [[0.1, 0.0, 0.0]], [[0.0, 0.0, 2.0]]])
def test_beside_and_behind_is_nothing(points):
    assert point_on_ray(np.array(points), EYE, DOWN) is None
