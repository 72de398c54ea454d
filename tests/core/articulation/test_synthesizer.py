"""Grasps of a drawer and a door with a real hand: where they touch, and that seeds repeat."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dex1b_core.articulation.features import FEATURES
from dex1b_core.articulation.generator import random_articulated
from dex1b_core.articulation.grasp_target import GraspTarget
from dex1b_core.articulation.ranking import WEIGHTS, predicted_success
from dex1b_core.articulation.synthesizer import ArticulationSettings, ArticulationSynthesizer
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.surface import exact_signed_distance
from dex1b_core.synthesis.batch import place
from dex1b_core.synthesis.objective import JointTask

QUICK = ArticulationSettings(
    draws_underactuated=2.0,
    explore=replace(ArticulationSettings().explore, steps=20),
    descent=replace(ArticulationSettings().descent, steps=60),
    fewest=12,
    excess=1.0,
)


@pytest.fixture(scope='module')
def drawer():
    return random_articulated('drawer', 102)  # with a bar


@pytest.fixture(scope='module')
def grasps(hand, drawer):
    return ArticulationSynthesizer(hand, QUICK).synthesize(drawer, 12, seed=0)


def contacts_of(hand, grasps):
    """(N, K, 3) contact candidates in the object frame."""
    poses = torch.as_tensor(grasps.object_T_hand, dtype=torch.float32)
    posture = torch.as_tensor(grasps.grasp, dtype=torch.float32)
    return place(hand, hand.contacts, posture, poses[:, :3, :3], poses[:, :3, 3]).double().numpy()


def test_hands_hold_the_handle_and_stay_out_of_the_base(hand, drawer, grasps):
    points = contacts_of(hand, grasps)
    near = exact_signed_distance(drawer.moving_solid(drawer.start), points).min(axis=1)
    assert np.median(np.abs(near)) < 0.005
    assert exact_signed_distance(drawer.fixed_solid, points).min() > -0.005
    handle = drawer.moved_corners(drawer.start)[drawer.handle[0]].mean(axis=0)
    assert np.median(np.linalg.norm(points - handle, axis=2).min(axis=1)) < 0.06


def test_the_best_come_first_and_measures_have_names(grasps):
    assert (np.diff(grasps.score) <= 0.0).all()
    assert grasps.features.shape == (12, len(FEATURES))
    assert len(WEIGHTS) == len(FEATURES)
    again = predicted_success(torch.as_tensor(grasps.features, dtype=torch.float32))
    np.testing.assert_allclose(again, grasps.score, atol=1e-5)


def test_the_way_there_is_a_direction_and_opens_the_hand(grasps):
    np.testing.assert_allclose(np.linalg.norm(grasps.retreat, axis=1), 1.0, atol=1e-5)
    assert (np.abs(grasps.pregrasp - grasps.grasp).max(axis=1) > 0.05).all()


def test_the_same_seed_gives_the_same_grasps(hand, drawer, grasps):
    again = ArticulationSynthesizer(hand, QUICK).synthesize(drawer, 12, seed=0)
    np.testing.assert_array_equal(again.object_T_hand, grasps.object_T_hand)
    np.testing.assert_array_equal(again.squeeze, grasps.squeeze)


def test_no_grasps_are_refused(hand, drawer):
    with pytest.raises(Dex1bError, match='0 grasps wanted'):
        ArticulationSynthesizer(hand, QUICK).synthesize(drawer, 0, seed=0)


def test_hands_start_where_there_is_room_far_from_the_hinge():
    for category in ('laptop', 'toilet', 'door-left'):
        target = random_articulated(category, 3)
        prepared = GraspTarget.of(target)
        arm = np.cross(target.joint.axis, prepared.points.numpy() - target.joint.origin)
        reach = np.linalg.norm(arm, axis=1)
        assert reach.min() > 0.55 * reach.max()
        before = prepared.points + 0.06 * prepared.normals
        assert exact_signed_distance(target.fixed_solid, before.numpy()).min() > 0.02


def test_joints_move_points_along_circles_and_lines():
    points = torch.tensor([[0.3, 0.0, 0.5], [0.1, 0.4, 0.2]])[..., None]
    axis, origin = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.1, 0.0, 0.0])
    turned = JointTask(axis, origin, slides=False).tangents(points)[..., 0]
    torch.testing.assert_close(turned, torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]))
    slid = JointTask(axis, origin, slides=True).tangents(points)[..., 0]
    torch.testing.assert_close(slid, axis.expand(2, 3))
