import numpy as np
import pytest
import trimesh

from dex1b_core.errors import ConfigurationError, Dex1bError
from dex1b_core.simulation.camera import (
    CameraDescription,
    DepthCamera,
    DepthNoise,
    camera_names,
    load_camera,
)
from dex1b_core.simulation.raycast import Body, RaycastScene

PERFECT = DepthNoise(gaussian=0, quantisation=0, edge_dropout=0, flying_pixels=0, grazing_cosine=0)
FLAT = np.full((120, 160), 0.7, np.float32)
FACING = np.ones_like(FLAT)


def only(**values):
    return PERFECT.model_copy(update=values)


def test_no_noise_is_no_change():
    depth = FLAT.copy()
    depth[3, 4] = np.nan
    np.testing.assert_array_equal(PERFECT.apply(depth, FACING, seed=1), depth)


def test_the_seed_decides():
    noise = DepthNoise()
    np.testing.assert_array_equal(
        noise.apply(FLAT, FACING, seed=1), noise.apply(FLAT, FACING, seed=1)
    )
    assert (noise.apply(FLAT, FACING, seed=1) != noise.apply(FLAT, FACING, seed=2)).any()


@pytest.mark.parametrize(('distance', 'sigma'), [(0.7, 0.001), (1.4, 0.004)])
def test_gaussian_noise_grows_with_the_square_of_the_distance(distance, sigma):
    noisy = only(gaussian=0.001).apply(FLAT / 0.7 * distance, FACING, seed=0)
    assert noisy.std() == pytest.approx(sigma, rel=0.05)
    assert noisy.mean() == pytest.approx(distance, abs=sigma / 20)


def test_quantisation_has_steps_of_inverse_depth():
    depth = np.linspace(0.6, 0.8, FLAT.size, dtype=np.float32).reshape(FLAT.shape)
    levels = np.unique(only(quantisation=0.002).apply(depth, FACING, seed=0))
    steps = np.diff(levels)
    middle = steps[np.abs(levels[:-1] - 0.7).argmin()]
    assert middle == pytest.approx(0.002, rel=0.05)
    assert steps[-2] > steps[1]


def test_correlated_noise_is_as_strong_and_alike_between_neighbours():
    noisy = only(gaussian=0.001, correlation=1.3).apply(FLAT, FACING, seed=0) - 0.7
    assert noisy.std() == pytest.approx(0.001, rel=0.05)
    assert np.corrcoef(noisy[:, :-1].ravel(), noisy[:, 1:].ravel())[0, 1] > 0.8
    assert abs(np.corrcoef(noisy[:, :-9].ravel(), noisy[:, 9:].ravel())[0, 1]) < 0.1


def test_shadows_grow_with_the_step_and_lie_on_what_is_farther():
    depth = np.full((4, 160), 1.0, np.float32)
    depth[:2, 60:100] = 1 / 1.5
    depth[2:, 60:100] = 1 / 1.3
    noise = only(shadow_left=20.5, shadow_right=10.5, shadow_least=0.1)
    noisy = noise.apply(depth, np.ones_like(depth), seed=0)
    lost = np.isnan(noisy)
    assert not lost[:, 60:100].any()
    assert [lost[row, :60].sum() for row in (0, 2)] == [8, 4]
    assert [lost[row, 100:].sum() for row in (0, 2)] == [4, 2]
    np.testing.assert_array_equal(noisy[~lost], depth[~lost])


def test_grazing_returns_are_lost():
    incidence = np.full_like(FLAT, 0.1)
    incidence[:60] = 0.9
    noisy = only(grazing_cosine=0.2).apply(FLAT, incidence, seed=0)
    assert np.isfinite(noisy[:60]).all()
    assert np.isnan(noisy[60:]).mean() == pytest.approx(0.5, abs=0.03)


def test_edges_drop_out_or_fly_between_the_sides():
    depth = FLAT.copy()
    depth[:, 80:] = 1.0
    noisy = only(edge_dropout=0.3, flying_pixels=0.3).apply(depth, FACING, seed=0)
    edge = np.zeros(FLAT.shape, bool)
    edge[:, 79:81] = True
    np.testing.assert_array_equal(noisy[~edge], depth[~edge])
    assert np.isnan(noisy[edge]).mean() == pytest.approx(0.3, abs=0.1)
    flying = (noisy[edge] > 0.705) & (noisy[edge] < 0.995)
    assert flying.mean() == pytest.approx(0.3, abs=0.1)


def test_an_edge_against_nothing_does_not_fly():
    depth = FLAT.copy()
    depth[:, 80:] = np.nan
    noisy = only(flying_pixels=1.0).apply(depth, FACING, seed=0)
    assert np.isnan(noisy[:, 80:]).all()
    assert np.nanmax(noisy) == np.float32(0.7)


def test_every_camera_file_is_valid_and_looks_down_at_the_workspace():
    assert 'front_side' in camera_names()
    for name in camera_names():
        camera = load_camera(name)
        forward = camera.world_T_camera[:3, 2]
        assert 30 < np.degrees(np.arcsin(-forward[2])) < 55
        centre = np.array([0.43, 0.0, 0.05])
        seen = np.linalg.inv(camera.world_T_camera) @ [*centre, 1]
        assert 0.5 < seen[2] < 1.0
        columns, rows, _ = camera.intrinsics.project(seen[None, :3])
        assert 100 < columns[0] < 540
        assert 80 < rows[0] < 400


def test_unknown_and_malformed_cameras_are_named(tmp_path):
    with pytest.raises(Dex1bError, match=r"unknown camera 'top'.*front_side"):
        load_camera('top')
    path = tmp_path / 'mine.yaml'
    path.write_text('eye: [0, 0, 1]\ntarget: [0, 0, 0]\nfx: -3\n')
    with pytest.raises(ConfigurationError, match=r'mine\.yaml: fx'):
        load_camera(str(path))


def test_the_same_picture_is_rendered_once(monkeypatch):
    box = trimesh.creation.box([0.2, 0.2, 0.2])
    scene = RaycastScene([Body('box', np.asarray(box.vertices), np.asarray(box.faces))])
    calls = []
    render = scene.render
    monkeypatch.setattr(scene, 'render', lambda *a, **k: calls.append(k) or render(*a, **k))
    camera = DepthCamera(
        CameraDescription(eye=(1, 0, 1), target=(0, 0, 0), width=32, height=24, fx=30, fy=30,
                          cx=16, cy=12),
        scene,
    )  # fmt: skip
    camera.look(moved=True, colour=False)
    camera.look(moved=False, colour=False)
    assert calls == [{'colour': False}]
    assert camera.look(moved=False, colour=True).colour is not None
    camera.look(moved=False, colour=False)
    assert len(calls) == 2
    camera.look(moved=True, colour=False)
    assert len(calls) == 3


def test_depth_outside_of_the_range_is_no_return():
    box = trimesh.creation.box([0.2, 0.2, 0.2])
    scene = RaycastScene([Body('box', np.asarray(box.vertices), np.asarray(box.faces))])
    description = CameraDescription(eye=(1, 0, 0.01), target=(0, 0, 0), max_depth=0.5)
    camera = DepthCamera(description, scene)
    rendering = camera.look(moved=True, colour=False)
    assert np.isfinite(rendering.depth).any()
    assert np.isnan(camera.measure(rendering, seed=0, noise=False)).all()
