"""Robots as bodies with joints between them."""

import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.simulation.body_tree import MARKER_INERTIA, SLIDES, TURNS, Body, BodyTree, Joint
from dex1b_core.simulation.collision_shape import sphere

BALL = sphere(0.01, np.eye(4))


def body(name, parent, *, mimic=None, shapes=(BALL,)):
    joint = Joint(f'{name}_joint', False, np.eye(3)[2], (-1.0, 1.0), mimic)
    return Body(name, parent, np.eye(4), joint if parent >= 0 else None, shapes, MARKER_INERTIA)


@pytest.fixture
def tree():
    """A wrist, a palm with two fingers; the second finger's tip follows its base, which follows."""
    return BodyTree(
        (
            body('wrist', -1),
            body('palm', 0),
            body('index', 1),
            body('index_tip', 2, mimic=('index_joint', 0.5, 0.1)),
            body('thumb', 1, mimic=('index_tip_joint', -2.0, 0.0)),
            body('thumb_marker', 4, shapes=()),
            body('thumb_tip', 5),
        ),
        ('thumb_tip_joint', 'palm_joint', 'index_joint', 'thumb_marker_joint'),
    )


def test_followers_of_followers_are_completed(tree):
    positions = tree.complete(np.array([0.3, 0.2, 0.4, 0.0]))
    assert positions == pytest.approx(
        {
            'thumb_tip_joint': 0.3,
            'palm_joint': 0.2,
            'index_joint': 0.4,
            'index_tip_joint': 0.3,
            'thumb_joint': -0.6,
            'thumb_marker_joint': 0.0,
        }
    )
    assert set(positions) == set(tree.joints)
    assert tree.driver('thumb_joint') == 'index_joint'
    assert tree.driver('palm_joint') == 'palm_joint'


def test_followers_of_nobody_are_an_error():
    lost = BodyTree((body('palm', -1), body('finger', 0, mimic=('thumb_joint', 1.0, 0.0))), ())
    with pytest.raises(ConfigurationError, match='finger_joint mimic joints that nobody drives'):
        lost.complete(np.zeros(0))


def test_fingers_branch_off_the_palm(tree):
    assert tree.fingers().tolist() == [-1, -1, 0, 0, 1, 1, 1]


def test_neighbours_have_nothing_but_joints_between_them(tree):
    joined = {(0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (5, 6)}
    assert tree.neighbours() == joined | {(4, 6)}  # the marker has no shape


def test_slides_come_first_and_carry_the_root(tree):
    sliding = tree.on_slides()
    assert sliding.joint_names == (*SLIDES, *tree.joint_names)
    assert [b.name for b in sliding.bodies[3:]] == [b.name for b in tree.bodies]
    assert [b.parent for b in sliding.bodies] == [-1, 0, 1, 2, 3, 4, 5, 4, 7, 8]
    assert sliding.fingers().tolist() == [-1, -1, -1, *tree.fingers()]
    for axis, slide in zip(np.eye(3), SLIDES, strict=True):
        assert sliding.joints[slide].slides
        np.testing.assert_array_equal(sliding.joints[slide].axis, axis)
    positions = np.array([0.1, 0.2, 0.3, 0.3, 0.2, 0.4, 0.0])
    expected = tree.complete(positions[3:]) | dict(zip(SLIDES, [0.1, 0.2, 0.3], strict=True))
    assert sliding.complete(positions) == expected


def test_a_floating_tree_slides_and_turns_before_its_own_joints(tree):
    floating = tree.floating()
    assert floating.joint_names == (*SLIDES, *TURNS, *tree.joint_names)
    assert [floating.joints[name].slides for name in (*SLIDES, *TURNS)] == [True] * 3 + [False] * 3
    wrist = next(body for body in floating.bodies if body.name == 'wrist')
    assert wrist.joint.name == 'turn_z'
    assert wrist.shapes == tree.bodies[0].shapes
    assert floating.fingers()[6:].tolist() == tree.fingers().tolist()
