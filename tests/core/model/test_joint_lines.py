"""What a network is told of joints: the same for the same part wherever its cloud is turned."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from dex1b_core.errors import Dex1bError
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import UNIT, GraspCode
from dex1b_core.model.joint_lines import SIZE, JointLines
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.model.settings import ModelSettings
from dex1b_core.model.training_shape import training_shape
from dex1b_core.simulation.object_joint import ObjectJoint

HINGE = ObjectJoint('revolute', np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.0, 0.3]), 0.0, 1.0)
RAIL = ObjectJoint('prismatic', np.array([1.0, 0.0, 0.0]), np.array([0.4, 0.2, 0.0]), 0.0, 0.2)
SMALL = ModelSettings(cloud_points=64, encoder=(16, 32), hidden=(64,), joint=True)


def test_hinges_are_told_by_axis_and_arm_slides_by_axis_alone():
    told = JointLines.of([HINGE, RAIL]).told(
        torch.tensor([0, 1]), torch.tensor([[0.3, 0.05, 0.9], [0.3, 0.05, 0.9]])
    )
    assert told.shape == (2, SIZE)
    torch.testing.assert_close(told[0], torch.tensor([0, 0, 1, 0.2 / UNIT, 0.05 / UNIT, 0, 0]))
    torch.testing.assert_close(told[1], torch.tensor([1.0, 0, 0, 0, 0, 0, 1]))


def test_where_on_its_axis_an_origin_lies_does_not_matter():
    far = ObjectJoint('revolute', HINGE.axis, HINGE.origin + 7.0 * HINGE.axis, 0.0, 1.0)
    point, first = torch.tensor([[0.3, 0.05, 0.9]]), torch.tensor([0])
    one, other = (JointLines.of([joint]).told(first, point) for joint in (HINGE, far))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0.0)


def test_joints_turn_with_their_clouds():
    turn = torch.from_numpy(Rotation.from_euler('xyz', [0.3, -0.4, 1.1]).as_matrix()).float()
    point, first = torch.tensor([[0.3, 0.05, 0.9]]), torch.tensor([0])
    before = JointLines.of([HINGE]).told(first, point)[0]
    after = JointLines.of([HINGE]).turned(turn[None]).told(first, point @ turn.T)[0]
    torch.testing.assert_close(after[:3], turn @ before[:3])
    torch.testing.assert_close(after[3:6], turn @ before[3:6])


def test_a_network_that_moves_joints_wants_to_be_told_of_one(hand):
    torch.manual_seed(0)
    sampler = GraspSampler(hand, DexSimple(SMALL, GraspCode(hand.kinematics).size).eval())
    cloud = 0.05 * torch.randn(200, 3)
    draw = lambda joint: sampler.sample(cloud, 8, torch.Generator().manual_seed(1), joint=joint)  # noqa: E731
    with pytest.raises(Dex1bError, match='moves joints and was told of none'):
        draw(None)
    one, other = draw(HINGE), draw(RAIL)
    assert not torch.allclose(one.translation, other.translation)


def test_a_part_is_where_its_joint_starts():
    part = training_shape('articulated:laptop-100')
    assert part.joint is not None
    assert part.joint.kind == 'revolute'
    cube = training_shape('shape:cube')
    assert cube.joint is None


def test_settings_from_before_there_were_joints_are_read():
    old = SMALL.to_dict()
    del old['joint']
    assert ModelSettings.from_dict(old).joint is False
