"""Energy terms against values by hand and finite differences."""

import math

import pytest
import torch

from dex1b_core.synthesis import energies
from dex1b_core.synthesis.wrench import TORQUE_LENGTH, force_directions, wrench_residual

CENTRE = torch.zeros(3, 1)


def pinch(offset=0.0):
    """Two contacts on a ball of 3 cm, opposite; the second moved sideways."""
    points = torch.tensor([[0.03, 0.0, 0.0], [-0.03, offset, 0.0]])
    inward = torch.tensor([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    return points[..., None], inward[..., None]


def test_force_closure_of_a_pinch_is_zero_and_of_a_push_is_not():
    assert energies.force_closure(*pinch(), CENTRE).item() == pytest.approx(0.0, abs=1e-10)
    points, inward = pinch()
    # both push towards +x at heights 0: force 2, no torque
    pushed = energies.force_closure(points, inward.abs(), CENTRE)
    assert pushed.item() == pytest.approx(4.0)


def test_force_closure_counts_torque_in_its_length():
    # forces balance; the couple is 1 N x 2 cm about z, in units of TORQUE_LENGTH
    couple = energies.force_closure(*pinch(0.02), CENTRE)
    assert couple.item() == pytest.approx((0.02 / TORQUE_LENGTH) ** 2, rel=1e-5)


def residual(points, inward, friction, wrenches):
    return energies.friction_closure(points, inward, CENTRE, wrenches, friction)


def test_one_contact_answers_along_its_normal_exactly():
    points, inward = (t[:1] for t in pinch())
    along = torch.tensor([[-1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    assert residual(points, inward, 0.4, along).item() == pytest.approx(0.0, abs=1e-5)


def test_pinch_resists_sideways_forces_by_friction_alone():
    sideways = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    # normal parts cancel, both tangents point along the wanted force
    assert residual(*pinch(), 0.4, sideways).item() == pytest.approx(0.0, abs=1e-4)
    # a single contact adds its normal force: the best edge is at atan(mu) from the normal
    points, inward = (t[:1] for t in pinch())
    at_centre = energies.friction_closure(points, inward, points[0], sideways, 0.4)
    assert at_centre.item() == pytest.approx(1.0 - math.sin(math.atan(0.4)), abs=1e-4)


def test_pinch_answers_torques_across_its_axis_but_not_about_it():
    about_y = torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]])
    about_x = torch.tensor([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    # forces +-z at +-3 cm make a pure torque; normals cancel
    assert residual(*pinch(), 0.4, about_y).item() == pytest.approx(0.0, abs=1e-4)
    # point contacts on the x axis have no arm about it
    assert residual(*pinch(), 0.4, about_x).item() == pytest.approx(1.0, abs=1e-3)


def test_weights_take_contacts_out():
    wrenches = force_directions(14)
    points, inward = (torch.cat([t, 0.5 * t[:1]]) for t in pinch())
    without = wrench_residual(
        points, inward, CENTRE, wrenches, 0.4, torch.tensor([[1.0], [1.0], [0.0]])
    )
    torch.testing.assert_close(without, residual(*pinch(), 0.4, wrenches))


def test_three_around_balance_better_than_three_on_one_side():
    angles = torch.tensor([0.0, 2.0, 4.0]) * math.pi / 3.0
    around = torch.stack([angles.cos(), angles.sin(), torch.zeros(3)], dim=-1)[..., None]
    narrow = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.1, 0.0], [1.0, -0.1, 0.0], [1.0, 0.0, 0.1]]), dim=-1
    )[..., None]
    wrenches = force_directions(14)
    good, bad = (residual(0.03 * p, -p, 0.4, wrenches).item() for p in (around, narrow))
    assert good < 0.3 < bad


def test_force_directions_are_unit_spread_and_without_torque():
    directions = force_directions(14)
    torch.testing.assert_close(directions[:, :3].norm(dim=-1), torch.ones(14))
    assert directions[:, 3:].abs().max() == 0.0
    assert directions[:, :3].mean(dim=0).norm() < 0.05


def test_distances_and_penetrations_by_hand():
    distance = torch.tensor([[0.01], [-0.02], [0.0]])
    assert energies.contact_distance(distance).item() == pytest.approx(0.03)
    radii = torch.tensor([0.005, 0.005, 0.005])
    assert energies.penetration(distance, radii).item() == pytest.approx(0.025 + 0.005)


def test_weights_scale_the_penetration_of_each_sphere():
    distance = torch.tensor([[0.0, 0.01], [-0.02, -0.001], [0.001, 0.004]])
    radii = torch.tensor([0.005, 0.005, 0.005])
    weighted = energies.penetration(distance, radii, torch.tensor([1.0, 0.1, 3.0]))
    # depths 5, 25, 4 mm and 0, 6, 1 mm
    assert weighted.tolist() == pytest.approx([0.005 + 0.0025 + 0.012, 0.0006 + 0.003])
    ones = energies.penetration(distance, radii, torch.ones(3))
    torch.testing.assert_close(ones, energies.penetration(distance, radii))
    each = energies.penetration(distance, radii[:, None].expand(3, 2), torch.ones(3))
    torch.testing.assert_close(each, ones)


def test_joint_limits_by_hand():
    posture = torch.tensor([[1.2], [0.5], [-0.3]])
    value = energies.joint_limits(posture, torch.zeros(3), torch.ones(3))
    assert value.item() == pytest.approx(0.5)


@pytest.mark.parametrize('term', ['force_closure', 'friction_closure'])
def test_closure_gradients_equal_finite_differences(term):
    generator = torch.Generator().manual_seed(0)
    points = (0.04 * torch.randn(3, 3, 2, generator=generator)).double().requires_grad_()
    inward = torch.nn.functional.normalize(torch.randn(3, 3, 2, generator=generator), dim=1)
    inward = inward.double().requires_grad_()
    wrenches = torch.nn.functional.normalize(torch.randn(5, 6, generator=generator), dim=1)
    centre = CENTRE.double()

    def value(p, n):
        if term == 'force_closure':
            return energies.force_closure(p, n, centre)
        return energies.friction_closure(p, n, centre, wrenches.double(), 0.4)

    assert torch.autograd.gradcheck(value, (points, inward), eps=1e-6, atol=1e-4)


def test_contacts_outside_the_region_count_by_their_distance():
    lower, upper = torch.tensor([-0.01] * 3), torch.tensor([0.01] * 3)
    points = torch.tensor([[0.0, 0.0, 0.0], [0.04, 0.05, 0.0]])[..., None]
    value = energies.contact_region(points, lower, upper)
    assert value.item() == pytest.approx(0.05, abs=1e-5)  # 3 cm and 4 cm beyond a corner


def joint_motion(*angles, friction=0.4):
    """Of contacts whose normals are so many degrees off the way of the joint."""
    turns = [math.radians(angle) for angle in angles]
    inward = torch.tensor([[math.cos(turn), math.sin(turn), 0.0] for turn in turns])[..., None]
    tangents = torch.tensor([1.0, 0.0, 0.0])[:, None].expand_as(inward)
    return energies.joint_motion(inward, tangents, friction).item()


def test_contacts_that_push_along_the_joint_serve_it():
    cone = math.atan(0.4)
    assert joint_motion(0.0) == pytest.approx(0.0, abs=1e-6)
    assert joint_motion(math.degrees(cone) - 1.0) == pytest.approx(0.0, abs=1e-6)
    assert joint_motion(90.0) == pytest.approx(1.0 - math.sin(cone), abs=1e-3)
    assert joint_motion(60.0) == pytest.approx(1.0 - math.cos(math.radians(60.0) - cone), abs=1e-3)


def test_contacts_that_oppose_the_motion_do_not_count_against_others():
    assert joint_motion(180.0) == pytest.approx(1.0)
    assert joint_motion(0.0, 180.0) == pytest.approx(0.5)


def test_task_energy_falls_towards_the_motion():
    inward = torch.nn.functional.normalize(torch.tensor([[[0.5], [0.8], [0.1]]]), dim=1)
    inward.requires_grad_()
    tangents = torch.tensor([[[1.0], [0.0], [0.0]]])
    (gradient,) = torch.autograd.grad(energies.joint_motion(inward, tangents, 0.4).sum(), inward)
    assert gradient[0, 0, 0] < 0.0
