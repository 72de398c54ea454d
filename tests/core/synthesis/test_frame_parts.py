"""Parts in frames: a box by hand, a hand's parts where its links are, depth against all planes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.robots.hand_parts import HandParts, part_arrays
from dex1b_core.synthesis.frame_parts import FrameParts

COUNT = 40


@pytest.fixture(scope='module')
def posed(hand):
    """Columns of frames and world_T_link (B, L, 4, 4) of random postures and roots."""
    generator = torch.Generator().manual_seed(0)
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    posture = lower + torch.rand(COUNT, len(lower), generator=generator) * (upper - lower)
    turns = torch.linalg.qr(torch.randn(COUNT, 3, 3, generator=generator)).Q
    turns = turns * torch.linalg.det(turns)[:, None, None]
    shifts = 0.02 * torch.randn(COUNT, 3, generator=generator)
    root = torch.eye(4).repeat(COUNT, 1, 1)
    root[:, :3, :3], root[:, :3, 3] = turns, shifts
    columns = hand.kinematics.frame_columns(posture.T, turns.permute(1, 2, 0), shifts.T)
    return columns, root[:, None] @ hand.kinematics.forward(posture)


def test_depth_in_a_shifted_box_by_hand():
    arrays = part_arrays(trimesh.creation.box([0.02, 0.04, 0.06]))
    tensors = [torch.tensor(array, dtype=torch.float32)[None] for array in arrays]
    link = torch.eye(4)[None].clone()
    link[0, :3, 3] = torch.tensor([0.1, 0.0, 0.0])
    hand = SimpleNamespace(
        parts=HandParts(torch.tensor([0]), *tensors),
        kinematics=SimpleNamespace(link_frames=torch.tensor([0]), frame_T_link=link),
    )
    # frame turned by 90 degrees about z: the link lies at y = 0.1, its 4 cm along x
    columns = torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    shifted = columns + torch.tensor([[0.0] * 3] * 3 + [[0.05, 0.0, 0.0]])
    poses = torch.stack([columns, shifted], dim=-1)[None]
    points = torch.tensor([[0.0, 0.107, 0.0], [0.017, 0.1, 0.0], [0.0, 0.1, 0.032], [0.0] * 3])
    built = FrameParts.build(hand)
    # 3 mm from the side at y = 0.11 and at x = 0.02; shifted, x = 0.03 to 0.07, nothing is inside
    assert built.depth_of(poses, points).tolist() == pytest.approx([0.003, 0.0], abs=1e-6)
    each = [built.depth_of(poses, point[None])[0].item() for point in points]
    assert each == pytest.approx([0.003, 0.003, 0.0, 0.0], abs=1e-6)


def test_parts_are_where_their_links_are(hand, posed):
    columns, world_T_links = posed
    built = FrameParts.build(hand)
    poses = world_T_links[:, hand.parts.links]
    expected = hand.parts.points @ poses[..., :3, :3].mT + poses[..., None, :3, 3]
    frames = columns.permute(3, 0, 1, 2)[:, built.frames]
    found = built.points @ frames[:, :, :3] + frames[:, :, 3:]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0.0)
    # planes: points keep their distance to them
    own = torch.einsum('pkc,pdc->pkd', hand.parts.points, hand.parts.planes[..., :3])
    own = own - hand.parts.planes[:, None, :, 3]
    carried = built.points @ built.normals.mT - built.offsets[:, None]
    torch.testing.assert_close(carried, own, atol=1e-6, rtol=0.0)
    # boxes: points lie within them
    along = (built.points - built.centres) @ built.halves.mT
    assert (along.abs() <= built.halves.square().sum(dim=2)[:, None] + 1e-8).all()


def test_depth_equals_that_behind_all_planes(hand, posed):
    columns, world_T_links = posed
    points = 0.12 * (2.0 * torch.rand(300, 3, generator=torch.Generator().manual_seed(1)) - 1.0)
    found = FrameParts.build(hand).depth_of(columns, points).numpy()
    inverse = np.linalg.inv(world_T_links.double().numpy())
    planes, expected = hand.parts.planes.double().numpy(), np.zeros(COUNT)
    for part, link in enumerate(hand.parts.links.tolist()):
        local = points.double().numpy() @ inverse[:, link, :3, :3].transpose(0, 2, 1)
        local = local + inverse[:, link, None, :3, 3]
        depth = (planes[part, :, 3] - local @ planes[part, :, :3].T).min(axis=2)
        expected = np.maximum(expected, depth.max(axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (expected > 0.002).sum() > 10


def test_far_points_are_in_no_part(hand, posed):
    depth = FrameParts.build(hand).depth_of(posed[0], torch.full((5, 3), 2.0))
    torch.testing.assert_close(depth, torch.zeros(COUNT))
