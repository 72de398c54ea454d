"""Named and procedural shapes: closed, connected, hand-sized, deterministic."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.geometry.random_shapes import (
    LARGEST_EXTENT,
    MOST_PARTS,
    SMALLEST_WIDTH,
    THINNEST_PART,
    least_width,
    random_shape,
)
from dex1b_core.geometry.shapes import shape_names, shape_parts
from dex1b_core.geometry.solids import bodies, fuse

SEEDS = [*range(60), 999, 10**9]


def is_convex(part):
    mesh = trimesh.Trimesh(part.vertices, part.faces, process=False)
    heights = np.einsum(
        'fvi,fi->fv', part.vertices[None] - mesh.triangles[:, :1], mesh.face_normals
    )
    return mesh.is_watertight and mesh.volume > 0 and heights.max() < 1e-6


@pytest.mark.parametrize('name', shape_names())
def test_named_shapes_are_one_body_for_a_hand(name):
    parts = shape_parts(name)
    assert all(is_convex(part) for part in parts)
    solid = fuse(parts)
    assert len(bodies(solid)) == 1
    assert 0.05 <= solid.extents.max() <= 0.16
    assert solid.extents.min() >= 0.018
    assert 4e-5 < solid.volume <= sum(part.volume for part in parts) * 1.001


def test_volumes_are_those_of_the_formulas():
    pi = np.pi
    volume = {name: fuse(shape_parts(name)).volume for name in shape_names()}
    assert volume['cube'] == pytest.approx(0.055**3, rel=1e-3)
    assert volume['cylinder'] == pytest.approx(pi * 0.03**2 * 0.1, rel=0.01)
    assert volume['sphere'] == pytest.approx(4 / 3 * pi * 0.035**3, rel=0.05)
    assert volume['torus'] == pytest.approx(2 * pi**2 * 0.036 * 0.012**2, rel=0.1)
    assert volume['ring'] == pytest.approx(pi * (0.042**2 - 0.030**2) * 0.024, rel=0.06)
    assert volume['cross'] == pytest.approx((2 * 0.1 * 0.028 - 0.028**2) * 0.03, rel=1e-3)


def test_vessels_are_hollow():
    for name in ('mug', 'bowl'):
        hull = np.vstack([part.vertices for part in shape_parts(name)])
        assert fuse(shape_parts(name)).volume < 0.5 * trimesh.convex.convex_hull(hull).volume


@pytest.mark.parametrize('seed', SEEDS)
def test_random_shapes_are_one_body_without_thin_parts(seed):
    parts = random_shape(seed)
    assert 1 <= len(parts) <= MOST_PARTS
    assert all(is_convex(part) for part in parts)
    assert min(least_width(part.vertices) for part in parts) >= THINNEST_PART
    solid = fuse(parts)
    assert len(bodies(solid)) == 1
    assert LARGEST_EXTENT[0] - 1e-4 <= solid.extents.max() <= LARGEST_EXTENT[1] + 1e-4
    width = least_width(solid.vertices)
    assert SMALLEST_WIDTH[0] - 1e-4 <= width <= SMALLEST_WIDTH[1] + 1e-4


def test_a_seed_is_one_shape_and_seeds_differ():
    first, second = random_shape(17), shape_parts('random-17')
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
    volumes = {round(sum(part.volume for part in random_shape(seed)), 12) for seed in SEEDS}
    assert len(volumes) == len(SEEDS)


@pytest.mark.parametrize('name', ['mugg', '', 'random-', 'random--1', 'random-x'])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(UnknownNameError, match=r'known are: arch, .*random-N.*wedge') as caught:
        shape_parts(name)
    assert caught.value.error_code == ErrorCode.UNKNOWN_OBJECT


def test_the_page_on_objects_names_every_shape():
    page = (Path(__file__).resolve().parents[3] / 'docs' / 'objects.md').read_text()
    named = page.split('Named: ')[1].split('.')[0]
    assert [name.strip() for name in named.split(',')] == shape_names()
