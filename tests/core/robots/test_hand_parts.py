"""Planes, points and boxes of convex parts: exact for boxes, close for round bodies."""

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.hand_parts import POINTS, joined_parts, part_arrays
from dex1b_core.robots.link_geometry import collision_hulls, union_depth

TILTED = trimesh.transformations.rotation_matrix(0.7, [1.0, 2.0, -1.0])
TILTED[:3, 3] = [0.03, -0.02, 0.01]
SIZE = np.array([0.02, 0.03, 0.05])


def box(size, at=(0.0, 0.0, 0.0)):
    made = trimesh.creation.box(size)
    made.apply_translation(at)
    return made


def odd_hull():
    """The hull of random points, without symmetry."""
    return trimesh.convex.convex_hull(0.02 * np.random.default_rng(0).normal(size=(60, 3)))


def reach(planes, directions):
    """(N,) distance from the origin to the planes along unit directions (N, 3)."""
    along = directions @ planes[:, :3].T
    return np.where(along > 1e-9, planes[:, 3] / along.clip(1e-9), np.inf).min(axis=1)


@pytest.mark.parametrize('make', [odd_hull, lambda: box(SIZE).apply_transform(TILTED)])
def test_planes_enclose_the_hull_and_each_touches_it(make):
    hull = make()
    _, planes, _, _ = part_arrays(hull)
    beyond = hull.vertices @ planes[:, :3].T - planes[:, 3]
    np.testing.assert_allclose(beyond.max(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(planes[:, :3], axis=1), 1.0)


def test_planes_of_a_turned_and_shifted_box_are_exact():
    _, planes, _, _ = part_arrays(box(SIZE).apply_transform(TILTED))
    local = np.random.default_rng(0).uniform(-0.04, 0.04, (4000, 3))
    expected = (np.abs(local) < SIZE / 2).all(axis=1)
    points = trimesh.transform_points(local, TILTED)
    behind = (points @ planes[:, :3].T < planes[:, 3]).all(axis=1)
    clear = np.abs(np.abs(local) - SIZE / 2).min(axis=1) > 1e-6
    np.testing.assert_array_equal(behind[clear], expected[clear])
    assert 50 < expected.sum() < 2000


def test_the_smallest_box_of_a_box_is_itself():
    _, _, centre, halves = part_arrays(box(SIZE).apply_transform(TILTED))
    np.testing.assert_allclose(centre, TILTED[:3, 3], atol=1e-8)
    order = np.linalg.norm(halves, axis=1).argsort()
    np.testing.assert_allclose(np.linalg.norm(halves[order], axis=1), SIZE / 2, atol=1e-8)
    own = halves[order] @ TILTED[:3, :3]
    np.testing.assert_allclose(np.abs(own), np.diag(SIZE / 2), atol=1e-8)


def test_the_smallest_box_holds_the_hull_and_each_side_touches_it():
    hull = odd_hull()
    _, _, centre, halves = part_arrays(hull)
    along = (hull.vertices - centre) @ halves.T / (halves**2).sum(axis=1)
    np.testing.assert_allclose(along.max(axis=0), 1.0, atol=1e-6)
    np.testing.assert_allclose(along.min(axis=0), -1.0, atol=1e-6)


def test_a_cylinder_falls_short_of_its_planes_by_8_per_cent_of_its_radius():
    _, planes, _, _ = part_arrays(trimesh.creation.cylinder(0.01, 0.05, sections=96))
    angle = np.linspace(0.0, 2.0 * np.pi, 1000)
    found = reach(planes, np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=1)) / 0.01
    # an octagon around a circle: 1 / cos(22.5 deg)
    assert found.max() == pytest.approx(1.0 / np.cos(np.pi / 8), abs=0.002)
    assert found.min() > 0.998


def test_a_sphere_falls_short_of_its_planes_by_at_most_13_per_cent_and_by_4_on_average():
    _, planes, _, _ = part_arrays(trimesh.creation.icosphere(subdivisions=4, radius=0.01))
    directions = np.random.default_rng(0).normal(size=(20000, 3))
    found = reach(planes, directions / np.linalg.norm(directions, axis=1, keepdims=True)) / 0.01
    # faces, edges and corners of a box meet at (1, sqrt 2 - 1, sqrt 3 - sqrt 2)
    corner = np.linalg.norm([1.0, np.sqrt(2.0) - 1.0, np.sqrt(3.0) - np.sqrt(2.0)])
    assert found.max() == pytest.approx(corner, abs=0.003)
    assert found.mean() < 1.05
    assert found.min() > 0.998


@pytest.mark.parametrize('make', [odd_hull, lambda: box(SIZE)])
def test_points_lie_spread_on_the_surface(make):
    hull = make()
    points, _, _, _ = part_arrays(hull)
    assert points.shape == (POINTS, 3)
    assert np.abs(union_depth([hull], points)).max() < 1e-9
    apart = np.linalg.norm(points[:, None] - points, axis=-1) + np.eye(POINTS)
    assert apart.min() > 0.4 * np.sqrt(hull.area / POINTS)
    sampled, _ = trimesh.sample.sample_surface(hull, 500, seed=9)
    gaps = np.linalg.norm(sampled[:, None] - points, axis=-1).min(axis=1)
    assert gaps.max() < 1.5 * np.sqrt(hull.area / POINTS)


def test_corners_of_a_box_are_among_its_points():
    hull = box([0.02, 0.02, 0.05])
    points, _, _, _ = part_arrays(hull)
    gaps = np.linalg.norm(hull.vertices[:, None] - points, axis=-1).min(axis=1)
    np.testing.assert_allclose(gaps, 0.0, atol=1e-9)


def test_boxes_that_touch_become_one():
    joined = joined_parts([box(SIZE), box(SIZE, (0.02, 0.0, 0.0))])
    assert len(joined) == 1
    np.testing.assert_allclose(joined[0].extents, [0.04, 0.03, 0.05])
    assert joined[0].volume == pytest.approx(2.0 * SIZE.prod())


@pytest.mark.parametrize(
    ('length', 'count'),
    # of hulls of two bars of width 1 that form an L of this length: l^2 - (l - 1)^2 / 2 against
    # twice 2 l - 1, thus 17 against 18 and 31 against 26
    [(5, 1), (7, 2)],
)
def test_an_l_stays_apart_where_its_hull_is_twice_as_large(length, count):
    upright = box([1, 1, length], (0.5, 0.5, length / 2))
    lying = box([length - 1, 1, 1], (1 + (length - 1) / 2, 0.5, 0.5))
    kept = joined_parts([upright, lying])
    assert len(kept) == count
    volume = length**2 - (length - 1) ** 2 / 2 if count == 1 else 2 * length - 1
    assert sum(hull.volume for hull in kept) == pytest.approx(volume)


def test_one_body_and_none_stay_what_they_are():
    hull = box(SIZE)
    assert joined_parts([hull]) == [hull]
    assert joined_parts([]) == []


def test_parts_of_a_hand_enclose_all_its_collision_geometry(need_hand):
    description = need_hand('ability_right')
    model = HandModel(description)
    parts, names = model.parts, model.kinematics.link_names
    hulls = collision_hulls(description.urdf_path, names)
    with_geometry = {index for index, name in enumerate(names) if hulls[name]}
    assert set(parts.links.tolist()) == with_geometry
    for link in with_geometry:
        planes = parts.planes[parts.links == link].double().numpy()
        for hull in hulls[names[link]]:
            beyond = hull.vertices @ planes[..., :3].transpose(0, 2, 1) - planes[:, None, :, 3]
            assert beyond.max(axis=(1, 2)).min() < 1e-6


def test_moved_to_a_device_all_tensors_move(need_hand):
    moved = HandModel(need_hand('ability_right')).parts.to('meta')
    assert {value.device for value in vars(moved).values()} == {torch.device('meta')}
