import torch

from dex1b_core.model.associated_point import associated_points, palm_and_heading


def test_the_near_side_is_hit():
    """Points of a cube's front and back: the front one counts though the back one is closer."""
    cloud = torch.tensor([[[0.05, 0.004, 0.0], [0.15, 0.0, 0.0], [0.05, 0.05, 0.0]]])
    found = associated_points(cloud, torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]))
    assert found.tolist() == [0]


def test_what_is_behind_the_palm_does_not_count():
    cloud = torch.tensor([[[-0.02, 0.0, 0.0], [0.1, 0.03, 0.0], [0.1, 0.08, 0.0]]])
    found = associated_points(cloud, torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]))
    assert found.tolist() == [1]


def test_there_is_always_one():
    cloud = torch.tensor([[[-0.02, 0.05, 0.0], [-0.1, 0.01, 0.0]]])
    found = associated_points(cloud, torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]))
    assert found.tolist() == [1]


def test_heading_turns_with_the_hand(hand):
    posture = hand.ready_posture[None].expand(2, -1)
    quarter = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rotation = torch.stack([torch.eye(3), quarter])
    shift = torch.tensor([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0]])
    palm, heading = palm_and_heading(hand, rotation, shift, posture)
    torch.testing.assert_close(heading.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(heading[1], quarter @ heading[0])
    torch.testing.assert_close(palm[1], quarter @ palm[0] + shift[1])
