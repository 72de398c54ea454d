"""How fingers press: shares and forces by hand at a ball, derivatives by finite differences."""

import math
from types import SimpleNamespace

import pytest
import torch
import trimesh

from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel, HandPoints
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, SceneBatch
from dex1b_core.synthesis.pressing import (
    REACH,
    SOFTNESS,
    STIFFNESS,
    FingerPressing,
    can_press_anywhere,
)
from dex1b_core.synthesis.wrench import TORQUE_LENGTH

RADIUS = 0.03
CENTRE = torch.zeros(3, 1)
FREE = torch.eye(3)  # [m/rad] of a finger that moves in all directions alike
PUSH = 0.2 / (0.2 + SOFTNESS)  # part of its force that then arrives


@pytest.fixture(scope='module')
def grid():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=RADIUS)
    return build_sdf(ball.vertices, ball.faces)


def ball(grid, batch=1):
    return SdfBatch.build([grid], torch.zeros(batch, dtype=torch.int64))


def around(*angles, radius=RADIUS):
    return [[radius * math.cos(a), radius * math.sin(a), 0.0] for a in angles]


IDENTITY = torch.cat([torch.eye(3), torch.zeros(1, 3)])[None, ..., None]


def pressing_of(points, fingers=None, motions=FREE):
    """Fingers fixed in space, each with contact candidates and the Jacobian (3, J) there."""
    fingers = list(range(len(points))) if fingers is None else fingers
    count = len(points)
    zeros = torch.zeros(count, 3)
    contacts = HandPoints(
        torch.zeros(count, dtype=torch.int64), torch.tensor(points), zeros, zeros[:, 0]
    )
    kinematics = SimpleNamespace(
        link_frames=torch.tensor([0]),
        frame_T_link=torch.eye(4)[None],
        jacobian=lambda columns, frames, at: motions[None, ..., None].expand(len(at), -1, -1, 1),
    )
    names = tuple(f'finger{index}' for index in range(max(fingers) + 1))
    return FingerPressing(
        SimpleNamespace(
            kinematics=kinematics,
            contacts=contacts,
            contact_fingers=torch.tensor(fingers),
            finger_names=names,
        )
    )


def look_and_terms(grid, pressing):
    press = pressing.look(ball(grid), CENTRE, IDENTITY)
    terms = pressing.terms(ball(grid), CENTRE, IDENTITY, press)
    return press, {name: value.item() for name, value in terms.items()}


def test_an_opposed_pinch_is_balanced(grid):
    press, terms = look_and_terms(grid, pressing_of(around(0.0, math.pi)))
    assert press.share[:, 0].tolist() == pytest.approx([0.5, 0.5], abs=0.01)
    assert terms['balance'] == pytest.approx(0.0, abs=1e-4)
    assert terms['lean'] == pytest.approx(1.0 - PUSH, abs=1e-3)
    assert terms['touch'] == pytest.approx(0.0, abs=3e-4)


def test_two_fingers_a_quarter_apart_are_not(grid):
    press, terms = look_and_terms(grid, pressing_of(around(0.0, math.pi / 2.0)))
    # half of each: |(1, 1) / 2|^2
    assert press.share[:, 0].tolist() == pytest.approx([0.5, 0.5], abs=0.01)
    assert terms['balance'] == pytest.approx(0.5 * PUSH**2, rel=0.02)


def test_a_thumb_bears_as_much_as_two_fingers_that_oppose_it(grid):
    spread = 0.3
    points = around(0.0, math.pi - spread, math.pi + spread)
    press, terms = look_and_terms(grid, pressing_of(points))
    share = press.share[:, 0].tolist()
    assert sum(share) == pytest.approx(1.0, abs=1e-6)
    # thumb t against fingers (1 - t) cos(spread), to which few steps come near
    thumb = math.cos(spread) / (1.0 + math.cos(spread))
    assert share == pytest.approx([thumb, (1 - thumb) / 2, (1 - thumb) / 2], abs=0.05)
    assert share[1] == pytest.approx(share[2], rel=0.02)
    # equal shares leave |(1 - 2 cos(spread)) / 3|^2
    assert terms['balance'] < 0.1 * ((1.0 - 2.0 * math.cos(spread)) / 3.0) ** 2


def test_fingers_that_push_past_each_other_leave_a_torque(grid):
    """Fingers that move along x alone, at the same height and at opposite ones."""
    along_x = torch.tensor([[1.0], [0.0], [0.0]])
    level = look_and_terms(grid, pressing_of(around(0.5, math.pi - 0.5), motions=along_x))[1]
    past = look_and_terms(grid, pressing_of(around(0.5, math.pi + 0.5), motions=along_x))[1]
    assert level['balance'] == pytest.approx(0.0, abs=1e-4)
    couple = RADIUS * math.sin(0.5) * PUSH * math.cos(0.5) / TORQUE_LENGTH
    assert past['balance'] == pytest.approx(couple**2, rel=0.05)


def test_one_joint_presses_along_its_motion_only(grid):
    angle = 0.6
    along_x = torch.tensor([[1.0], [0.0], [0.0]])
    press, terms = look_and_terms(grid, pressing_of(around(angle), motions=along_x))
    expected = torch.zeros(3, 3)
    expected[0, 0] = (1.0 / STIFFNESS) / (1.0 / STIFFNESS + SOFTNESS)
    torch.testing.assert_close(press.push[0, ..., 0], expected, atol=1e-6, rtol=0.0)
    # of the unit normal its x part arrives, and that part of it presses
    assert terms['lean'] == pytest.approx(1.0 - PUSH * math.cos(angle) ** 2, abs=5e-3)


def test_the_closest_candidate_of_each_finger_presses(grid):
    points = [*around(0.0, radius=0.045), *around(0.1, radius=0.032), *around(3.0, radius=0.034)]
    _, terms = look_and_terms(grid, pressing_of(points, fingers=[0, 0, 1]))
    assert terms['touch'] == pytest.approx(0.002 + 0.004, abs=4e-4)


def test_a_finger_out_of_reach_carries_nothing_and_counts_its_reach(grid):
    points = [*around(0.0, math.pi), *around(1.5, radius=RADIUS + 0.05)]
    press, terms = look_and_terms(grid, pressing_of(points))
    assert press.share[2].item() < 1e-4
    assert terms['touch'] == pytest.approx(REACH, abs=4e-4)


@pytest.fixture(scope='module')
def allegro():
    return HandModel(load_hand('allegro_right'))


@pytest.fixture(scope='module')
def grasps(allegro):
    """Random postures with the ball between thumb and fingers."""
    count = 16
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(count, len(allegro.ready_posture), generator=generator)
    posture = (allegro.ready_posture + 0.1 * noise).T.contiguous()
    tips = allegro.kinematics.forward(posture.T)[:, allegro.tip_links, :3, 3]
    middle = 0.5 * (tips[:, 0] + tips[:, 1:].mean(dim=1))
    return posture, -middle.T.contiguous(), torch.eye(3)[..., None].expand(3, 3, count)


@pytest.mark.parametrize('term', ['balance', 'lean', 'touch'])
def test_gradients_equal_finite_differences(allegro, grid, grasps, term):
    posture, translation, turns = grasps
    sdf, centre = ball(grid, 16), torch.zeros(3, 16)
    pressing, kinematics = FingerPressing(allegro), allegro.kinematics
    press = pressing.look(sdf, centre, kinematics.frame_columns(posture, turns, translation))

    def value(joints, shift):
        columns = kinematics.frame_columns(joints, turns, shift)
        return pressing.terms(sdf, centre, columns, press)[term]

    variables = posture.clone().requires_grad_(), translation.clone().requires_grad_()
    on_joints, on_shift = torch.autograd.grad(value(*variables).sum(), variables)
    generator = torch.Generator().manual_seed(1)
    slopes, expected = [], []
    for _ in range(8):
        turn, shift = (torch.randn(v.shape, generator=generator) for v in (posture, translation))
        turn, shift = 2e-4 * turn, 2e-5 * shift
        ends = [value(posture + s * turn, translation + s * shift) for s in (1.0, -1.0)]
        slopes.append(0.5 * (ends[0] - ends[1]))
        expected.append((on_joints * turn).sum(dim=0) + (on_shift * shift).sum(dim=0))
    slopes, expected = torch.stack(slopes), torch.stack(expected)
    size = expected.square().mean().sqrt()
    # the interpolated distance has kinks between cells: a few of the differences straddle one
    error = (slopes - expected).abs() / size
    assert size > 1e-6
    assert error.median() < 0.02
    assert error.quantile(0.9) < 0.1


def test_shares_sum_to_one_and_balance_better_than_by_gaps_alone(
    allegro, grid, grasps, monkeypatch
):
    posture, translation, turns = grasps
    sdf, centre = ball(grid, 16), torch.zeros(3, 16)
    pressing = FingerPressing(allegro)
    columns = allegro.kinematics.frame_columns(posture, turns, translation)
    press = pressing.look(sdf, centre, columns)
    monkeypatch.setattr('dex1b_core.synthesis.pressing.BALANCE_STEPS', 0)
    by_gap = pressing.look(sdf, centre, columns)
    for found in (press, by_gap):
        torch.testing.assert_close(found.share.sum(dim=0), torch.ones(16))
        assert (found.share >= 0.0).all()
    ours, theirs = (pressing.terms(sdf, centre, columns, p)['balance'] for p in (press, by_gap))
    assert (ours < theirs + 1e-6).all()
    assert ours.mean() < 0.5 * theirs.mean()


def test_fingers_with_three_joints_each_can_press_anywhere(allegro, hand):
    assert can_press_anywhere(allegro)  # 16 joints of 4 fingers
    assert not can_press_anywhere(hand)  # 6 joints of 5 fingers


@pytest.mark.parametrize(
    ('weights', 'counts'),
    [(EnergyWeights(), False), (EnergyWeights(touch=1.0), True), (EnergyWeights(lean=1.0), True)],
)
def test_an_objective_looks_for_them_where_they_count(allegro, grid, grasps, weights, counts):
    posture, translation, turns = grasps
    scene = SceneBatch(ball(grid, 16), torch.zeros(3, 16))
    columns = allegro.kinematics.frame_columns(posture, turns, translation)
    near = GraspObjective(allegro).look(scene, columns, 0.004, weights)
    assert (near.press is not None) == counts


def test_an_objective_of_a_hand_that_cannot_never_does(hand, grid):
    scene = SceneBatch(ball(grid), torch.zeros(3, 1))
    turns = torch.eye(3)[..., None]
    columns = hand.kinematics.frame_columns(hand.open_posture[:, None], turns, torch.zeros(3, 1))
    near = GraspObjective(hand).look(scene, columns, 0.004, EnergyWeights(balance=1.0))
    assert near.press is None
