"""What requests demand: boxes, contacts, wrists and cones, by hand."""

import dataclasses
import math

import pytest
import torch

from dex1b_core.synthesis.batch import GraspBatch, place
from dex1b_core.synthesis.constraints import Box, Constraints, HalfSpace

UPPER_HALF = Box((-1.0, -1.0, 0.0), (1.0, 1.0, 1.0))


def grasps_at(*origins):
    count = len(origins)
    return GraspBatch(
        torch.eye(3).expand(count, 3, 3),
        torch.tensor(origins),
        torch.zeros(count, 1),
        torch.zeros(count, 1),
        torch.zeros(count, 3),
    )


def allowed(constraints, contacts, touches):
    """Of grasps whose wrist does not matter; no posture is asked for, thus no hand."""
    grasps = grasps_at(*[[0.0] * 3] * len(contacts))
    return constraints.allowed(
        None, grasps, torch.tensor(contacts), torch.tensor(touches)
    ).tolist()  # fmt: skip


def test_a_box_holds_what_lies_between_its_corners():
    box = Box((-0.1, 0.0, 0.0), (0.1, 0.2, 0.3))
    points = torch.tensor([
        [[0.0, 0.1, 0.1], [0.09, 0.19, 0.29]],
        [[0.0, -0.01, 0.1], [0.11, 0.1, 0.1]],
        [[0.0, 0.1, 0.31], [-0.09, 0.01, 0.01]],
    ])  # fmt: skip
    assert box.contains(points).tolist() == [[True, True], [False, False], [False, True]]


def test_nothing_demanded_allows_everything():
    contacts = [[[0.0, 0.0, -0.5]] * 2] * 2
    assert allowed(Constraints(), contacts, [[False] * 2, [True] * 2]) == [True, True]


@pytest.mark.parametrize(
    ('fewest', 'expected'), [(0, [True] * 3), (1, [False, True, True]), (2, [False, False, True])]
)
def test_so_many_fingers_touch_at_least(fewest, expected):
    touches = [[False] * 3, [False, True, False], [True, False, True]]
    contacts = [[[0.0, 0.0, 0.1]] * 3] * 3
    assert allowed(Constraints(min_fingers=fewest), contacts, touches) == expected


def test_fingers_that_touch_do_so_in_the_region():
    above, below = [0.0, 0.0, 0.1], [0.0, 0.0, -0.1]
    contacts = [[above, above], [above, below], [above, below], [below, below]]
    touches = [[True, True], [True, True], [True, False], [False, False]]
    region = Constraints(contact_region=UPPER_HALF)
    assert allowed(region, contacts, touches) == [True, False, True, True]
    both = dataclasses.replace(region, min_fingers=1)
    assert allowed(both, contacts, touches) == [True, False, True, False]


def test_the_wrist_stays_between_its_corners():
    constraints = Constraints(wrist_lower=(-0.1, -0.1, 0.0), wrist_upper=(0.1, 0.1, 0.2))
    grasps = grasps_at([0.0, 0.0, 0.1], [0.0, 0.0, -0.01], [0.11, 0.0, 0.1], [0.1, -0.1, 0.0])
    found = constraints.allowed(None, grasps, torch.zeros(4, 1, 3), torch.ones(4, 1).bool())
    assert found.tolist() == [True, False, False, True]


@pytest.fixture
def two_hands(hand):
    """The open hand in the origin and 1 m above, and the span of its height [m]."""
    posture = hand.open_posture.expand(2, -1)
    origins = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turns = torch.eye(3).expand(2, 3, 3)
    points = place(hand, hand.surface, posture, turns, origins)
    grasps = GraspBatch(turns, origins, posture, posture, torch.zeros(2, 3))
    return grasps, points[0, :, 2].amin().item(), points[0, :, 2].amax().item()


def keeps(hand, constraints, grasps):
    touches = torch.ones(2, 5, dtype=torch.bool)
    return constraints.allowed(hand, grasps, torch.zeros(2, 5, 3), touches).tolist()


def test_no_part_of_the_hand_is_in_a_half_space_or_box(hand, two_hands):
    grasps, low, high = two_hands
    up = (0.0, 0.0, 1.0)
    just_below = HalfSpace(up, low - 1e-4)
    just_in = HalfSpace(up, low + 1e-4)
    assert keeps(hand, Constraints(half_spaces=(just_below,)), grasps) == [True, True]
    assert keeps(hand, Constraints(half_spaces=(just_in,)), grasps) == [False, True]
    above = Box((-1.0, -1.0, high + 1e-4), (1.0, 1.0, high + 0.1))
    reached = Box((-1.0, -1.0, high - 1e-4), (1.0, 1.0, high + 0.1))
    assert keeps(hand, Constraints(boxes=(above,)), grasps) == [True, True]
    assert keeps(hand, Constraints(boxes=(reached,)), grasps) == [False, True]


def test_the_pregrasp_counts_too(hand, two_hands):
    grasps, _, high = two_hands
    closed = hand.open_posture + 0.8 * hand.closing
    bent = dataclasses.replace(grasps, grasp=closed.expand(2, -1))
    turns, origins = grasps.rotation, grasps.translation
    reach = place(hand, hand.surface, bent.grasp, turns, origins)[0, :, 2].amax().item()
    assert reach < high - 0.01
    between = Constraints(boxes=(Box((-1.0, -1.0, 0.5 * (reach + high)), (1.0, 1.0, 0.5)),))
    assert keeps(hand, between, bent) == [False, True]
    both = dataclasses.replace(bent, pregrasp=bent.grasp)
    assert keeps(hand, between, both) == [True, True]


def test_directions_outside_the_cone_turn_to_its_edge():
    cone = Constraints(approach=(0.0, 0.0, -2.0), approach_cone=math.radians(30.0))
    inside = [math.sin(0.3), 0.0, -math.cos(0.3)]
    directions = torch.tensor([[0.0, 0.0, -1.0], inside, [0.0, 1.0, 0.0], [0.6, 0.0, 0.8]])
    side = math.sin(math.radians(30.0)), -math.cos(math.radians(30.0))
    expected = [[0.0, 0.0, -1.0], inside, [0.0, *side], [side[0], 0.0, side[1]]]
    found = cone.approach_within(directions)
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=0.0)
    assert torch.equal(Constraints().approach_within(directions), directions)


def test_the_direction_against_the_axis_turns_to_a_unit_vector_as_well():
    found = Constraints(approach=(0.0, 0.0, -1.0)).approach_within(torch.tensor([[0.0, 0.0, 1.0]]))
    assert found.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert -found[0, 2].item() == pytest.approx(math.cos(math.radians(45.0)), abs=1e-5)


def test_directions_are_drawn_evenly_within_the_cone():
    generator = torch.Generator().manual_seed(0)
    cone = Constraints(approach=(0.0, 0.0, -2.0), approach_cone=math.radians(60.0))
    drawn = cone.approach_directions(4000, generator)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(4000))
    along = -drawn[:, 2]
    assert along.min() > 0.5 - 1e-5
    # on a sphere, as much area lies between cosines .5 and .75 as between .75 and 1
    assert (along > 0.75).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert drawn[:, :2].mean(dim=0).abs().max() < 0.05
    assert Constraints().approach_directions(4, generator) is None
