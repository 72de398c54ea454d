"""Diversity of sets whose spread is known."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.diversity import (
    BINS,
    Diversity,
    count_distinct,
    explained_variance,
    joint_entropy,
    nearest_distance,
    pose_vectors,
)
from dex1b_core.benchmark.placed_grasps import PlacedGrasps


def shifted(grasps, offsets):
    """The first grasp, N times, with its hand moved by (N, 3)."""
    some = grasps.select(np.zeros(len(offsets), dtype=np.int64))
    pose = some.object_T_hand.copy()
    pose[:, :3, 3] += offsets
    return dataclasses.replace(some, object_T_hand=pose)


def test_entropy_of_uniform_and_constant_joints():
    uniform = (np.arange(BINS) + 0.5) / BINS
    joints = np.stack([2.0 * uniform - 1.0, np.full(BINS, 0.3)], axis=1)
    found = joint_entropy(joints, np.array([-1.0, 0.0]), np.array([1.0, 1.0]))
    assert found == pytest.approx([math.log(BINS), 0.0])


def test_entropy_is_bounded_by_bins_and_samples():
    random = np.random.default_rng(0)
    few, many = (random.random((n, 3)) for n in (50, 40_000))
    limits = np.zeros(3), np.ones(3)
    assert (joint_entropy(few, *limits) <= math.log(50) + 1e-12).all()
    entropy = joint_entropy(many, *limits)
    # the estimate falls short by about half a count for each sample in a bin
    assert (entropy < math.log(BINS)).all()
    assert entropy == pytest.approx(math.log(BINS) - BINS / (2 * 40_000), abs=0.02)


def test_entropy_takes_what_lies_beyond_a_limit_and_joints_without():
    found = joint_entropy(
        np.array([[-5.0, -3.0], [7.0, 3.0]]), np.array([0.0, -np.inf]), np.array([1.0, np.inf])
    )
    assert found == pytest.approx([math.log(2.0)] * 2)
    assert joint_entropy(np.zeros((0, 2)), np.zeros(2), np.ones(2)) is None


def test_explained_variance_of_a_line_and_of_a_ball():
    line = np.outer(np.linspace(0, 1, 9), np.arange(8.0))
    assert explained_variance(line) == pytest.approx([1.0] * 5)
    cross = np.vstack([np.eye(10), -np.eye(10)])
    assert explained_variance(cross) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    two = np.diag([3.0, 1.0])
    both = explained_variance(np.vstack([two, -two]))
    assert both == pytest.approx([0.9, 1.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize('vectors', [np.zeros((0, 8)), np.ones((1, 8)), np.ones((4, 8))])
def test_nothing_is_explained_without_variance(vectors):
    assert explained_variance(vectors) is None


def test_pose_vectors_are_translation_turn_and_joints(gripper):
    grasps = gripper([[0.001, 0.002]])
    pose = grasps.object_T_hand.copy()
    pose[0, :3, :3] = Rotation.from_rotvec([0.1, -0.2, 0.3]).as_matrix()
    vector = pose_vectors(dataclasses.replace(grasps, object_T_hand=pose))
    np.testing.assert_allclose(vector, [[0, 0, -0.04, 0.1, -0.2, 0.3, 0.031, 0.032]], atol=1e-12)


def test_nearest_distance_across_blocks():
    points = np.c_[np.arange(2500.0) ** 1.01, np.zeros(2500)]
    found = nearest_distance(points)
    gaps = np.diff(points[:, 0])
    np.testing.assert_allclose(found, np.minimum(np.r_[np.inf, gaps], np.r_[gaps, np.inf]))


def test_distinct_counts_what_is_apart():
    points = np.array([[0.0], [0.005], [0.012], [0.02], [0.0301]])
    assert count_distinct(points, 0.01) == 3  # 0, 12 and 30.1 mm
    assert count_distinct(np.zeros((50, 3))) == 1
    assert count_distinct(np.zeros((0, 3))) == 0


def test_moving_a_hand_moves_it_by_as_much(gripper):
    one = gripper([[0.0, 0.0]])
    found = Diversity.of(PlacedGrasps.of(shifted(one, [[0, 0, 0], [0.03, 0, 0], [0.03, 0.04, 0]])))
    assert found.nearest == pytest.approx((0.03 + 0.03 + 0.04) / 3, abs=1e-6)
    assert found.distinct == 3
    assert found.entropy_mean == 0.0
    assert found.pca[1:] == pytest.approx([1.0] * 4)


def test_a_finger_weighs_by_its_part_of_the_hand(gripper):
    placed = PlacedGrasps.of(gripper([[0.0, 0.0], [0.01, 0.0]]))
    spheres = placed.hand.spheres.links
    left = placed.hand.kinematics.link_names.index('left')
    share = float((spheres == left).float().mean())
    assert 0.2 < share < 0.5
    found = Diversity.of(placed)
    assert found.nearest == pytest.approx(0.01 * math.sqrt(share), abs=1e-6)


def test_the_mask_chooses(gripper):
    random = np.random.default_rng(3)
    grasps = shifted(gripper([[0.0, 0.0]]), random.normal(size=(30, 3)) * 0.02)
    mask = random.random(30) < 0.4
    by_mask = Diversity.of(PlacedGrasps.of(grasps), mask)
    assert by_mask == Diversity.of(PlacedGrasps.of(grasps.select(np.flatnonzero(mask))))
    assert by_mask.n == mask.sum()


def test_copies_do_not_raise_what_counts(gripper):
    random = np.random.default_rng(3)
    offsets = random.normal(size=(20, 3)) * 0.02
    one = gripper([[0.0, 0.0]])
    alone, twice = (
        Diversity.of(PlacedGrasps.of(shifted(one, some)))
        for some in (offsets, np.vstack([offsets, offsets]))
    )
    assert twice.distinct == alone.distinct
    assert twice.nearest == pytest.approx(0.0, abs=1e-6)
    assert alone.nearest > 0.005
