"""Q1 against figures worked out by hand and against the hull of all wrenches."""

import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.benchmark.q1 import MOST_CONTACTS, ContactCandidates, q1, q1_of_contacts

R = 0.05
AXES = np.vstack([np.eye(3), -np.eye(3)])


def on_ball(directions, radius=R):
    """Points and inward normals of a ball around the origin."""
    directions = np.asarray(directions, dtype=float)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return radius * directions, -directions


def scattered(seed, count=12):
    random = np.random.default_rng(seed)
    points = random.uniform(-0.05, 0.05, (count, 3))
    inward = -points + 0.02 * random.normal(size=(count, 3))
    return points, inward / np.linalg.norm(inward, axis=1, keepdims=True)


def as_published(points, inward, mu):
    """The recipe word by word: all wrenches and zero, every facet of their hull."""
    wrenches = [np.zeros(6)]
    for point, n in zip(points, inward, strict=True):
        u = np.array([-n[1], n[0], 0.0])
        u /= np.linalg.norm(u)
        v = np.cross(u, n)
        for angle in np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False):
            force = n + mu * (np.cos(angle) * u + np.sin(angle) * v)
            wrenches.append(np.concatenate([force, 10.0 * np.cross(point, force)]))
    facets = ConvexHull(np.array(wrenches)).equations
    return min(1.0, (np.abs(facets[:, 6]) / np.linalg.norm(facets[:, :6], axis=1)).min())


@pytest.mark.parametrize('friction', [1.0, 0.3])
def test_six_contacts_along_the_axes(friction):
    # The weakest wrench is a torque about (1, 1, 1): its part across each contact's normal has
    # length sqrt(2/3) and points to a vertex of the octagon, at the scaled arm 10 R. Forces weigh
    # at least min(1, ...) there; by symmetry adding one to the torque only helps.
    expected = 10.0 * R * friction * math.sqrt(2.0 / 3.0)
    assert q1_of_contacts(*on_ball(AXES), friction=friction) == pytest.approx(expected, abs=1e-6)


def test_it_is_cut_off_at_one():
    assert q1_of_contacts(*on_ball(AXES, radius=0.5), friction=3.0) == 1.0


@pytest.mark.parametrize(
    'directions',
    [
        np.zeros((0, 3)),
        AXES[:1],
        AXES[[0, 3]],  # opposed points cannot turn about their line
        [[1, 0.2, 0.1], [1, -0.2, 0.1], [1, 0, -0.2]],  # all push the same way
    ],
)
def test_contacts_without_closure_have_none(directions):
    assert q1_of_contacts(*on_ball(np.reshape(directions, (-1, 3)))) == 0.0


@pytest.mark.parametrize('seed', range(6))
def test_it_is_the_published_recipe(seed):
    points, inward = scattered(seed)
    for friction in (1.0, 0.4):
        expected = as_published(points, inward, friction)
        assert q1_of_contacts(points, inward, friction=friction) == pytest.approx(expected)


@pytest.mark.parametrize('seed', range(3))
def test_more_friction_or_contacts_never_harm(seed):
    points, inward = scattered(seed)
    values = [q1_of_contacts(points, inward, friction=mu) for mu in (0.2, 0.5, 1.0)]
    assert values == sorted(values)
    assert q1_of_contacts(points[:8], inward[:8]) <= values[-1] + 1e-9


def test_turning_object_and_hand_about_z_changes_nothing():
    # about other axes the pyramid's edges move, about another point the torques do
    points, inward = scattered(1)
    turn = Rotation.from_rotvec([0.0, 0.0, 0.7]).as_matrix()
    turned = q1_of_contacts(points @ turn.T, inward @ turn.T)
    assert turned == pytest.approx(q1_of_contacts(points, inward), abs=1e-9)


def candidates(distance, count=6, seed=0):
    directions = AXES if count == 6 else np.random.default_rng(seed).normal(size=(count, 3))
    points, inward = on_ball(directions)
    return ContactCandidates(points[None], inward[None], np.full((1, count), distance))


@pytest.mark.parametrize(('distance', 'touches'), [(-0.03, 1), (0.0, 1), (0.009, 1), (0.011, 0)])
def test_contacts_are_near_or_inside(distance, touches):
    value = q1(candidates(distance))[0]
    assert value == pytest.approx(touches * 10.0 * R * math.sqrt(2.0 / 3.0), abs=1e-6)


def test_of_many_contacts_some_are_drawn_by_the_seed():
    many = candidates(0.0, count=26)
    first, again, other = q1(many, seed=1), q1(many, seed=1), q1(many, seed=2)
    assert first == again
    assert first != other
    every = q1_of_contacts(many.points[0], many.inward[0])
    assert 0.0 < first[0] < every
    few = candidates(0.0, count=MOST_CONTACTS)
    assert q1(few, seed=1) == pytest.approx(q1(few, seed=2), abs=1e-9)


def test_candidates_of_a_gripper(gripper):
    placed = PlacedGrasps.of(gripper([[-0.001, 0.003]]))
    found = ContactCandidates.of(placed)
    left = (placed.hand.contact_fingers == 0).numpy()
    beside = np.abs(found.points[0, :, 2]) < 0.014  # not past the box's edge
    for mine, distance, side in ((left, 0.001, 1.0), (~left, -0.003, -1.0)):
        rows = mine & beside
        assert rows.sum() > 3
        assert found.distance[0, rows] == pytest.approx(distance, abs=1e-6)
        assert found.points[0, rows, 0] == pytest.approx(side * 0.02, abs=1e-6)
        np.testing.assert_allclose(
            found.inward[0, rows], np.tile([-side, 0, 0], (rows.sum(), 1)), atol=1e-3
        )
