import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.model.grasp_code import GraspCode


def random_grasps(hand, count, generator):
    rotation, _ = torch.linalg.qr(torch.randn((count, 3, 3), generator=generator))
    rotation[:, :, 2] = torch.linalg.cross(rotation[:, :, 0], rotation[:, :, 1])
    lower, upper = hand.kinematics.lower, hand.kinematics.upper
    posture = lower + (upper - lower) * torch.rand((count, len(lower)), generator=generator)
    return rotation, torch.randn((count, 3), generator=generator), posture


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_decode_undoes_encode(hand, seed):
    generator = torch.Generator().manual_seed(seed)
    grasps, centre = random_grasps(hand, 4, generator), torch.randn((4, 3), generator=generator)
    code = GraspCode(hand.kinematics)
    for before, after in zip(
        grasps, code.decode(code.encode(*grasps, centre), centre), strict=True
    ):
        torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_whatever_is_decoded_is_a_grasp(hand, seed):
    code = GraspCode(hand.kinematics)
    numbers = 3.0 * torch.randn((8, code.size), generator=torch.Generator().manual_seed(seed))
    rotation, _, posture = code.decode(numbers, torch.zeros(8, 3))
    torch.testing.assert_close(
        rotation @ rotation.transpose(1, 2), torch.eye(3).expand(8, 3, 3), atol=1e-5, rtol=0.0
    )
    assert torch.linalg.det(rotation) == pytest.approx(1.0, abs=1e-5)
    assert (posture >= hand.kinematics.lower).all()
    assert (posture <= hand.kinematics.upper).all()
