"""The hand keeps its hold on a part: it moves about the hinge, or along the slide."""

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import invert
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.joint_line import joint_line
from dex1b_core.simulation.object_joint import ObjectJoint

HINGE = ObjectJoint('revolute', np.array([0.0, 0.0, 1.0]), np.array([0.55, 0.3, 0.0]), 0.0, 1.6)


def path(motion, joint, displacement):
    home = np.array(motion.robot.arm.home)
    start = motion.model.wrist_pose(home)
    line = joint_line(
        ArmIk(motion.model), home, start, joint, displacement, step=0.01, joint_jump=0.3
    )
    return start, line


def test_the_hand_stays_where_it_is_on_the_part(motion) -> None:
    start, line = path(motion, HINGE, -0.5)
    end = motion.model.wrist_pose(line[-1])
    np.testing.assert_allclose(end, HINGE.motion(-0.5) @ start, atol=1e-4)
    for place in line[:: len(line) // 4]:
        held = invert(start) @ motion.model.wrist_pose(place)
        radius = np.linalg.norm(motion.model.wrist_pose(place)[:2, 3] - HINGE.origin[:2])
        assert np.isfinite(held).all()
        assert radius == pytest.approx(np.linalg.norm(start[:2, 3] - HINGE.origin[:2]), abs=1e-4)


def test_where_the_arm_cannot_follow_is_said(motion) -> None:
    slide = ObjectJoint('prismatic', np.array([1.0, 0.0, 0.0]), np.zeros(3), 0.0, 2.0)
    with pytest.raises(Dex1bError, match=r'of 1\.500 m; ask for less') as caught:
        path(motion, slide, 1.5)
    assert caught.value.error_code is ErrorCode.NO_PATH
