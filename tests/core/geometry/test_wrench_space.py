"""Friction cones, wrench spaces and tasks against figures worked out by hand."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.wrench_space import (
    balance,
    contact_frames,
    epsilon_quality,
    friction_pyramid,
    grasp_matrix,
    mean_residual,
    primitive_wrenches,
    prismatic_task,
    revolute_task,
)

R = 0.05


def grasp_at(points, *, centre=(0.0, 0.0, 0.0), torque_length=R):
    """Contacts on a ball around the origin."""
    points = torch.as_tensor(points, dtype=torch.float64)
    inward = -torch.nn.functional.normalize(points, dim=-1)
    centre = torch.as_tensor(centre, dtype=torch.float64)
    return grasp_matrix(points, inward, centre, torque_length=torque_length)


OPPOSED = [[R, 0, 0], [-R, 0, 0]]
TRIANGLE = [[R * math.cos(a), R * math.sin(a), 0] for a in (0, 2 * math.pi / 3, 4 * math.pi / 3)]
OCTAHEDRON = R * np.vstack([np.eye(3), -np.eye(3)])


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_contact_frames_are_rotations_that_begin_with_the_normal(seed):
    normals = torch.randn(7, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    normals = torch.nn.functional.normalize(normals, dim=-1)
    frames = contact_frames(normals)
    torch.testing.assert_close(frames[..., 0], normals)
    identity = torch.eye(3, dtype=torch.float64).expand(7, 3, 3)
    torch.testing.assert_close(frames @ frames.mT, identity)
    torch.testing.assert_close(torch.linalg.det(frames), torch.ones(7, dtype=torch.float64))


def test_grasp_matrix_gives_force_and_torque_about_the_centre():
    matrix = grasp_at([[R, 0, 0]], centre=[0, R, 0])[0]
    wrench = matrix @ torch.tensor([2.0, 0, 0], dtype=torch.float64)
    # a push of 2 N along -x with the arm (R, -R, 0): torque about z is -R * 2, over R
    np.testing.assert_allclose(wrench, [-2, 0, 0, 0, 0, -2], atol=1e-12)


def test_grasp_matrix_has_the_gradient_of_finite_differences():
    inward = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.6, -0.8]], dtype=torch.float64)
    points = torch.tensor(OPPOSED, dtype=torch.float64).requires_grad_()
    centre = torch.tensor([0.01, 0.0, 0.02], dtype=torch.float64)

    def wrenches(points, normals):
        return grasp_matrix(points, normals, centre, torque_length=R)

    assert torch.autograd.gradcheck(wrenches, (points, inward.requires_grad_()))


def test_the_pyramid_lies_on_the_cone():
    pyramid = friction_pyramid(0.4, 8)
    np.testing.assert_allclose(pyramid[:, 0], 1.0)
    np.testing.assert_allclose(pyramid[:, 1:].norm(dim=-1), 0.4, rtol=1e-6)
    np.testing.assert_allclose(pyramid[0], [1, 0.4, 0], atol=1e-7)


@pytest.mark.parametrize(('friction', 'edges'), [(-0.1, 8), (math.nan, 8), (0.5, 2)])
def test_no_cone_is_refused(friction, edges):
    with pytest.raises(Dex1bError, match='friction') as caught:
        friction_pyramid(friction, edges)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_two_opposed_points_cannot_resist_a_twist_about_their_line():
    assert epsilon_quality(grasp_at(OPPOSED), 0.5) == 0.0
    assert epsilon_quality(grasp_at(OPPOSED), 0.5, each_contact=True) == 0.0


def test_three_points_hold_a_ball_but_not_without_friction():
    quality = epsilon_quality(grasp_at(TRIANGLE), 0.5)
    assert 0.05 < quality < 0.5
    assert epsilon_quality(grasp_at(TRIANGLE), 0.0) == 0.0


@pytest.mark.parametrize('friction', [0.3, 1.0])
def test_epsilon_of_an_octahedron_is_the_nearest_facet_of_its_hull(friction):
    grasp = grasp_at(OCTAHEDRON)
    wrenches = primitive_wrenches(grasp, friction, 8).reshape(-1, 6).numpy()
    hull = ConvexHull(np.vstack([wrenches, np.zeros(6)]))
    assert epsilon_quality(grasp, friction) == pytest.approx(-hull.equations[:, 6].max(), rel=1e-6)


def test_a_long_torque_arm_leaves_only_twists_that_are_hard():
    # about any axis of the octahedron four contacts twist with mu * R / L each, one at a time
    friction = 0.5
    short = epsilon_quality(grasp_at(OCTAHEDRON, torque_length=10 * R), friction, edges=4)
    half = epsilon_quality(grasp_at(OCTAHEDRON, torque_length=20 * R), friction, edges=4)
    assert short == pytest.approx(2 * half, rel=0.02)


def test_bounds_at_each_contact_are_the_minkowski_sum():
    grasp = grasp_at(TRIANGLE)
    wrenches = primitive_wrenches(grasp, 0.7, 4).numpy()
    options = [np.vstack([contact, np.zeros(6)]) for contact in wrenches]
    sums = np.array([np.sum(choice, axis=0) for choice in itertools.product(*options)])
    expected = -ConvexHull(sums).equations[:, 6].max()
    assert epsilon_quality(grasp, 0.7, edges=4, each_contact=True) == pytest.approx(
        expected, rel=1e-4
    )


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_epsilon_is_the_support_of_the_worst_direction(seed):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(4, 3))
    points = R * points / np.linalg.norm(points, axis=1, keepdims=True)
    grasp = grasp_at(points)
    wrenches = primitive_wrenches(grasp, 0.8).reshape(-1, 6).numpy()
    directions = generator.normal(size=(4000, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    support = np.maximum((directions @ wrenches.T).max(axis=1), 0.0).min()
    quality = epsilon_quality(grasp, 0.8)
    assert quality <= support + 1e-6
    assert quality <= epsilon_quality(grasp, 0.8, each_contact=True) + 1e-6
    assert epsilon_quality(grasp, 0.5) <= quality + 1e-6


def test_opposed_contacts_hold_a_weight_by_friction():
    # 1 N along -z by two contacts: 0.5 N of friction each, 0.5 / mu N of normal force
    found = balance(grasp_at(OPPOSED), [0, 0, 1, 0, 0, 0], 0.5)
    assert found.residual < 1e-9
    assert found.forces.shape == (2, 3)
    np.testing.assert_allclose(np.linalg.norm(found.forces[:, 1:], axis=1), 0.5, atol=1e-6)
    assert (found.forces[:, 0] >= 1.0 - 1e-6).all()


def test_what_cannot_be_balanced_stays_as_residual():
    one_sided = grasp_at([[R, 0, 0], [R * 0.96, R * 0.28, 0]])
    pull = balance(one_sided, [1, 0, 0, 0, 0, 0], 0.1)
    assert pull.residual == pytest.approx(1.0, abs=1e-6)
    squeezed = balance(one_sided, np.zeros(6), 0.1, squeeze=1.0)
    assert squeezed.residual > 0.9
    assert squeezed.forces[:, 0].sum() == pytest.approx(1.0, abs=1e-3)
    assert balance(grasp_at(OPPOSED), np.zeros(6), 0.1, squeeze=1.0).residual < 1e-6


def test_mean_residual_ranks_grasps():
    good, bad = mean_residual(grasp_at(TRIANGLE), 0.6), mean_residual(grasp_at(TRIANGLE[:1]), 0.6)
    assert good < 1e-4
    assert bad > 0.5


def test_prismatic_wrenches_fill_a_cone_of_thirty_degrees():
    wrenches = prismatic_task([0, 0, 2.0], 64)
    np.testing.assert_allclose(wrenches.norm(dim=-1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(wrenches[:, 3:], 0.0)
    np.testing.assert_allclose(wrenches[0], [0, 0, 1, 0, 0, 0], atol=1e-6)
    angles = torch.rad2deg(torch.arccos(wrenches[:, 2].clamp(-1, 1)))
    assert 29.5 < angles.max() < 30.01
    # evenly spread: half of the cap's area lies within 21.1 degrees
    assert 0.45 < (angles < 21.1).float().mean() < 0.55
    np.testing.assert_allclose(wrenches[:, :2].mean(dim=0), 0.0, atol=0.02)


def test_revolute_wrenches_turn_the_joint_and_nothing_else_is_asked():
    axis, origin = np.array([0.0, 0, 1]), np.array([0.1, 0, 0])
    wrenches = revolute_task(axis, origin, [0, 0, 0], 200, torque_length=R)
    np.testing.assert_allclose(wrenches.norm(dim=-1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(wrenches[0], [0, 0, 0, 0, 0, 1], atol=1e-6)
    force, torque = wrenches[:, :3].numpy(), R * wrenches[:, 3:].numpy()
    at_joint = torque - np.cross(origin, force)
    np.testing.assert_allclose(at_joint[:, :2], 0.0, atol=1e-7)
    assert (at_joint[:, 2] > 0).all()
    sizes = np.linalg.norm(force, axis=1) * R / at_joint[:, 2]
    assert sizes.max() <= 1.0 + 1e-4
    np.testing.assert_allclose((force / at_joint[:, 2:]).mean(axis=0) * R, 0.0, atol=0.06)


@pytest.mark.parametrize('axis', [[0, 0, 0], [math.nan, 0, 1], [1, 0]])
def test_an_axis_without_direction_is_refused(axis):
    with pytest.raises(Dex1bError, match='joint axis'):
        prismatic_task(axis, 10)
    with pytest.raises(Dex1bError, match='joint axis'):
        revolute_task(axis, [0, 0, 0], [0, 0, 0], 10, torque_length=R)
