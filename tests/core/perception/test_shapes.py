import numpy as np
import pytest
import trimesh
from rendering import Body, box, cylinder, frame, sphere

from dex1b_core.perception import PerceptionSettings, ShapeHypothesis, observe

SETTINGS = PerceptionSettings()
NOISE = 0.0013


def mesh(shape: ShapeHypothesis) -> trimesh.Trimesh:
    return trimesh.Trimesh(shape.vertices, shape.faces, process=False)


def shapes(body: Body) -> tuple[ShapeHypothesis, ...]:
    return observe([frame(body, noise=NOISE)], settings=SETTINGS).observation.shapes


@pytest.mark.parametrize(
    'body',
    [
        cylinder((0.45, 0.0), 0.035, 0.12),
        sphere((0.45, 0.0, 0.04), 0.04),
        box((0.42, -0.05, 0.0), (0.48, 0.05, 0.08)),
        box((0.44, -0.06, 0.0), (0.46, 0.06, 0.015)),
    ],
)
def test_shapes_are_closed_outward_and_small_and_stand_on_the_plane(body: Body) -> None:
    found = shapes(body)
    assert {shape.name for shape in found} == {'symmetric_extrusion', 'carved_hull', 'hull'}
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
