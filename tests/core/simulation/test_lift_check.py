"""One trial of the physics check on hand-made grasps of a can."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane, from_rpy, transform_points
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial
from dex1b_core.simulation.lift_check import LiftChecker, prepare_object, support_frame

sys.path.insert(0, str(Path(__file__).parent))
import grasp_scenes as scenes

TABLE = Plane(np.array([0.0, 0.0, 1.0]), 0.0)


def lift_checker(engine, shape=None, plane=TABLE):
    target = prepare_object(shape or scenes.can(), plane)
    return LiftChecker.of_robot(scenes.ROBOT, target, CheckSettings(engine=engine))


@pytest.fixture(scope='module', params=['sapien', 'mujoco'])
def engine(request):
    return request.param


@pytest.fixture(scope='module')
def checker(engine):
    return lift_checker(engine)


@pytest.fixture(scope='module')
def target():
    return prepare_object(scenes.can(), TABLE)


def test_good_grasp_lifts_the_can(checker):
    result = checker.run(scenes.good(), TABLE, Trial())
    assert result.reason is FailureReason.NONE
    assert result.held
    assert result.lift_height == pytest.approx(CheckSettings().lift, abs=0.02)
    assert result.slip < 0.01
    assert result.rotation < 0.2
    assert result.fingers_in_contact >= 3


@pytest.mark.parametrize(
    ('candidate', 'reason'),
    [
        (scenes.in_the_air(), FailureReason.MISSED),
        (scenes.loose(), FailureReason.MISSED),
        (scenes.in_the_table(), FailureReason.TABLE_HIT),
        (scenes.in_the_can(), FailureReason.INITIAL_PENETRATION),
        (scenes.without_thumb(), FailureReason.TOO_FEW_FINGERS),
    ],
    ids=['air', 'loose', 'table', 'overlap', 'thumb'],
)
def test_bad_grasp_fails_with_its_reason(checker, candidate, reason):
    result = checker.run(candidate, TABLE, Trial())
    assert result.reason is reason
    assert not result.held


def test_slippery_can_is_lost(checker):
    result = checker.run(scenes.good(), TABLE, Trial(friction=0.02))
    assert result.reason in {
        FailureReason.SLIPPED, FailureReason.DROPPED, FailureReason.TOO_FEW_FINGERS,
        FailureReason.MISSED,
    }  # fmt: skip


def test_open_hand_that_pushes_the_can_over_is_found_out(checker):
    shifted = Trial(shift=(0.0, 0.06, 0.0))
    assert not checker.run(scenes.good(), TABLE, shifted).held


def test_same_trial_same_result_whatever_came_before(engine, checker):
    first = checker.run(scenes.good(), TABLE, Trial())
    checker.run(scenes.without_thumb(), TABLE, Trial(friction=0.6))
    assert checker.run(scenes.good(), TABLE, Trial()) == first
    assert lift_checker(engine).run(scenes.good(), TABLE, Trial()) == first


def test_support_may_be_anywhere(engine):
    """A raised and slightly tilted table, with everything on it, changes nothing."""
    moved_T_planning = from_rpy([0.0, 0.0, 0.2], [0.02, -0.03, 0.0])
    normal = moved_T_planning[:3, 2]
    plane = Plane(normal, -float(normal @ moved_T_planning[:3, 3]))
    can, good = scenes.can(), scenes.good()
    can = replace(can, vertices=transform_points(moved_T_planning, can.vertices))
    moved = replace(
        good,
        planning_T_wrist=moved_T_planning @ good.planning_T_wrist,
        approach=moved_T_planning[:3, :3] @ good.approach,
    )
    result = lift_checker(engine, can, plane).run(moved, plane, Trial())
    assert result.held
    assert result.lift_height == pytest.approx(CheckSettings().lift, abs=0.02)


def test_support_frame_puts_the_plane_at_zero():
    normal = np.array([0.1, -0.2, 0.97])
    plane = Plane(normal / np.linalg.norm(normal), -0.3)
    on_plane = -plane.offset * plane.normal + np.cross(plane.normal, [0.3, 0.5, 0.1])
    assert transform_points(support_frame(plane), on_plane[None])[0, 2] == pytest.approx(0.0)
    above = on_plane + 0.1 * plane.normal
    assert transform_points(support_frame(plane), above[None])[0, 2] == pytest.approx(0.1)


def test_object_stands_on_the_support():
    floating = scenes.can(table=0.01)
    target = prepare_object(floating, TABLE)
    lowest = min(part.vertices[:, 2].min() for part in target.parts)
    assert lowest + target.support_T_object[2, 3] == pytest.approx(0.0, abs=1e-6)
    assert target.volume == pytest.approx(np.pi * scenes.RADIUS**2 * scenes.HEIGHT, rel=0.05)


def test_shape_without_volume_is_refused():
    can = scenes.can()
    flat = replace(can, vertices=can.vertices * [1.0, 1.0, 0.0])
    with pytest.raises(Dex1bError, match='closed mesh') as caught:
        prepare_object(flat, TABLE)
    assert caught.value.error_code is ErrorCode.SHAPE_INVALID
