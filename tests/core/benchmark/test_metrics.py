"""The record of a set's measures."""

import dataclasses
import json

import numpy as np
import pytest
import trimesh

from dex1b_core.benchmark.contact_metrics import body_gaps
from dex1b_core.benchmark.diversity import Diversity
from dex1b_core.benchmark.metrics import GraspMetrics, grasp_metrics
from dex1b_core.benchmark.penetration import penetration
from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import Dex1bError, ErrorCode

MM = 1e-3


def test_a_gripper_on_a_box(gripper):
    grasps = gripper([[0.0, 0.0], [MM, 2.5 * MM], [-3 * MM, 4 * MM], [-MM, -MM]])
    success = np.array([True, True, False, False])
    found = grasp_metrics(grasps, success)
    assert (found.n, found.successes, found.shallow) == (4, 2, 4)
    assert found.penetration == pytest.approx((0 + 2.5 + 4 + 0) / 4 * MM, abs=1e-5)
    assert found.contact_number == pytest.approx((2 + 1 + 0 + 2) / 4)
    assert found.contact_distance == pytest.approx((0 + 0 + 1.5 + 1) / 4 * MM, abs=1e-6)
    assert found.contact_consistency == pytest.approx((0 + 1.5 + 7 + 0) / 4 * MM, abs=1e-6)
    assert 0.0 <= found.q1_low_friction < found.q1 < 1.0
    assert found.diversity == Diversity.of(PlacedGrasps.of(grasps))
    assert found.success_diversity == Diversity.of(PlacedGrasps.of(grasps), success)
    assert found.success_diversity.n == 2


def test_without_a_mask_nothing_is_said_about_successes(gripper):
    found = grasp_metrics(gripper([[0.0, 0.0]]))
    assert found.successes is None
    assert found.success_diversity is None


def test_no_grasps(gripper):
    found = grasp_metrics(gripper(np.zeros((0, 2))), np.zeros(0, dtype=bool))
    nothing = Diversity(0, None, None, None, None, 0)
    assert found == GraspMetrics(
        n=0, successes=0, seed=0, q1=None, q1_low_friction=None, low_friction=0.3, shallow=0,
        penetration=None, depths=(), contact_number=None, contact_distance=None,
        contact_consistency=None, diversity=nothing, success_diversity=nothing,
    )  # fmt: skip


def test_one_grasp(gripper):
    found = grasp_metrics(gripper([[0.0, 0.0]]), np.array([True]))
    assert found.q1 > 0.0
    assert found.success_diversity == Diversity(1, None, 0.0, 0.0, None, 1)


def test_it_is_plain_json_and_the_same_again(gripper):
    grasps = gripper(MM * np.random.default_rng(0).normal(size=(6, 2)))
    success = np.arange(6) < 4
    first, again = (grasp_metrics(grasps, success, seed=5) for _ in range(2))
    assert first == again
    text = json.dumps(first.as_dict(), allow_nan=False)
    assert json.loads(text)['success_diversity']['n'] == 4
    assert first.seed == 5


def test_wrong_inputs_are_named(gripper):
    grasps = gripper([[0.0, 0.0]])
    with pytest.raises(Dex1bError, match='expected one flag') as error:
        grasp_metrics(grasps, np.ones(2, dtype=bool))
    assert error.value.error_code is ErrorCode.INVALID_REQUEST
    broken = dataclasses.replace(grasps, grasp=np.full((1, 2), np.nan))
    with pytest.raises(Dex1bError, match='not finite'):
        grasp_metrics(broken)


def test_a_real_hand_around_a_cylinder(need_hand):
    need_hand('ability_right')
    cylinder = trimesh.creation.cylinder(radius=0.028, height=0.12, sections=32)
    turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    pose = np.tile(np.eye(4), (6, 1, 1))
    # the last is far away
    shift = np.c_[np.zeros(6), [0.042, 0.046, 0.05, 0.054, 0.07, 0.5], np.full(6, 0.1)]
    pose[:, :3, :3], pose[:, :3, 3] = turn, -shift @ turn.T
    posture = np.repeat([[0.9, 0.9, 0.9, 0.9, -1.8, 0.4]], 6, axis=0)
    grasps = GraspSet(
        hand='ability_right',
        object='cylinder',
        joint_names=('index_q1', 'middle_q1', 'ring_q1', 'pinky_q1', 'thumb_q1', 'thumb_q2'),
        object_T_hand=pose,
        pregrasp=posture,
        grasp=posture,
        squeeze=posture,
        object_parts=(np.asarray(cylinder.vertices),),
        support_plane=np.full(4, np.nan),
    )
    placed = PlacedGrasps.of(grasps)
    depth, gaps = penetration(placed), body_gaps(placed)
    assert (depth[:4] > 0.0).all()
    # what separates two convex shapes takes every point of one out of the other
    assert (depth <= np.maximum(-gaps.min(axis=1), 0.0) + 1e-5).all()
    missing = grasp_metrics(grasps.select(np.array([5])))
    assert (missing.q1, missing.contact_number, missing.penetration) == (0.0, 0.0, 0.0)
    assert missing.contact_distance == pytest.approx(10 * MM)
