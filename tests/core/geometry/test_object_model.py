"""Objects by name and file: one closed body about the centre of its volume."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.assets import object_names
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import foot_of, load_object
from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.solids import Solid, is_closed
from dex1b_core.geometry.surface import exact_signed_distance


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path))


def saved_l_shape(folder):
    """An L of two boxes, far from its frame's origin, with one face missing."""
    upright = trimesh.creation.box([0.03, 0.04, 0.10])
    upright.apply_translation([-0.035, 0, 0.035])
    mesh = trimesh.boolean.union([trimesh.creation.box([0.10, 0.04, 0.03]), upright])
    mesh.apply_translation([0.4, -0.2, 0.1])
    whole = mesh.volume, mesh.center_mass
    mesh.update_faces(np.arange(len(mesh.faces)) > 0)
    mesh.export(folder / 'l.ply')
    return folder / 'l.ply', *whole


@given(st.integers(0, 10**4), st.floats(0.5, 2.0))
@settings(max_examples=15, deadline=None)
def test_an_object_is_closed_about_the_centre_of_its_volume(seed, scale):
    model = load_object(f'shape:random-{seed}', scale=scale)
    assert model.name == f'random-{seed}'
    assert is_closed(model.solid)
    np.testing.assert_allclose(model.solid.centre, 0.0, atol=1e-9)
    np.testing.assert_allclose(model.object_T_mesh[:3, :3], np.eye(3))
    original = load_object(f'shape:random-{seed}')
    assert model.volume == pytest.approx(scale**3 * original.volume, rel=1e-3)
    np.testing.assert_allclose(model.extents, scale * original.extents, atol=2e-5)
    np.testing.assert_allclose(
        model.object_T_mesh[:3, 3], scale * original.object_T_mesh[:3, 3], atol=2e-5
    )


def test_the_parts_in_one_mesh_are_closed_each():
    model = load_object('shape:mug')
    vertices, faces, index = model.part_mesh()
    assert index.max() + 1 == len(model.parts)
    for number, part in enumerate(model.parts):
        mesh = trimesh.Trimesh(vertices, faces[index == number], process=True)
        assert mesh.is_watertight
        assert mesh.volume == pytest.approx(part.volume)


def test_parts_and_surface_are_the_same_body():
    model = load_object('shape:hammer')
    points = np.vstack([part.vertices for part in model.parts])
    assert exact_signed_distance(model.solid, points).max() < 1e-5
    build_sdf(model.vertices, model.faces)


def test_a_shape_looks_like_what_it_is_and_stands_under_its_middle():
    model = load_object('shape:mug')
    np.testing.assert_array_equal(model.mesh.vertices, model.vertices)
    lower, upper = model.vertices.min(axis=0), model.vertices.max(axis=0)
    np.testing.assert_allclose(model.foot, [*0.5 * (lower + upper)[:2], lower[2]])


def test_corners_without_faces_do_not_count_for_the_foot():
    box = trimesh.creation.box([0.02, 0.04, 0.06])
    vertices = np.vstack([box.vertices, [9.0, 9.0, -9.0]])
    np.testing.assert_allclose(foot_of(Solid(vertices, np.asarray(box.faces))), [0, 0, -0.03])


@pytest.mark.usefixtures('cache')
def test_a_file_is_repaired_decomposed_and_centred(tmp_path):
    path, volume, centre = saved_l_shape(tmp_path)
    model = load_object(str(path))
    assert model.name == 'l'
    assert 'filled 1 hole' in model.repairs[0]
    assert len(model.parts) >= 2
    assert model.volume == pytest.approx(volume, rel=0.05)
    np.testing.assert_allclose(model.object_T_mesh[:3, 3], -centre, atol=2e-3)
    assert 0.0 < model.fit[0] <= model.fit[1] < 0.004
    shown = trimesh.load(path, process=False)
    assert len(model.mesh.faces) == len(shown.faces)  # as it is, hole and all
    moved = shown.vertices + model.object_T_mesh[:3, 3]
    np.testing.assert_allclose(model.mesh.vertices, moved, atol=1e-9)
    np.testing.assert_allclose(model.foot[2], moved[:, 2].min(), atol=1e-9)
    assert load_object(str(path), scale=2.0).volume == pytest.approx(8 * volume, rel=0.05)


@pytest.mark.skipif(not object_names(), reason='the YCB models are not fetched')
def test_a_ycb_object_loads_by_its_short_name():
    model = load_object('ycb:banana')
    assert model.name == '011_banana'
    assert load_object('banana').name == '011_banana'
    assert model.volume == pytest.approx(1.715e-4, rel=0.05)
    assert model.fit[0] < 0.003


@pytest.mark.parametrize(
    ('spec', 'options', 'code', 'text'),
    [
        ('unicorn', {}, ErrorCode.UNKNOWN_OBJECT, "unknown object 'unicorn'"),
        ('torus', {}, ErrorCode.UNKNOWN_OBJECT, 'shapes are written shape:NAME'),
        ('ycb:unicorn', {}, ErrorCode.UNKNOWN_OBJECT, "unknown object 'unicorn'"),
        ('shape:mugg', {}, ErrorCode.UNKNOWN_OBJECT, 'known are'),
        ('/nowhere/a.obj', {}, ErrorCode.UNKNOWN_OBJECT, 'no such file'),
        ('shape:mug', {'scale': -1.0}, ErrorCode.INVALID_REQUEST, 'positive'),
        ('shape:mug', {'scale': 100.0}, ErrorCode.INVALID_REQUEST, 'would measure 10.8 m'),
        ('shape:mug', {'units': 'mm'}, ErrorCode.INVALID_REQUEST, 'use --scale'),
        ('ycb:mug', {'units': 'mm'}, ErrorCode.INVALID_REQUEST, 'use --scale'),
        ('mug', {'units': 'mm'}, ErrorCode.INVALID_REQUEST, 'use --scale'),
    ],
)
def test_what_cannot_be_loaded_is_told(spec, options, code, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        load_object(spec, **options)
    assert caught.value.error_code == code


@pytest.mark.usefixtures('cache')
def test_unfetched_models_are_told():
    with pytest.raises(Dex1bError, match='dex1b assets fetch') as caught:
        load_object('ycb:mug')
    assert caught.value.error_code == ErrorCode.ASSET_MISSING
