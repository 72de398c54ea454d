"""Convex parts of reconstructed shapes."""

import time

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.simulation.cuts import cut_into_convex_parts


def shape_of(mesh: trimesh.Trimesh) -> ShapeHypothesis:
    return ShapeHypothesis('test', np.asarray(mesh.vertices), np.asarray(mesh.faces))


def box(size, centre):
    mesh = trimesh.creation.box(size)
    mesh.apply_translation(centre)
    return mesh


def hollow_cup():
    outer = trimesh.creation.cylinder(0.04, 0.1, sections=32)
    inner = trimesh.creation.cylinder(0.034, 0.1, sections=32)
    inner.apply_translation([0, 0, 0.01])
    return trimesh.boolean.difference([outer, inner], engine='manifold')


def largest_gap(mesh, parts):
    """How far the parts stand off the solid, sampled."""
    rng = np.random.default_rng(0)
    points = rng.uniform(*mesh.bounds, (4000, 3))
    equations = [ConvexHull(part.vertices).equations for part in parts]
    covered = np.any(
        [(points @ e[:, :3].T + e[:, 3] < -1e-6).all(axis=1) for e in equations], axis=0
    )
    outside = points[covered & ~mesh.contains(points)]
    if len(outside) == 0:
        return 0.0
    return float(np.abs(trimesh.proximity.signed_distance(mesh, outside)).max())


def test_convex_shape_stays_whole():
    mesh = box([0.06, 0.08, 0.1], [0.4, 0, 0.05])
    parts = cut_into_convex_parts(shape_of(mesh))
    assert len(parts) == 1
    assert parts[0].volume == pytest.approx(mesh.volume, rel=0.02)


def test_l_shape_is_cut():
    mesh = trimesh.boolean.union(
        [box([0.1, 0.04, 0.04], [0, 0, 0]), box([0.04, 0.04, 0.12], [-0.03, 0, 0.06])],
        engine='manifold',
    )
    parts = cut_into_convex_parts(shape_of(mesh))
    assert 2 <= len(parts) <= 4
    assert sum(part.volume for part in parts) == pytest.approx(mesh.volume, rel=0.1)
    assert largest_gap(mesh, parts) < 0.008


def test_hollow_cup_stays_open_at_the_top():
    mesh = hollow_cup()
    parts = cut_into_convex_parts(shape_of(mesh))
    assert len(parts) <= 16
    axis = np.array([[0.0, 0.0, z] for z in np.linspace(0.0, 0.04, 5)])
    for part in parts:
        equations = ConvexHull(part.vertices).equations
        assert not (axis @ equations[:, :3].T + equations[:, 3] < 0).all(axis=1).any()


def test_a_mesh_with_a_hole_is_tolerated():
    mesh = trimesh.creation.icosphere(radius=0.04)
    open_mesh = ShapeHypothesis('test', np.asarray(mesh.vertices), np.asarray(mesh.faces)[:-6])
    parts = cut_into_convex_parts(open_mesh)
    assert sum(part.volume for part in parts) == pytest.approx(mesh.volume, rel=0.1)


def test_the_same_shape_gives_the_same_parts():
    shape = shape_of(hollow_cup())
    first, second = cut_into_convex_parts(shape), cut_into_convex_parts(shape)
    assert len(first) == len(second)
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first, second, strict=True))


def test_time_is_bounded():
    """Also for a noisy shape of many faces, on which general decompositions take minutes."""
    mesh = trimesh.creation.icosphere(radius=0.05, subdivisions=5)
    rng = np.random.default_rng(0)
    mesh.vertices += rng.normal(0, 0.004, mesh.vertices.shape)
    start = time.process_time()
    cut_into_convex_parts(shape_of(mesh))
    assert time.process_time() - start < 15.0


@pytest.mark.parametrize(
    'change',
    [
        lambda v, f: (v[:0], f[:0]),
        lambda v, f: (v * [1, 1, 0], f),
        lambda v, f: (np.where(np.arange(len(v))[:, None] == 0, np.nan, v), f),
        lambda v, f: (v, f + len(v)),
        lambda v, f: (v * 1000, f),
    ],
    ids=['empty', 'flat', 'nan', 'indices', 'millimetres'],
)
def test_unsound_mesh_is_refused(change):
    mesh = box([0.06, 0.08, 0.1], [0.4, 0, 0.05])
    vertices, faces = change(np.asarray(mesh.vertices), np.asarray(mesh.faces))
    with pytest.raises(Dex1bError, match='closed mesh') as caught:
        cut_into_convex_parts(ShapeHypothesis('test', vertices, faces))
    assert caught.value.error_code is ErrorCode.SHAPE_INVALID
