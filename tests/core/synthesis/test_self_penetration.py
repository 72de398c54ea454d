"""Overlap of parts: boxes by hand, against the hand model, derivative by finite differences."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.robots.hand_parts import HandParts, part_arrays
from dex1b_core.synthesis.self_penetration import SelfPenetration

TIP, WALL = 0, 1


def of_boxes(sizes, pairs):
    """Boxes around the origins of frames of their own."""
    arrays = zip(*(part_arrays(trimesh.creation.box(size)) for size in sizes), strict=True)
    tensors = [torch.tensor(np.stack(rows), dtype=torch.float32) for rows in arrays]
    count = len(sizes)
    kinematics = SimpleNamespace(
        link_frames=torch.arange(count), frame_T_link=torch.eye(4).expand(count, 4, 4)
    )
    parts = HandParts(torch.arange(count), *tensors)
    pairs = torch.tensor(pairs, dtype=torch.int64).view(-1, 2)
    return SelfPenetration(
        SimpleNamespace(kinematics=kinematics, parts=parts, self_collision_pairs=pairs)
    ), parts


def at(*batch):
    """Columns (F, 4, 3, B) of frames without rotation; a grasp is a list of F origins."""
    origins = torch.tensor(batch).permute(1, 2, 0)
    turns = torch.eye(3)[None, ..., None].expand(len(origins), 3, 3, len(batch))
    return torch.cat([turns, origins[:, None]], dim=1)


# A cube of 2 cm and a wall of 30 cm whose side is 3 mm inside the cube, then 1 and 4 mm outside.
INSIDE = [[0.0, 0.0, 0.0], [0.157, 0.0, 0.0]]
NEAR = [[0.0, 0.0, 0.0], [0.161, 0.0, 0.0]]
APART = [[0.0, 0.0, 0.0], [0.164, 0.0, 0.0]]


@pytest.fixture
def tip_and_wall():
    return of_boxes([[0.02] * 3, [0.3] * 3], [[TIP, WALL]])


def test_a_tip_in_a_wall_by_hand(tip_and_wall):
    overlaps, parts = tip_and_wall
    columns = at(INSIDE, NEAR, APART)
    assert overlaps.deepest(columns).tolist() == pytest.approx([0.003, 0.0, 0.0], abs=1e-7)
    near = overlaps.near(columns, 0.004)
    # the wall's own points are farther apart than the tip is wide
    assert set(near.part.tolist()) == {TIP}
    depth = (parts.points[TIP, :, 0] - 0.007).clamp_min(0.0)
    assert (depth > 0.0029).sum() >= 4
    value = overlaps.energy(columns, near, 0.0)
    assert value.tolist() == pytest.approx([depth.sum().item(), 0.0, 0.0], abs=1e-6)


def test_a_margin_pushes_before_parts_meet(tip_and_wall):
    overlaps, parts = tip_and_wall
    columns = at(INSIDE, NEAR, APART)
    value = overlaps.energy(columns, overlaps.near(columns, 0.004), 0.002)
    beyond = (torch.tensor([0.007, 0.011, 0.014]) - 0.002)[:, None]
    expected = (parts.points[TIP, :, 0] - beyond).clamp_min(0.0).sum(dim=1)
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=0.0)
    assert value[1] > 0.003
    assert value[2] == 0.0


def test_points_of_either_part_count_whichever_comes_first():
    forwards, _ = of_boxes([[0.02] * 3, [0.3] * 3], [[0, 1]])
    backwards, _ = of_boxes([[0.3] * 3, [0.02] * 3], [[0, 1]])
    one, two = at(INSIDE), at(INSIDE[::-1])
    assert forwards.deepest(one).item() == pytest.approx(0.003, abs=1e-7)
    assert backwards.deepest(two).item() == pytest.approx(0.003, abs=1e-7)
    values = [o.energy(c, o.near(c, 0.0), 0.0) for o, c in ((forwards, one), (backwards, two))]
    assert values[0].item() == pytest.approx(values[1].item(), abs=1e-6)


def test_parts_that_are_no_pair_never_overlap():
    overlaps, _ = of_boxes([[0.02] * 3] * 3, [[0, 1]])
    columns = at([[0.0] * 3, [1.0] * 3, [0.0] * 3])
    assert overlaps.deepest(columns).item() == 0.0
    none, _ = of_boxes([[0.02] * 3] * 2, [])
    together = at([[0.0] * 3] * 2)
    assert none.deepest(together).item() == 0.0
    assert none.energy(together, none.near(together, 0.01), 0.01).item() == 0.0


def test_a_turned_tip_meets_the_wall_with_its_edge(tip_and_wall):
    overlaps, _ = tip_and_wall
    columns = at([[0.0] * 3, [0.163, 0.0, 0.0]], [[0.0] * 3, [0.1645, 0.0, 0.0]])
    half = 0.5**0.5
    columns[TIP, :2, :2] = torch.tensor([[half, half], [-half, half]])[..., None]
    # an edge reaches 1 cm x sqrt 2 = 14.14 mm, the wall's side is at 13 and at 14.5 mm
    deepest = overlaps.deepest(columns).tolist()
    assert deepest == pytest.approx([0.00114, 0.0], abs=1e-5)


def random_columns(hand, count, seed):
    """Postures (J, B) and a common pose of the root that is turned and shifted."""
    generator = torch.Generator().manual_seed(seed)
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    posture = (lower + torch.rand(count, len(lower), generator=generator) * (upper - lower)).T
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator)).Q
    turn = turn * torch.linalg.det(turn)
    root = turn[..., None].expand(3, 3, count), torch.full((3, count), 0.1)
    return posture.contiguous(), root


def test_deepest_equals_the_hand_models(hand):
    posture, root = random_columns(hand, 200, 1)
    found = SelfPenetration(hand).deepest(hand.kinematics.frame_columns(posture, *root))
    expected = hand.self_collision_depth(posture.T)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0.0)
    assert (expected > 0.002).sum() > 10
    assert (expected == 0.0).sum() > 10


def test_near_points_are_all_that_energy_needs(hand):
    """With each point's farthest plane, and of all pairs in both orders."""
    margin = 0.002
    overlaps, parts = SelfPenetration(hand), hand.parts
    posture, root = random_columns(hand, 60, 2)
    columns = hand.kinematics.frame_columns(posture, *root)
    poses = hand.kinematics.forward(posture.T)[:, parts.links]
    expected = torch.zeros(60)
    both = torch.cat([hand.self_collision_pairs, hand.self_collision_pairs.flip(1)])
    for one, other in both.tolist():
        change = torch.linalg.inv(poses[:, other]) @ poses[:, one]
        points = parts.points[one] @ change[:, :3, :3].mT + change[:, None, :3, 3]
        beyond = points @ parts.planes[other, :, :3].T - parts.planes[other, :, 3]
        expected += (margin - beyond.amax(dim=2)).clamp_min(0.0).sum(dim=1)
    found = overlaps.energy(columns, overlaps.near(columns, 0.004), margin)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert (expected > 0.0).sum() > 20


def test_gradient_equals_finite_differences(hand):
    overlaps, margin = SelfPenetration(hand), 0.002
    posture, root = random_columns(hand, 40, 3)
    posture.requires_grad_()
    columns = hand.kinematics.frame_columns(posture, *root)
    near = overlaps.near(columns, 0.004)
    (gradient,) = torch.autograd.grad(overlaps.energy(columns, near, margin).sum(), posture)

    def value(moved):
        return overlaps.energy(hand.kinematics.frame_columns(moved, *root), near, margin)

    touching = overlaps.energy(columns, near, margin) > 0.0
    step = 1e-3
    for joint in range(len(posture)):
        change = torch.zeros_like(posture)
        change[joint] = step
        with torch.no_grad():
            slope = (value(posture + change) - value(posture - change)) / (2.0 * step)
            bend = value(posture + change) + value(posture - change) - 2.0 * value(posture)
        # where a point starts to count in between, the slope lies between those on both sides
        tolerance = 2e-3 + bend.abs() / step
        assert ((gradient[joint] - slope).abs() < tolerance).all()
        assert tolerance.median() < 5e-3
    assert touching.sum() > 10
    assert gradient.abs().max() > 0.05
