"""Mesh files of every format, in every unit, and those that are none."""

import numpy as np
import pytest
import trimesh

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.mesh_file import SUFFIXES, read_mesh_file

SIZE = np.array([0.06, 0.04, 0.1])


def saved(folder, *, scale=1.0, suffix='.stl', name='box'):
    path = folder / f'{name}{suffix}'
    trimesh.creation.box(SIZE * scale).export(path)
    return path


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_every_format_is_read_in_metres(tmp_path, suffix):
    mesh = read_mesh_file(saved(tmp_path, suffix=suffix))
    np.testing.assert_allclose(mesh.extents, SIZE, rtol=1e-5)
    assert len(mesh.faces) == 12


def test_parts_of_a_scene_are_put_in_their_places(tmp_path):
    scene = trimesh.Scene()
    for x in (0.0, 0.05):
        move = trimesh.transformations.translation_matrix([x, 0, 0])
        scene.add_geometry(trimesh.creation.box([0.02, 0.02, 0.02]), transform=move)
    scene.export(tmp_path / 'scene.glb')
    mesh = read_mesh_file(tmp_path / 'scene.glb')
    np.testing.assert_allclose(mesh.extents, [0.07, 0.02, 0.02], atol=1e-6)


@pytest.mark.parametrize(
    ('units', 'factor'), [('m', 1), ('cm', 100), ('mm', 1000), ('in', 1 / 0.0254)]
)
def test_units_and_scale_multiply(tmp_path, units, factor):
    path = saved(tmp_path, scale=factor)
    np.testing.assert_allclose(read_mesh_file(path, units=units).extents, SIZE, rtol=1e-5)
    doubled = read_mesh_file(path, units=units, scale=2.0)
    np.testing.assert_allclose(doubled.extents, 2 * SIZE, rtol=1e-5)


@pytest.mark.parametrize(
    ('scale', 'units', 'text'),
    [
        (1000, None, 'looks like millimetres: pass --units mm'),
        (400, None, 'looks like centimetres or millimetres: pass --units cm or --units mm'),
        (30, None, 'looks like centimetres: pass --units cm'),
        (1, 'mm', 'looks like metres: pass --units m'),
        (0.001, None, 'expected 2 mm to 2 m: pass --units or --scale'),
        (1e6, None, 'expected 2 mm to 2 m: pass --units or --scale'),
    ],
)
def test_another_unit_is_suspected_and_never_assumed(tmp_path, scale, units, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        read_mesh_file(saved(tmp_path, scale=scale), units=units)
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID


def test_vertices_that_no_face_uses_do_not_count(tmp_path):
    (tmp_path / 'stray.obj').write_text(
        'v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nv 50 0 0\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n'
    )
    assert len(read_mesh_file(tmp_path / 'stray.obj').faces) == 4


@pytest.mark.parametrize(
    ('name', 'content', 'code', 'text'),
    [
        ('missing.stl', None, ErrorCode.UNKNOWN_OBJECT, 'no such file'),
        ('scan.xyz', 'v', ErrorCode.SHAPE_INVALID, r"\.obj, .*not '\.xyz'"),
        ('broken.glb', 'glTF nonsense', ErrorCode.SHAPE_INVALID, 'cannot be read as GLB'),
        ('empty.stl', '', ErrorCode.SHAPE_INVALID, 'empty.stl'),
        ('points.obj', 'v 0 0 0\nv 1 0 0\nv 0 1 0\n', ErrorCode.SHAPE_INVALID, 'points.obj'),
        (
            'nan.off',
            'OFF\n4 2 0\n0 0 0\n1 0 0\n0 nan 0\n0 0 1\n3 0 1 2\n3 0 1 3\n',
            ErrorCode.SHAPE_INVALID,
            '1 of 4 vertices are not finite',
        ),
        (
            'index.off',
            'OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n',
            ErrorCode.SHAPE_INVALID,
            'index.off',
        ),
    ],
)
def test_files_that_hold_no_mesh_are_named_with_the_reason(tmp_path, name, content, code, text):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(Dex1bError, match=text) as caught:
        read_mesh_file(path)
    assert caught.value.error_code == code


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'units': 'furlong'}, 'known are: m, cm, mm, in'),
        ({'scale': 0.0}, 'positive'),
        ({'scale': float('nan')}, 'positive'),
    ],
)
def test_bad_options_are_refused(tmp_path, options, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        read_mesh_file(saved(tmp_path), **options)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST
