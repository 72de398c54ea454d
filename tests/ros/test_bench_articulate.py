"""What the bench of openings asks for."""

from __future__ import annotations

import numpy as np
import pytest

from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_ros.bench_articulate import turned

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('axis', [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
def test_an_axis_is_wrong_by_the_angle_asked_for(axis):
    joint = ObjectJoint('revolute', np.array(axis), np.ones(3), -0.1, 1.0)
    wrong = turned(joint, 0.3)
    assert np.arccos(wrong.axis @ joint.axis) == pytest.approx(0.3)
    assert np.linalg.norm(wrong.axis) == pytest.approx(1.0)
    assert (wrong.origin == joint.origin).all()
