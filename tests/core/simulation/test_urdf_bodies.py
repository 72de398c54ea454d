"""What is read from a URDF, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from known_grasps import jaws_source

from dex1b_core.errors import ConfigurationError
from dex1b_core.simulation.urdf_bodies import read_body_tree


def test_published_inertia_stays_when_possible_and_is_replaced_when_not(tmp_path):
    def left(**published):
        source = jaws_source(tmp_path, **published)
        read_body_tree.cache_clear()
        return next(body for body in read_body_tree(source).bodies if body.name == 'left')

    mass, centre, inertia = left(mass=0.02, inertia=1e-5).inertia
    assert (mass, inertia[0, 0]) == (0.02, 1e-5)
    np.testing.assert_array_equal(centre, 0.0)
    mass, centre, inertia = left(mass=0.02, inertia=1e-2).inertia  # 0.7 m from the axis
    assert mass == pytest.approx(1000.0 * 0.01 * 0.03 * 0.09)
    np.testing.assert_allclose(centre, [-0.005, 0.0, 0.0], atol=1e-9)
    assert inertia[0, 0] == pytest.approx(mass * (0.03**2 + 0.09**2) / 12.0)


def test_bodies_and_joints_are_those_of_the_file(jaws):
    tree = read_body_tree(jaws)
    assert [body.name for body in tree.bodies] == ['palm', 'left', 'right']
    assert [body.parent for body in tree.bodies] == [-1, 0, 0]
    assert [len(body.shapes) for body in tree.bodies] == [1, 1, 1]
    left, right = tree.joints['left_slide'], tree.joints['right_slide']
    assert left.slides
    assert left.limits == (-0.1, 0.02)
    assert (left.mimic, right.mimic) == (None, ('left_slide', 1.0, 0.0))
    np.testing.assert_array_equal(right.axis, [-1.0, 0.0, 0.0])
    lower = tree.bodies[1].shapes[0].points.min(axis=0)
    np.testing.assert_allclose(lower, [-0.01, -0.015, -0.045], atol=1e-12)


def test_a_mimic_joint_may_be_driven_and_the_rest_is_locked(jaws):
    tree = read_body_tree(replace(jaws, joint_names=('right_slide', 'left_slide')))
    assert tree.joints['right_slide'].mimic is None
    alone = read_body_tree(replace(jaws, joint_names=('right_slide',)))
    assert [body.name for body in alone.bodies] == ['palm', 'right']
    assert len(alone.bodies[0].shapes) == 2  # the left jaw is part of the palm


def test_hands_that_are_none(jaws):
    with pytest.raises(ConfigurationError, match="no link 'fist'; its links are: left, palm"):
        read_body_tree(replace(jaws, root_link='fist'))
    with pytest.raises(ConfigurationError, match='no movable joint grip'):
        read_body_tree(replace(jaws, joint_names=('grip',)))
    with pytest.raises(ConfigurationError, match='not a readable URDF'):
        read_body_tree(replace(jaws, urdf_path=jaws.urdf_path.with_name('none.urdf')))
