import numpy as np
import pytest

from dex1b_core.geometry import from_rpy, make_transform
from dex1b_core.geometry.convex import convex_part
from dex1b_core.simulation.objects import (
    MASS_RANGE,
    add_object,
    body_of,
    mass_of,
    object_pose,
    settle,
)
from dex1b_core.simulation.settings import PhysicsSettings, add_table


def block(x, y, z):
    corners = np.array(np.meshgrid((-x / 2, x / 2), (-y / 2, y / 2), (0, z))).reshape(3, -1).T
    return [convex_part(corners)]


def on_table(parts, pose, mass=0.2):
    settings = PhysicsSettings()
    scene = settings.new_scene()
    add_table(scene, settings)
    return scene, add_object(scene, parts, mass=mass, world_T_object=pose)


def test_masses_are_plausible():
    assert mass_of(block(0.1, 0.1, 0.01)) == pytest.approx(0.04)
    assert mass_of(block(0.01, 0.01, 0.01)) == MASS_RANGE[0]
    assert mass_of(block(0.2, 0.2, 0.2)) == MASS_RANGE[1]


def test_mass_and_inertia_are_those_of_the_body():
    _, entity = on_table(block(0.04, 0.06, 0.10), np.eye(4), mass=0.3)
    body = body_of(entity)
    assert body.get_mass() == pytest.approx(0.3)
    expected = 0.3 / 12 * np.array([0.06**2 + 0.1**2, 0.04**2 + 0.1**2, 0.04**2 + 0.06**2])
    np.testing.assert_allclose(np.sort(body.get_inertia()), np.sort(expected), rtol=0.02)


def test_an_upright_block_settles_where_it_stands():
    scene, entity = on_table(block(0.05, 0.05, 0.1), make_transform(np.eye(3), [0.4, 0.1, 0.004]))
    assert settle(scene, entity)
    np.testing.assert_allclose(object_pose(entity)[:3, 3], [0.4, 0.1, 0], atol=1e-3)


def test_a_leaning_block_falls_over():
    scene, entity = on_table(block(0.03, 0.03, 0.15), from_rpy([0.4, 0, 0.01], [0.5, 0, 0]))
    assert settle(scene, entity)
    assert abs(object_pose(entity)[2, 2]) < 0.05  # its long axis lies flat


def test_what_falls_beside_the_table_does_not_settle():
    scene, entity = on_table(block(0.05, 0.05, 0.1), make_transform(np.eye(3), [3, 0, 0.1]))
    assert not settle(scene, entity, limit_s=1.0)


def test_friction_decides_whether_it_slides():
    tilt = from_rpy([0, 0, 0], [0.5, 0, 0])  # tan(0.5) = 0.55
    moved = {}
    for friction in (0.2, 1.0):
        settings = PhysicsSettings(friction=friction)
        scene = settings.new_scene()
        slope = scene.create_actor_builder()
        import sapien

        slope.add_box_collision(
            sapien.Pose(tilt.astype(np.float32)) * sapien.Pose([0, 0, -0.1]),
            [1, 1, 0.1],
            material=settings.material(),
        )
        slope.set_initial_pose(sapien.Pose())
        slope.build_static()
        entity = add_object(
            scene,
            block(0.1, 0.1, 0.02),
            mass=0.2,
            world_T_object=tilt,
            friction=friction,
            settings=settings,
        )
        for _ in range(240):
            scene.step()
        moved[friction] = np.linalg.norm(object_pose(entity)[:3, 3])
    assert moved[0.2] > 0.3
    assert moved[1.0] < 0.01
