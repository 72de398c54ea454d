"""Depths that follow from lengths."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.penetration import mean_of_shallow, penetration, penetration_sum
from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.geometry import make_transform
from dex1b_core.simulation import collision_shape
from dex1b_core.simulation.body_tree import MARKER_INERTIA, Body, BodyTree


def moved(grasps, transform):
    """Hand and object together."""
    parts = tuple(part @ transform[:3, :3].T + transform[:3, 3] for part in grasps.object_parts)
    pose = transform @ grasps.object_T_hand
    return dataclasses.replace(grasps, object_parts=parts, object_T_hand=pose)


TURN = make_transform(Rotation.from_rotvec([0.3, -1.0, 0.5]).as_matrix(), [0.1, -0.2, 0.05])


def test_depth_of_a_box_in_boxes(gripper):
    overlaps = [[-0.004, -0.004], [0.0, 0.003], [0.002, 0.001], [0.0045, 0.0]]
    expected = [0.0, 0.003, 0.002, 0.0045]
    assert penetration(PlacedGrasps.of(gripper(overlaps))) == pytest.approx(expected, abs=1e-5)


def test_it_is_never_deeper_than_half_a_finger(gripper):
    depth = penetration(PlacedGrasps.of(gripper([[0.009, 0.0]])))
    assert 0.0045 < depth[0] <= 0.005


def test_sum_of_depths_counts_points_under_the_fingers(gripper):
    """A finger covers 600 of the box's 10800 mm^2: of 2000 points some 111, .4 mm deep each."""
    sums = penetration_sum(PlacedGrasps.of(gripper([[-0.001, -0.001], [0.0004, -0.001]])))
    assert sums[0] == 0.0
    assert sums[1] == pytest.approx(111 * 0.0004, rel=0.1)


@pytest.mark.parametrize(
    ('make', 'across'),
    [
        (lambda at: collision_shape.sphere(0.01, at), 0.0004),
        (lambda at: collision_shape.capsule(0.01, 0.02, at), 0.0002),
        (lambda at: collision_shape.box(np.full(3, 0.02), at), 1e-6),
    ],
)
def test_depth_of_a_box_in_round_shapes(gripper, make, across):
    placed = PlacedGrasps.of(gripper([[0.0, 0.0]]))
    # the hand's frame is 40 mm below the object's: level with the box, 4 mm beside its face
    shape = make(make_transform(np.eye(3), [0.024, 0.0, 0.04]))
    tree = BodyTree((Body('palm', -1, np.eye(4), None, (shape,), MARKER_INERTIA),), ())
    depth = penetration(dataclasses.replace(placed, tree=tree))
    assert 0.006 - across < depth[0] <= 0.006 + 1e-6


def test_a_hand_within_the_object_has_none(gripper):
    placed = PlacedGrasps.of(gripper([[0.0, 0.0]]))
    shape = collision_shape.sphere(0.01, make_transform(np.eye(3), [0.0, 0.0, 0.04]))
    tree = BodyTree((Body('palm', -1, np.eye(4), None, (shape,), MARKER_INERTIA),), ())
    assert penetration(dataclasses.replace(placed, tree=tree))[0] == 0.0


def test_moving_hand_and_object_together_changes_nothing(gripper):
    grasps = gripper([[0.001, 0.003], [0.0005, -0.01]])
    before, after = (penetration(PlacedGrasps.of(g)) for g in (grasps, moved(grasps, TURN)))
    assert after == pytest.approx(before, abs=1e-5)


def test_only_shallow_grasps_count():
    values, depth = np.array([1.0, 2.0, 6.0]), np.array([0.0, 0.0049, 0.005])
    assert mean_of_shallow(values, depth) == 1.5
    assert mean_of_shallow(values[2:], depth[2:]) is None
