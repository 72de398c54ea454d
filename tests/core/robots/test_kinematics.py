"""Hand kinematics against pinocchio; limits and malformed descriptions."""

import numpy as np
import pinocchio
import pytest
import torch

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots import load_robot
from dex1b_core.robots.kinematics import HandKinematics


@pytest.fixture(scope='module')
def robot():
    return load_robot('xarm7_ability')


@pytest.fixture(scope='module')
def kinematics(robot):
    return HandKinematics(robot.hand)


def random_postures(kinematics, count):
    spread = torch.rand(count, len(kinematics.lower), generator=torch.Generator().manual_seed(0))
    return kinematics.lower + spread * (kinematics.upper - kinematics.lower)


def test_link_poses_equal_pinocchio(robot, kinematics):
    model = pinocchio.buildModelFromUrdf(str(robot.urdf_path))
    data = model.createData()
    driven = random_postures(kinematics, 5)
    ours = kinematics.forward(driven).double().numpy()
    every = kinematics.all_joints(driven).double().numpy()
    for row in range(len(driven)):
        q = pinocchio.neutral(model)
        for name, value in zip(kinematics.all_joint_names, every[row], strict=True):
            q[model.joints[model.getJointId(name)].idx_q] = value
        pinocchio.framesForwardKinematics(model, data, q)
        root = data.oMf[model.getFrameId(robot.hand.root_link)]
        for index, link in enumerate(kinematics.link_names):
            expected = (root.inverse() * data.oMf[model.getFrameId(link)]).homogeneous
            np.testing.assert_allclose(ours[row, index], expected, atol=1e-5)


def test_mimic_joints_follow(kinematics):
    driven = random_postures(kinematics, 3)
    every = dict(zip(kinematics.all_joint_names, kinematics.all_joints(driven).T, strict=True))
    index = kinematics.joint_names.index('index_q1')
    torch.testing.assert_close(every['index_q2'], 1.05851325 * driven[:, index] + 0.72349796)


def test_limits_keep_mimic_joints_within_theirs(kinematics):
    index = kinematics.joint_names.index('index_q1')
    assert kinematics.upper[index].item() == pytest.approx((2.6586 - 0.72349796) / 1.05851325)
    highest = dict(
        zip(kinematics.all_joint_names, kinematics.all_joints(kinematics.upper[None])[0],
            strict=True)
    )  # fmt: skip
    assert highest['index_q2'].item() == pytest.approx(2.6586, abs=1e-5)


def test_gradient_equals_finite_differences(kinematics):
    driven = random_postures(kinematics, 1).requires_grad_()
    tip = kinematics.link_names.index('thumb_tip')
    kinematics.forward(driven)[0, tip, :3, 3].sum().backward()
    for joint in range(driven.shape[1]):
        step = torch.zeros_like(driven)
        step[0, joint] = 1e-2
        with torch.no_grad():
            ends = [kinematics.forward(driven + s * step)[0, tip, :3, 3].sum() for s in (1, -1)]
        assert driven.grad[0, joint].item() == pytest.approx(
            (ends[0] - ends[1]).item() / 2e-2, abs=1e-4
        )


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        ({'joints': ('index_q1', 'middle_q1', 'ring_q1', 'pinky_q1', 'thumb_q1', 'thumb_q9')},
         'thumb_q9'),
        ({'joints': ('index_q1', 'middle_q1', 'ring_q1', 'pinky_q1', 'thumb_q1', 'joint1')},
         'thumb_q2'),
        ({'root_link': 'wrist'}, 'wrist'),
    ],
)  # fmt: skip
def test_description_that_does_not_fit_the_urdf(robot, change, text):
    hand = robot.hand.model_copy(update={'urdf': robot.urdf, **change})
    with pytest.raises(ConfigurationError, match=text):
        HandKinematics(hand)


def test_an_empty_batch_stays_empty(kinematics):
    none = kinematics.lower[None][:0]
    assert kinematics.forward(none).shape == (0, len(kinematics.link_names), 4, 4)
