import numpy as np
import pytest
import trimesh

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import convex
from dex1b_core.geometry.convex import MAX_HULL_VERTICES, convex_part, convex_parts


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path))
    return tmp_path


def l_shape():
    return trimesh.util.concatenate(
        [
            trimesh.creation.box([0.10, 0.03, 0.03]),
            trimesh.creation.box(
                [0.03, 0.03, 0.10], trimesh.transformations.translation_matrix([-0.035, 0, 0.065])
            ),
        ]
    )


def test_a_hull_has_few_vertices_and_faces_that_look_outwards():
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.05)
    part = convex_part(sphere.vertices)
    assert len(part.vertices) <= MAX_HULL_VERTICES
    mesh = trimesh.Trimesh(part.vertices, part.faces, process=False)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(part.volume)
    assert part.volume == pytest.approx(sphere.volume, rel=0.05)


def test_parts_fill_the_shape_and_not_its_hull():
    mesh = l_shape()
    parts = convex_parts(mesh)
    assert len(parts) >= 2
    volume = sum(part.volume for part in parts)
    assert volume == pytest.approx(0.1 * 0.03 * 0.03 + 0.03 * 0.03 * 0.1, rel=0.25)
    assert volume < 0.75 * mesh.convex_hull.volume


def test_a_second_call_reads_the_cache(cache, monkeypatch):
    first = convex_parts(l_shape())
    monkeypatch.setattr(convex, '_decompose', lambda *_: pytest.fail('decomposed again'))
    second = convex_parts(l_shape())
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a.vertices, b.vertices)
    assert [path.suffix for path in (cache / 'hulls').iterdir()] == ['.npz']


def test_a_broken_cache_file_is_made_anew(cache):
    convex_parts(l_shape())
    (path,) = (cache / 'hulls').iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert len(convex_parts(l_shape())) >= 2
    assert path.stat().st_size > 100


def test_other_settings_have_another_entry(cache):
    convex_parts(l_shape())
    convex_parts(l_shape(), max_parts=1)
    assert len(list((cache / 'hulls').iterdir())) == 2


@pytest.mark.parametrize(
    'mesh',
    [
        trimesh.Trimesh(),
        trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]], process=False),
    ],
)
def test_what_is_no_mesh_is_refused(mesh):
    with pytest.raises(Dex1bError, match='expected at least one face') as caught:
        convex_parts(mesh)
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID


def test_flat_points_span_no_volume():
    with pytest.raises(Dex1bError, match='span no volume'):
        convex_part([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
