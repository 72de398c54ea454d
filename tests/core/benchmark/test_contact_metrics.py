"""Distances that follow from lengths."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.contact_metrics import MARGIN, body_gaps, contact_metrics
from dex1b_core.benchmark.placed_grasps import PlacedGrasps

MM = 1e-3


def measured(grasps):
    return contact_metrics(PlacedGrasps.of(grasps))


def test_gaps_are_signed_and_end_at_the_margin(gripper):
    gaps = body_gaps(PlacedGrasps.of(gripper([[-MM, 3 * MM], [-9 * MM, -11 * MM]])))
    expected = [[MARGIN, MM, -3 * MM], [MARGIN, 9 * MM, MARGIN]]
    np.testing.assert_allclose(gaps, expected, atol=1e-6)


def test_numbers_of_a_gripper(gripper):
    found = measured(gripper([[-MM, 0.5 * MM], [-3 * MM, 0.0], [-20 * MM, 5 * MM], [-MM, -MM]]))
    assert found.number.tolist() == [2, 1, 0, 2]
    assert found.distance == pytest.approx([0.5 * MM, 1.5 * MM, 5 * MM, MM], abs=1e-6)
    assert found.consistency == pytest.approx([1.5 * MM, 3 * MM, 15 * MM, 0.0], abs=1e-6)


def test_the_order_of_joints_does_not_matter(gripper):
    overlaps = [[-MM, 2.5 * MM]]
    first = measured(gripper(overlaps))
    second = measured(gripper(overlaps, names=('right_slide', 'left_slide')))
    assert first.consistency == pytest.approx(second.consistency, abs=1e-9)


def test_moving_hand_and_object_together_changes_nothing(gripper):
    grasps = gripper([[-MM, 1.5 * MM]])
    move = np.eye(4)
    move[:3, :3] = Rotation.from_rotvec([0.3, -1.0, 0.5]).as_matrix()
    move[:3, 3] = [0.1, -0.2, 0.05]
    parts = (grasps.object_parts[0] @ move[:3, :3].T + move[:3, 3],)
    pose = move @ grasps.object_T_hand
    after = measured(dataclasses.replace(grasps, object_parts=parts, object_T_hand=pose))
    before = measured(grasps)
    assert after.number.tolist() == before.number.tolist()
    assert after.distance == pytest.approx(before.distance, abs=1e-6)
    assert after.consistency == pytest.approx(before.consistency, abs=1e-6)
