"""Joints from two noisy clouds: of parts seen from all sides and from one."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dex1b_core.articulation.axis_estimation import estimate_axis
from dex1b_core.articulation.draft import block
from dex1b_core.articulation.generator import random_articulated
from dex1b_core.benchmark.axis_bench import axis_error, bench_axis, observed
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.solids import fuse
from dex1b_core.geometry.surface import sample_surface

NOISE = 0.002  # [m]


def clouds(category, seed, moved, noise=NOISE):
    """The object, and its part before and after, seen from all sides by different points."""
    target = random_articulated(category, seed)
    random = np.random.default_rng(seed)
    found = []
    for number, position in enumerate((target.start, target.start + moved)):
        points = sample_surface(target.moving_solid(position), 2500, seed=number).points
        found.append(points + random.normal(0.0, noise, points.shape))
    return target, found


@pytest.mark.parametrize(
    ('category', 'moved'),
    [('door-left', 0.5), ('door-right', 0.3), ('box', 0.6), ('drawer', 0.1), ('faucet', 0.5)],
)
def test_joints_are_found_from_noisy_clouds(category, moved):
    target, (before, after) = clouds(category, 100, moved)
    estimate = estimate_axis(before, after)
    error = axis_error(target, estimate, moved)
    assert error.kind_right
    assert np.degrees(error.angle) < 3.0
    assert target.joint.slides or error.distance < 0.01
    assert abs(error.displacement) < 0.05
    assert estimate.residual < 0.01


def test_the_frame_does_not_matter():
    """Clouds turned and moved as one give the axis turned and moved."""
    target, (before, after) = clouds('door-left', 101, 0.5)
    turn = Rotation.from_euler('xyz', [0.4, -0.8, 1.1]).as_matrix()
    shift = np.array([0.5, -1.0, 2.0])
    estimate = estimate_axis(before @ turn.T + shift, after @ turn.T + shift)
    assert estimate.axis @ turn @ target.joint.axis > np.cos(np.radians(3.0))
    back = turn.T @ (estimate.origin - shift) - target.joint.origin
    assert np.linalg.norm(np.cross(back, target.joint.axis)) < 0.01


def test_exact_clouds_are_met_exactly():
    """The same points, turned about a line that no start is near to."""
    axis = np.array([1.0, 2.0, 2.0]) / 3.0
    origin = np.array([0.3, -0.2, 0.1])
    parts = [block([0, 0, 0], [0.3, 0.02, 0.2]), block([0.2, 0.0, 0.0], [0.3, 0.2, 0.05])]
    before = sample_surface(fuse([convex_part(part) for part in parts]), 2000).points
    turn = Rotation.from_rotvec(0.4 * axis)
    estimate = estimate_axis(before, turn.apply(before - origin) + origin)
    np.testing.assert_allclose(estimate.axis, axis, atol=1e-3)
    assert estimate.displacement == pytest.approx(0.4, abs=1e-3)
    assert np.linalg.norm(np.cross(estimate.origin - origin, axis)) < 1e-3


def test_estimates_repeat():
    _, (before, after) = clouds('box', 103, 0.4)
    first, second = (estimate_axis(before, after) for _ in range(2))
    np.testing.assert_allclose(first.axis, second.axis, atol=1e-9)  # sums in threads


def test_what_cannot_be_told_is_refused():
    _, (before, _) = clouds('drawer', 104, 0.1)
    with pytest.raises(Dex1bError, match=r'the part moved \d\.\d mm') as caught:
        estimate_axis(before, before + 0.001)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST
    with pytest.raises(Dex1bError, match='second observation has 50 finite points') as caught:
        estimate_axis(before, np.vstack([before[:50], np.full((500, 3), np.nan)]))
    assert caught.value.error_code == ErrorCode.TOO_FEW_POINTS
    with pytest.raises(Dex1bError, match=r'shape \(2500,\); expected points \(N, 3\)'):
        estimate_axis(before[:, 0], before)


def test_cameras_see_what_faces_them_and_is_not_hidden():
    target = random_articulated('door-left', 100)  # closed, with a knob
    eye = np.array([1.5, 0.0, 0.3])
    seen = observed(target, target.start, eye, np.random.default_rng(0), 2000)
    solid = target.moving_solid(target.start)
    assert (seen[:, 0] > target.fixed_solid.vertices[:, 0].max()).all()  # not the inside
    assert np.mean(seen[:, 0] < solid.vertices[:, 0].max() - 0.02) > 0.5  # the door, mostly
    assert seen[:, 0].max() <= solid.vertices[:, 0].max() + 1e-6
    assert len(seen) == 2000


def test_bench_reports_errors_by_category():
    names = ['articulated:door-left-106', 'articulated:drawer-106']
    report = bench_axis(names, 1, seed=3, points=1500)
    assert (report['n'], report['seed'], report['noise_m']) == (2, 3, 0.002)
    assert set(report['by_category']) == {'door-left', 'drawer'}
    assert report['by_category']['drawer']['position_cm'] is None
    assert report['by_category']['door-left']['axis_deg']['p50'] < 10.0
