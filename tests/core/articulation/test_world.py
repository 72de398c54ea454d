"""A base that stands free stays until it is pulled harder than friction holds it."""

import numpy as np
import pytest

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.world import ArticulatedWorld
from dex1b_core.robots import load_robot

MASS = 10.0


def pulled(world: ArticulatedWorld, force: float) -> tuple[float, float]:
    """Motion of the base after half a second of a level pull at its foot [N]."""
    base = world._object.body.articulation.links[0]
    foot = world.start_pose[:3, 3]
    for _ in range(120):
        base.add_force_at_point(np.array([-force, 0.0, 0.0], dtype=np.float32), foot)
        world.step()
    return world.base_motion()


@pytest.fixture
def world():
    def make(base_mass: float) -> ArticulatedWorld:
        target = load_articulated('articulated:drawer-100')
        return ArticulatedWorld(load_robot('xarm7_ability'), target, base_mass=base_mass)

    return make


def test_it_stands_still_and_so_does_its_joint(world):
    standing = world(MASS)
    start = standing.joint_position()
    standing.step(240)
    assert max(standing.base_motion()) < 1e-3
    assert standing.joint_position() == pytest.approx(start, abs=1e-3)


def test_friction_of_six_tenths_holds_it(world):
    standing = world(MASS)
    weight = 9.81 * (MASS + standing.mass)
    assert pulled(standing, 0.5 * weight)[0] < 1e-3
    assert pulled(standing, 0.7 * weight)[0] > 0.02


def test_one_that_is_screwed_to_the_table_never_moves(world):
    assert pulled(world(0.0), 500.0) == pytest.approx((0.0, 0.0), abs=1e-4)
