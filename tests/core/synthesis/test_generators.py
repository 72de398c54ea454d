"""Both generators on a can: what every candidate must satisfy, seeds, errors."""

import dataclasses

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.synthesis import make_generator
from dex1b_core.synthesis.batch import place
from dex1b_core.synthesis.scene import build_scene

COUNT = 16


@pytest.fixture(scope='module', params=['heuristic', 'optimizer'])
def generator(request, robot):
    """As `make_generator` makes it, with less to try."""
    full = make_generator(request.param, robot)
    if request.param == 'heuristic':
        return type(full)(robot, dataclasses.replace(full.settings, samples=150))
    fewer = dataclasses.replace(full.settings.seeds, samples=60)
    short = dataclasses.replace(full.settings.descent, steps=40)
    return type(full)(robot, dataclasses.replace(full.settings, seeds=fewer, descent=short))


@pytest.fixture(scope='module')
def result(generator, can):
    return generator.generate(can, count=COUNT, seed=5)


def surface(generator, candidate, posture, shift=0.0):
    """(N, 3) surface points of the hand in the planning frame, in double precision."""
    pose = torch.tensor(candidate.planning_T_wrist).float()[None]
    translation = pose[:, :3, 3] - shift * torch.tensor(candidate.approach).float()
    joints = torch.tensor(posture).float()[None]
    hand = generator.hand
    return place(hand, hand.surface, joints, pose[:, :3, :3], translation)[0]


def test_enough_candidates_best_first(result):
    assert COUNT / 3 < len(result.candidates) <= COUNT
    scores = [candidate.score for candidate in result.candidates]
    assert scores == sorted(scores, reverse=True)


def test_values_are_rigid_finite_and_within_limits(generator, result):
    lower = generator.hand.kinematics.lower.numpy() - 1e-5
    upper = generator.hand.kinematics.upper.numpy() + 1e-5
    for c in result.candidates:
        rotation = c.planning_T_wrist[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-5)
        assert np.linalg.norm(c.approach) == pytest.approx(1.0, abs=1e-5)
        for posture in (c.pregrasp, c.grasp, c.squeeze):
            assert ((posture >= lower) & (posture <= upper)).all()


def test_hand_touches_and_neither_enters_object_nor_table(generator, result, can):
    scene = build_scene(can)
    for c in result.candidates:
        points = surface(generator, c, c.grasp)
        assert -0.0061 < scene.sdf.distance(points).min() < 0.004
        assert scene.height(points).min() > 0.0019


def test_pregrasp_comes_in_on_a_free_line(generator, result, can):
    scene = build_scene(can)
    for c in result.candidates:
        for shift in (0.0, 0.03, c.approach_distance):
            points = surface(generator, c, c.pregrasp, shift)
            assert scene.sdf.distance(points).min() > -0.0045
            assert scene.height(points).min() > -0.002


def test_squeeze_closes_fingers_that_touch(generator, result, robot):
    offset = robot.hand.squeeze_offset
    closing = generator.hand.closing.numpy()
    for c in result.candidates:
        change = (c.squeeze - c.grasp) * closing
        assert ((change > -1e-6) & (change < offset + 1e-5)).all()
        assert (change > 0.05).sum() >= 3


def test_same_seed_same_candidates(generator, result, can):
    again = generator.generate(can, count=COUNT, seed=5)
    for a, b in zip(again.candidates, result.candidates, strict=True):
        np.testing.assert_array_equal(a.planning_T_wrist, b.planning_T_wrist)
        np.testing.assert_array_equal(a.squeeze, b.squeeze)


def test_approaches_leave_out_below_and_behind(result):
    for c in result.candidates:
        assert c.approach[2] < 0.5
        assert c.approach[0] > -0.75


def test_obstacles_are_kept_clear(generator, result, can):
    wall = np.stack(np.meshgrid([0.5], np.linspace(-0.1, 0.1, 20), np.linspace(0, 0.15, 20)), -1)
    walled = dataclasses.replace(can, obstacles=wall.reshape(-1, 3))

    def gap(candidate):
        points = surface(generator, candidate, candidate.grasp).numpy()
        return np.linalg.norm(points[:, None] - walled.obstacles, axis=-1).min()

    assert min(gap(c) for c in result.candidates) < 0.003
    kept_clear = generator.generate(walled, count=COUNT, seed=5).candidates
    assert min(gap(c) for c in kept_clear) > 0.0005


def test_raised_table(generator, observe):
    observation = observe(trimesh.creation.box([0.05, 0.06, 0.08]))
    lift = np.array([0.0, 0.0, 0.2])
    shape = observation.shapes[0]
    raised = dataclasses.replace(
        observation,
        points=observation.points + lift,
        support_plane=Plane(np.array([0.0, 0.0, 1.0]), -0.2),
        shapes=(dataclasses.replace(shape, vertices=shape.vertices + lift),),
    )
    for c in generator.generate(raised, count=8, seed=1).candidates:
        assert surface(generator, c, c.grasp)[:, 2].min() > 0.2018


def test_out_of_reach_counts_why(generator, observe):
    with pytest.raises(Dex1bError, match='workspace') as caught:
        generator.generate(observe(trimesh.creation.icosphere(radius=0.03), at=(3.0, 0.0)),
                           count=8, seed=1)  # fmt: skip
    assert caught.value.error_code == ErrorCode.NO_CANDIDATES


def test_too_large_object_has_no_candidates(generator, observe):
    with pytest.raises(Dex1bError) as caught:
        generator.generate(observe(trimesh.creation.box([0.4, 0.4, 0.4])), count=8, seed=1)
    assert caught.value.error_code == ErrorCode.NO_CANDIDATES


@pytest.mark.parametrize(
    ('change', 'code'),
    [
        ({'shapes': ()}, ErrorCode.SHAPE_INVALID),
        ({'support_plane': Plane(np.array([0.0, 0.0, np.nan]), 0.0)}, ErrorCode.NO_PLANE),
        ({'support_plane': Plane(np.array([0.0, 0.0, 2.0]), 0.0)}, ErrorCode.NO_PLANE),
    ],
)
def test_unusable_observations(generator, can, change, code):
    with pytest.raises(Dex1bError) as caught:
        generator.generate(dataclasses.replace(can, **change), count=8, seed=1)
    assert caught.value.error_code == code


def test_a_broken_shape_gives_way_to_the_next(can, observe):
    shape = can.shapes[0]
    broken = dataclasses.replace(shape, name='broken', faces=shape.faces[:-1])
    scene = build_scene(dataclasses.replace(can, shapes=(broken, shape)))
    assert [(r.code, r.count) for r in scene.skipped] == [(ErrorCode.SHAPE_INVALID, 1)]
    assert 'broken' in scene.skipped[0].example
    assert len(scene.vertices) == len(shape.vertices)


def test_unknown_backend(robot):
    with pytest.raises(Dex1bError, match='heuristic, optimizer'):
        make_generator('magic', robot)
