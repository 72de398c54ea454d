import numpy as np
import pytest
import trimesh

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import look_at, make_transform
from dex1b_core.perception.frames import CameraIntrinsics
from dex1b_core.simulation.raycast import NOTHING, Body, RaycastScene
from dex1b_core.simulation.shading import Lighting

SMALL = CameraIntrinsics(161, 121, 150.0, 150.0, 80.0, 60.0)
ABOVE = look_at([0, 0, 1.0], [0, 0, 0], up=(0, 1, 0))


def body(name, mesh, **options):
    return Body(name, np.asarray(mesh.vertices), np.asarray(mesh.faces), **options)


def floor():
    return body('floor', trimesh.creation.box([2, 2, 0.1]), colour=(0.5, 0.5, 0.5), smooth=False)


@pytest.fixture
def scene():
    scene = RaycastScene([floor(), body('ball', trimesh.creation.icosphere(4, 0.1))])
    scene.set_poses({'floor': make_transform(np.eye(3), [0, 0, -0.05])})
    return scene


def test_depth_is_along_the_optical_axis(scene):
    scene.set_poses({'ball': make_transform(np.eye(3), [5, 0, 0])})
    depth = scene.render(SMALL, ABOVE, colour=False).depth
    np.testing.assert_allclose(depth, 1.0, atol=1e-5)


def test_a_sphere_is_seen_where_geometry_says(scene):
    picture = scene.render(SMALL, ABOVE, colour=False)
    assert picture.depth[60, 80] == pytest.approx(0.9, abs=1e-3)
    ball = picture.ids == picture.names.index('ball')
    radius = 150.0 * 0.1 / np.sqrt(1 - 0.01)  # silhouette of a sphere
    assert ball.sum() == pytest.approx(np.pi * radius**2, rel=0.03)
    np.testing.assert_allclose(picture.normals[60, 80], [0, 0, 1], atol=0.05)
    assert picture.incidence[60, 80] == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(picture.normals[5, 5], [0, 0, 1], atol=1e-5)


def test_where_nothing_is_depth_is_nan(scene):
    sideways = look_at([0, 0, 1.0], [1, 0, 1.0])
    picture = scene.render(SMALL, sideways)
    assert np.isnan(picture.depth[:60]).all()
    assert (picture.ids[:60] == NOTHING).all()
    assert (picture.incidence[:60] == 0).all()
    assert picture.colour[10, 10].min() > 150  # a bright sky


def test_moving_a_body_moves_its_image(scene):
    before = scene.render(SMALL, ABOVE, colour=False).ids
    assert scene.set_poses({'ball': make_transform(np.eye(3), [0.2, 0, 0])})
    after = scene.render(SMALL, ABOVE, colour=False).ids
    shift = np.nonzero(after == 1)[1].mean() - np.nonzero(before == 1)[1].mean()
    assert shift == pytest.approx(0.2 * 150, rel=0.15)


def test_small_moves_and_unknown_names_do_not_count(scene):
    pose = make_transform(np.eye(3), [1e-5, 0, 0])
    assert not scene.set_poses({'ball': pose, 'nobody': pose}, tolerance=1e-4)
    assert scene.set_poses({'ball': pose})


def test_light_falls_from_its_side_and_throws_a_shadow(scene):
    scene.lighting = Lighting(key=(1.0, 0.0, 1.0))
    scene.set_poses({'ball': make_transform(np.eye(3), [0, 0, 0.2])})
    picture = scene.render(SMALL, ABOVE)
    grey = picture.colour.mean(axis=-1)
    ball = np.argwhere(picture.ids == 1)
    left, right = ball[ball[:, 1] < 75], ball[ball[:, 1] > 85]
    assert grey[tuple(right.T)].mean() > grey[tuple(left.T)].mean() + 20
    shade = picture.ids == 0
    assert np.ptp(grey[shade]) > 40  # the shadow on the floor
    scene.lighting = Lighting(key=(1.0, 0.0, 1.0), shadows=False)
    grey = scene.render(SMALL, ABOVE).colour.mean(axis=-1)
    assert np.ptp(grey[shade]) < 15


def test_colours_are_those_of_the_bodies():
    mesh = trimesh.creation.box([0.2, 0.2, 0.1])
    faces = np.tile([0.0, 0.8, 0.0], (len(mesh.faces), 1))
    scene = RaycastScene(
        [floor(), body('red', mesh, colour=(0.8, 0, 0)), body('green', mesh, colour=faces)]
    )
    scene.set_poses({'red': make_transform(np.eye(3), [-0.2, 0, 0.2])})
    scene.set_poses({'green': make_transform(np.eye(3), [0.2, 0, 0.2])})
    picture = scene.render(SMALL, ABOVE)
    for name, channel in (('red', 0), ('green', 1)):
        seen = picture.colour[picture.ids == picture.names.index(name)].mean(axis=0)
        assert seen.argmax() == channel
        assert seen[channel] > 3 * np.delete(seen, channel).max()


def test_supersampling_softens_edges_and_keeps_depth(scene):
    plain = scene.render(SMALL, ABOVE)
    fine = scene.render(SMALL, ABOVE, supersampling=3)
    assert fine.colour.shape == plain.colour.shape
    np.testing.assert_allclose(fine.depth, plain.depth, atol=2e-3, equal_nan=True)

    def sharpest_step(picture):
        return np.abs(np.diff(picture.astype(int).sum(axis=2), axis=1)).max()

    assert sharpest_step(fine.colour) < sharpest_step(plain.colour)


def test_two_bodies_of_one_name_are_refused():
    with pytest.raises(Dex1bError, match='different names'):
        RaycastScene([floor(), floor()])
