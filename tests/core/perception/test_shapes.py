from collections.abc import Callable
from functools import cache
from typing import get_args

import numpy as np
import pytest
import trimesh
from pydantic import ValidationError
from rendering import INTRINSICS, Body, box, cylinder, frame, sphere

from dex1b_core.perception import ObjectObservation, PerceptionSettings, ShapeHypothesis, observe
from dex1b_core.perception.freespace import View, cautious, depth_behind
from dex1b_core.perception.settings import DEFAULT_HYPOTHESES, HypothesisName

SETTINGS = PerceptionSettings()
ALL = PerceptionSettings(hypotheses=get_args(HypothesisName))
NOISE = 0.0013
BODIES = {
    'can': cylinder((0.45, 0.0), 0.035, 0.12),
    'ball': sphere((0.45, 0.0, 0.04), 0.04),
    'block': box((0.42, -0.05, 0.0), (0.48, 0.05, 0.08)),
    'slab': box((0.44, -0.06, 0.0), (0.46, 0.06, 0.015)),
}


def mesh(shape: ShapeHypothesis) -> trimesh.Trimesh:
    return trimesh.Trimesh(shape.vertices, shape.faces, process=False)


def shapes(body: Body) -> tuple[ShapeHypothesis, ...]:
    return observe([frame(body, noise=NOISE)], settings=SETTINGS).observation.shapes


@cache
def seen(name: str) -> ObjectObservation:
    """A body with all hypotheses."""
    return observe([frame(BODIES[name], noise=NOISE)], settings=ALL).observation


@pytest.mark.parametrize('name', BODIES)
def test_shapes_are_closed_outward_and_small_and_stand_on_the_plane(name: str) -> None:
    found = seen(name).shapes
    assert {shape.name for shape in found} == set(get_args(HypothesisName))
    for shape in found:
        assert mesh(shape).is_watertight, shape.name
        assert mesh(shape).volume > 0, shape.name
        assert len(shape.faces) <= SETTINGS.max_faces
        assert shape.vertices[:, 2].min() == pytest.approx(0.0, abs=0.003)


def test_hidden_half_of_a_can_is_completed() -> None:
    best = mesh(shapes(cylinder((0.45, 0.0), 0.035, 0.12))[0])
    assert best.volume == pytest.approx(np.pi * 0.035**2 * 0.12, rel=0.12)
    middle = best.vertices[(best.vertices[:, 2] > 0.03) & (best.vertices[:, 2] < 0.1)]
    radius = np.linalg.norm(middle[:, :2] - [0.45, 0.0], axis=1)
    assert np.abs(radius - 0.035).mean() < 0.003


def test_ball_is_round_at_the_back_and_below() -> None:
    found = shapes(sphere((0.45, 0.0, 0.04), 0.04))
    assert found[0].name == 'symmetric_extrusion'
    best, hull = (mesh(shape) for shape in (found[0], found[-1]))
    assert best.volume == pytest.approx(4 / 3 * np.pi * 0.04**3, rel=0.2)
    assert best.bounds[0, 0] == pytest.approx(0.41, abs=0.005)
    # which the visible side alone does not tell
    assert hull.bounds[0, 0] > 0.415


def test_box_seen_from_the_front_has_its_depth() -> None:
    best = mesh(shapes(box((0.42, -0.05, 0.0), (0.48, 0.05, 0.08)))[0])
    assert best.extents == pytest.approx([0.06, 0.10, 0.08], abs=0.006)


def test_seen_surface_lies_on_the_shape() -> None:
    observation = observe(
        [frame(cylinder((0.45, 0.0), 0.04, 0.10), noise=NOISE)], settings=SETTINGS
    ).observation
    best = mesh(observation.shapes[0])
    samples = trimesh.sample.sample_surface(best, 20000, seed=0)[0]
    gaps = trimesh.proximity.cKDTree(samples).query(observation.points)[0]
    assert np.median(gaps) < 0.003


def test_empty_space_between_legs_stays_empty() -> None:
    """A camera that looks under a bridge must not see it filled."""
    legs = [box((0.42, y, 0.0), (0.48, y + 0.02, 0.09)) for y in (-0.06, 0.04)]
    deck = box((0.42, -0.06, 0.07), (0.48, 0.06, 0.09))
    image = frame(*legs, deck, eye=(0.95, 0.0, 0.25), noise=NOISE)
    best = mesh(observe([image], settings=SETTINGS).observation.shapes[0])
    below = np.array([[0.475, 0.0, 0.03], [0.475, 0.01, 0.04], [0.475, -0.01, 0.02]])
    assert not best.contains(below).any()


@pytest.mark.parametrize('name', BODIES)
def test_shapes_contain_what_was_seen_and_nothing_that_was_seen_empty(name: str) -> None:
    observation, image = seen(name), frame(BODIES[name], noise=NOISE)
    nothing = np.zeros(image.depth_m.shape, dtype=bool)
    # beside an outline a pixel decides what is behind
    view = cautious(View(image.depth_m, nothing, INTRINSICS, image.planning_T_camera))
    for shape in observation.shapes:
        distance = trimesh.proximity.signed_distance(mesh(shape), observation.points[::5])
        assert (distance > -0.003).mean() > 0.9, shape.name
        if shape.name != 'hull':
            vertices = shape.vertices[shape.vertices[:, 2] > 0.01]
            assert (depth_behind(vertices, [view]) > -0.01).mean() > 0.98, shape.name


def mug() -> tuple[list[Body], trimesh.Trimesh]:
    """Cylinder with a handle to its side, and its mesh."""
    bars = [
        ((0.445, 0.03, 0.02), (0.455, 0.07, 0.03)),
        ((0.445, 0.06, 0.02), (0.455, 0.07, 0.08)),
        ((0.445, 0.03, 0.07), (0.455, 0.07, 0.08)),
    ]
    body = trimesh.creation.cylinder(0.04, 0.1, sections=64)
    body.apply_translation([0.45, 0.0, 0.05])
    solids = [body, *(trimesh.creation.box(bounds=bar) for bar in bars)]
    bodies = [cylinder((0.45, 0.0), 0.04, 0.1), *(box(*bar) for bar in bars)]
    return bodies, trimesh.boolean.union(solids)


def ball() -> tuple[list[Body], trimesh.Trimesh]:
    body = trimesh.creation.icosphere(4, 0.04)
    body.apply_translation([0.45, 0.0, 0.04])
    return [BODIES['ball']], body


@pytest.mark.parametrize('made', [ball, mug])
def test_smooth_shape_is_nearer_than_the_hull(made: Callable[[], tuple]) -> None:
    bodies, true = made()
    settings = PerceptionSettings(hypotheses=('hull', 'smooth'))
    found = observe([frame(*bodies, noise=NOISE)], settings=settings).observation.shapes
    assert [shape.name for shape in found] == ['smooth', 'hull']
    places = trimesh.sample.sample_surface(true, 1000, seed=0)[0]
    smooth, hull = (trimesh.proximity.closest_point(mesh(s), places)[1] for s in found)
    assert smooth.mean() < 0.8 * hull.mean()
    assert np.percentile(smooth, 95) < np.percentile(hull, 95)
    assert mesh(found[0]).volume == pytest.approx(true.volume, rel=0.15)


def test_extrusion_reaches_down_below_what_is_seen() -> None:
    """Without a guess at the back, unlike the symmetric one."""
    found = {shape.name: mesh(shape) for shape in seen('can').shapes}
    low, high = found['extrusion'].bounds
    assert low[2] == pytest.approx(0.0, abs=0.003)
    assert high == pytest.approx([0.485, 0.035, 0.12], abs=0.006)
    assert 0.5 < found['extrusion'].volume / found['symmetric_extrusion'].volume < 1.02


def test_settings_choose_hypotheses_and_trust_orders_them() -> None:
    image = frame(BODIES['can'], noise=NOISE)

    def names(*chosen: HypothesisName) -> list[str]:
        settings = PerceptionSettings(hypotheses=chosen)
        return [shape.name for shape in observe([image], settings=settings).observation.shapes]

    assert names('extrusion') == ['extrusion']
    assert names('hull', 'carved_hull', 'symmetric_extrusion', 'smooth') == [
        'smooth', 'symmetric_extrusion', 'carved_hull', 'hull',
    ]  # fmt: skip
    assert set(DEFAULT_HYPOTHESES) >= {'symmetric_extrusion', 'carved_hull', 'hull'}


def test_choice_does_not_change_a_hypothesis() -> None:
    settings = PerceptionSettings(hypotheses=('smooth',))
    alone = observe([frame(BODIES['can'], noise=NOISE)], settings=settings).observation.shapes[0]
    together = next(shape for shape in seen('can').shapes if shape.name == 'smooth')
    np.testing.assert_array_equal(alone.vertices, together.vertices)


def test_unknown_hypotheses_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="'smooth', 'symmetric_extrusion', 'extrusion'"):
        PerceptionSettings(hypotheses=('poisson',))
    with pytest.raises(ValidationError, match='at least 1 item'):
        PerceptionSettings(hypotheses=())


def test_smooth_shape_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        'dex1b_core.perception.shapes.smooth_solid',
        lambda points, normals, guess, grid, *_: np.zeros(grid.shape),
    )
    found = observe([frame(BODIES['can'], noise=NOISE)], settings=SETTINGS).observation.shapes
    assert {shape.name for shape in found} == set(DEFAULT_HYPOTHESES) - {'smooth'}
