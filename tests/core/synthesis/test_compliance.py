"""Where squeezed objects come to rest: springs in series and levers, by hand."""

import math
from types import SimpleNamespace

import pytest
import torch

from dex1b_core.synthesis.compliance import (
    CONTACT_COMPLIANCE,
    FRICTION,
    GROUND_LENGTH,
    squeeze_response,
)
from dex1b_core.synthesis.grip import FingerContacts, GripSettings

ARM = 0.1  # [m/rad] of each finger's one joint
CHANGE = 0.05  # [rad] commanded beyond contact
SETTINGS = GripSettings(stiffness=5.0)
# joint and contact in series give way by this much [m/N] along a finger's motion
GIVES = ARM**2 / SETTINGS.stiffness + CONTACT_COMPLIANCE
ALONE = ARM * CHANGE / GIVES  # [N] on an object that is held


def unit(angle):
    return [math.cos(angle), math.sin(angle), 0.0]


def respond(points, motions, inward, *, distance=None):
    """One grasp: each finger's contact point [m], direction of motion and inward normal."""
    count = len(points)
    normals = -torch.tensor(inward)[..., None]
    gaps = torch.zeros(count, 1) if distance is None else torch.tensor(distance)[:, None]
    contacts = FingerContacts(
        torch.tensor(points)[..., None],
        torch.zeros(count, 1, dtype=torch.int64),
        torch.ones(count, 1),
        normals,
        gaps,
    )
    jacobian = torch.zeros(count, 3, count, 1)
    for finger, motion in enumerate(motions):
        jacobian[finger, :, finger, 0] = ARM * torch.tensor(motion)
    kinematics = SimpleNamespace(jacobian=lambda columns, frames, at: jacobian)
    return squeeze_response(
        SimpleNamespace(kinematics=kinematics),
        torch.zeros(1, 4, 3, 1),
        contacts,
        torch.zeros(3, 1),
        torch.full((count, 1), CHANGE),
        SETTINGS,
    )


LEFT, RIGHT = [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]
PINCH = [[0.03, 0.0, 0.0], [-0.03, 0.0, 0.0]]


def test_two_opposed_fingers_press_and_move_nothing():
    found = respond(PINCH, [LEFT, RIGHT], [LEFT, RIGHT])
    assert found.shift.item() == pytest.approx(0.0, abs=1e-7)
    assert found.turn.item() == pytest.approx(0.0, abs=1e-6)
    assert found.normal[:, 0].tolist() == pytest.approx([ALONE, ALONE], rel=1e-4)
    assert found.slack.item() == pytest.approx(FRICTION * ALONE, rel=1e-4)
    assert found.fingers.item() == 1.0


def test_one_finger_pushes_the_object_along_and_presses_no_more():
    found = respond(PINCH[:1], [LEFT], [LEFT])
    assert found.shift.item() == pytest.approx(ARM * CHANGE, rel=1e-3)
    assert found.turn.item() == pytest.approx(0.0, abs=1e-4)
    assert found.normal.item() == pytest.approx(0.0, abs=1e-4)


def test_a_finger_off_the_centre_turns_the_object():
    height = 0.02
    found = respond([[0.0, height, 0.0]], [LEFT], [LEFT])
    # where it pushes the object must follow; of such motions the ground's springs choose
    lever = GROUND_LENGTH**2 + height**2
    # contacts are 10^9 times as stiff as the ground: few digits are left in single precision
    assert found.turn.item() == pytest.approx(ARM * CHANGE * height / lever, rel=0.1)
    assert found.shift.item() == pytest.approx(ARM * CHANGE * GROUND_LENGTH**2 / lever, rel=0.1)


def test_opposed_fingers_at_different_heights_turn_the_object():
    height, half = 0.005, 0.03
    points = [[half, height, 0.0], [-half, -height, 0.0]]
    found = respond(points, [LEFT, RIGHT], [LEFT, RIGHT])
    # torques 2 height F of the fingers against 2 (height^2 / GIVES + half^2 / compliance) theta
    turning = height * ALONE / (height**2 / GIVES + half**2 / CONTACT_COMPLIANCE)
    assert found.turn.item() == pytest.approx(turning, rel=1e-3)
    assert found.shift.item() == pytest.approx(0.0, abs=1e-6)
    normal = ALONE - height * turning / GIVES
    tangential = half * turning / CONTACT_COMPLIANCE
    assert found.slack.item() == pytest.approx(FRICTION * normal - tangential, rel=1e-3)


def test_a_stiffer_finger_pushes_a_weaker_one_back():
    """Two fingers against one: the object moves to where the springs balance."""
    points = [[0.03, 0.0, 0.0], [-0.03, 0.01, 0.0], [-0.03, -0.01, 0.0]]
    found = respond(points, [LEFT, RIGHT, RIGHT], [LEFT, RIGHT, RIGHT])
    # F - x / g of the two, F + x / g of the one: x = F g / 3
    assert found.shift.item() == pytest.approx(ALONE * GIVES / 3.0, rel=1e-4)
    expected = [ALONE * 4.0 / 3.0, ALONE * 2.0 / 3.0, ALONE * 2.0 / 3.0]
    assert found.normal[:, 0].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('tilt', [-0.45, -0.1, 0.0, 0.3, 0.6])
def test_slack_is_negative_where_surfaces_lean_out_of_the_cone(tilt):
    """A wedge: fingers press along x, its sides lean by the same angle either way."""
    inward = [unit(math.pi - tilt), unit(tilt)]
    found = respond(PINCH, [LEFT, RIGHT], inward)
    expected = ALONE * (FRICTION * math.cos(tilt) - math.sin(abs(tilt)))
    assert found.slack.item() == pytest.approx(expected, rel=1e-3)
    assert (found.slack.item() > 0.0) == (abs(tilt) < math.atan(FRICTION))
    assert found.normal[:, 0].tolist() == pytest.approx([ALONE * math.cos(tilt)] * 2, rel=1e-3)


def test_a_pull_takes_half_of_its_force_from_the_slack_of_a_pinch():
    found = respond(PINCH, [LEFT, RIGHT], [LEFT, RIGHT])
    # sideways each finger bears half of 1 N across its normal; along x 0.4 times that is lost
    assert found.pulled_slack.item() == pytest.approx(FRICTION * ALONE - 0.5, rel=1e-3)


@pytest.mark.parametrize('tilt', [-0.3, 0.3])
def test_a_wedge_is_pulled_out_more_easily_than_in(tilt):
    found = respond(PINCH, [LEFT, RIGHT], [unit(math.pi - tilt), unit(tilt)])
    # the worst pull adds its half to what leans out already and takes from what presses
    across, along = math.sin(abs(tilt)), math.cos(tilt)
    normal, tangential = ALONE * along - 0.5 * across, ALONE * across + 0.5 * along
    assert found.pulled_slack.item() == pytest.approx(FRICTION * normal - tangential, rel=1e-3)


def test_a_lone_finger_bears_all_of_a_pull():
    found = respond([[0.0, 0.0, 0.0]], [LEFT], [LEFT])
    # it presses no more; 1 N sideways is worse than 1 N off its surface, which counts 0.4
    assert found.pulled_slack.item() == pytest.approx(-1.0, rel=1e-3)


def test_fingers_that_do_not_touch_bear_nothing():
    points = [*PINCH, [0.0, 0.03, 0.0]]
    down = [0.0, -1.0, 0.0]
    with_idle = respond(points, [LEFT, RIGHT, down], [LEFT, RIGHT, down], distance=[0.0, 0.0, 0.02])
    without = respond(PINCH, [LEFT, RIGHT], [LEFT, RIGHT])
    assert with_idle.normal[2].item() == 0.0
    assert with_idle.fingers.item() == pytest.approx(2.0 / 3.0)
    for name in ('shift', 'turn', 'slack', 'pulled_slack'):
        torch.testing.assert_close(getattr(with_idle, name), getattr(without, name))


def test_without_any_finger_the_object_slips():
    found = respond(PINCH, [LEFT, RIGHT], [LEFT, RIGHT], distance=[0.02, 0.02])
    assert found.shift.item() == 0.0
    assert found.fingers.item() == 0.0
    assert found.slack.item() == -1.0
    assert found.pulled_slack.item() == -1.0


def test_a_pinch_gives_way_to_a_pull_along_it_by_two_springs():
    found = respond(PINCH, [LEFT, RIGHT], [LEFT, RIGHT])
    assert found.pulled_shift[0].item() == pytest.approx(GIVES / 2.0, rel=1e-3)
    assert found.pulled_turn[0].item() == pytest.approx(0.0, abs=1e-6)
    torch.testing.assert_close(found.pulled_shift[:3], found.pulled_shift[3:])


def test_a_push_beside_the_contacts_turns_the_object():
    beside = [[x, 0.02, 0.0] for x, _, _ in PINCH]
    found = respond(beside, [LEFT, RIGHT], [LEFT, RIGHT])
    # 1 N at 2 cm turns it about the line between the contacts, which nothing resists but the ground
    assert found.pulled_turn[2].item() > 10.0 * found.pulled_turn[0].item()


def test_the_least_slack_of_a_finger_is_that_of_the_grasp():
    tilted = respond(PINCH, [LEFT, RIGHT], [unit(math.pi - 0.2), RIGHT])
    assert tilted.finger_slack.amin().item() == pytest.approx(tilted.slack.item())
    assert tilted.finger_pulled_slack.amin().item() == pytest.approx(tilted.pulled_slack.item())
