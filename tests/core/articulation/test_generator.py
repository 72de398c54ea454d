"""Every category makes sane, varied objects that open, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.generator import CATEGORIES, GRAVITY, random_articulated
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.solids import Solid, bodies, union
from dex1b_core.geometry.surface import exact_signed_distance

NAMES = sorted(CATEGORIES)
DEEPEST = 0.002  # [m] a part may be in the base: what turns on a pin overlaps it


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10_000))
def test_objects_are_bodies_that_stand_and_have_room_to_open(category, seed):
    target = random_articulated(category, seed)
    assert target.height == pytest.approx(0.0, abs=1e-9)
    assert len(bodies(target.moving_solid(target.start))) == 1
    assert len(bodies(target.fixed_solid)) == 1 or category == 'toilet'  # whose tank stands behind
    size = np.ptp(np.vstack([*(p.vertices for p in target.fixed), *target.moved_corners(0.0)]), 0)
    assert (size > 0.02).all()
    assert (size < 0.7).all()
    assert target.travel >= (0.2 if target.joint.slides else 0.69)
    assert 0.02 <= target.mass <= 3.0
    assert target.joint.friction > 0.0
    assert target.joint.damping > 0.0


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_the_part_moves_clear_of_its_base(category, seed, share):
    """And of the support."""
    target = random_articulated(category, seed)
    solid = target.moving_solid(target.start + share * target.travel)
    assert solid.vertices[:, 2].min() > -1e-6
    depth = -exact_signed_distance(target.fixed_solid, solid.vertices).min()
    assert depth < DEEPEST


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10_000))
def test_what_stands_open_stays_by_itself(category, seed):
    """Friction holds the part's weight where it starts, unless a stop does."""
    target = random_articulated(category, seed)
    joint, solid = target.joint, target.moving_solid(target.start)
    if joint.slides:
        assert abs(joint.axis[2]) < 1e-9
        return
    weight = np.array([0.0, 0.0, -target.mass * GRAVITY])
    effort = joint.axis @ np.cross(solid.centre - joint.origin, weight)
    assert (target.start == 0.0 and effort < 0.0) or joint.friction > 1.1 * abs(effort)


@pytest.mark.parametrize('category', NAMES)
def test_seeds_decide_and_differ(category):
    first, again, other = (random_articulated(category, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.moving[0].vertices, again.moving[0].vertices)
    assert (first.joint.upper, first.mass) == (again.joint.upper, again.mass)
    assert first.joint.upper != other.joint.upper


def test_some_have_handles_and_some_do_not():
    for category in ('box', 'door-left', 'door-right', 'drawer', 'microwave', 'toilet'):
        found = {bool(random_articulated(category, seed).handle) for seed in range(20)}
        assert found == {True, False}, category


def test_handles_leave_room_for_fingers():
    """A bar stands off its door by more than a finger is thick."""
    for seed in range(10):
        target = random_articulated('door-left', seed)
        if len(target.handle) == 3:
            grip = target.moving[target.handle[0]].vertices
            door = target.moving[0].vertices
            assert grip[:, 0].min() - door[:, 0].max() > 0.035


def test_doors_mirror_each_other():
    left, right = (random_articulated(f'door-{side}', 1).joint for side in ('left', 'right'))
    assert left.axis.tolist() == [0.0, 0.0, -1.0]
    assert left.origin[1] < 0.0 < right.origin[1]
    assert right.axis.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize('category', NAMES)
def test_positive_motion_opens(category):
    """Lids rise, doors and drawers come to the front; what is turned moves its far end."""
    target = random_articulated(category, 5)
    closed, opened = (target.moving_solid(q).centre for q in (0.0, 0.3))
    assert np.linalg.norm(opened - closed) > 1e-3 or category == 'faucet'
    if category in ('laptop', 'box', 'toilet'):
        assert opened[2] > closed[2] + 0.01
    if category in ('door-left', 'door-right', 'drawer', 'microwave'):
        assert opened[0] > closed[0] + 0.01


def test_names_are_loaded_and_others_refused():
    target = load_articulated('articulated:door-left-17')
    assert (target.name, target.category) == ('door-left-17', 'door-left')
    for name in ('articulated:window-3', 'articulated:door-left', 'articulated:drawer-x', 'mug'):
        with pytest.raises(Dex1bError, match='expected articulated:CATEGORY-N') as caught:
            load_articulated(name)
        assert caught.value.error_code == ErrorCode.UNKNOWN_OBJECT


def test_solids_are_the_unions_of_their_parts():
    target = random_articulated('drawer', 2)
    parts = [Solid(part.vertices, part.faces) for part in target.moving]
    assert target.moving_solid(0.0).volume == pytest.approx(union(parts).volume, rel=1e-3)
