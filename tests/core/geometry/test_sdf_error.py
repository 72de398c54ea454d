"""Errors of distance grids stay within their bound and shrink with their cells."""

import numpy as np
import pytest
import trimesh

from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.sdf_error import sdf_error
from dex1b_core.geometry.shapes import shape_parts
from dex1b_core.geometry.solids import Solid, fuse

SPHERE = trimesh.creation.icosphere(subdivisions=4, radius=0.04)
BALL = Solid(np.asarray(SPHERE.vertices), np.asarray(SPHERE.faces))


class Offset:
    """The distances of a ball, wrong by a known amount."""

    def __init__(self, offset):
        self.offset = offset

    def distance(self, points):
        return points.norm(dim=-1) - 0.04 + self.offset


def test_a_known_error_is_measured():
    error = sdf_error(Offset(2e-3), BALL)
    assert error.mean == pytest.approx(2.0, abs=0.05)
    assert error.max == pytest.approx(2.0, abs=0.15)
    assert sdf_error(Offset(0.0), BALL).max < 0.15  # the ball is a polyhedron


@pytest.mark.parametrize(('shape', 'resolution'), [('box', 24), ('star', 32), ('mug', 48)])
def test_a_grid_errs_less_than_half_its_cells_diagonal(shape, resolution):
    solid = fuse(shape_parts(shape))
    grid = build_sdf(solid.vertices, solid.faces, resolution=resolution)
    cell = float((grid.upper - grid.lower).norm()) / (resolution - 1)
    error = sdf_error(grid, solid)
    assert 0.0 < error.mean <= error.p95 <= error.max <= 1e3 * cell / 2
    assert error.p95 < 1e3 * cell / 4


def test_the_error_of_a_grid_shrinks_with_its_cells():
    errors = [
        sdf_error(build_sdf(BALL.vertices, BALL.faces, resolution=n), BALL).mean for n in (16, 48)
    ]
    assert errors[1] < errors[0] / 3
